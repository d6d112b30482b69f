#!/usr/bin/env python3
"""The keyword spotter learns ten new words on an emulated Cortex-M4.

    demo.py RELEASE-BUILD OUTPUT [--speaker NAME] [--shots K] [--epochs N]

Compiles the model with adapters, builds the firmware, lets it learn from K
recordings a word of one speaker, evaluates before and after, and repeats the
same training on the host: the adapters must be equal, byte for byte.
"""
import argparse
import json
import pathlib
import sys
import time

import report
import sources

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "examples"))

from board import Bar, lines_of, run  # noqa: E402

ADAPTERS = ["conv[2468]=lora:rank=4", "fc11=head:classes=10"]
TESTS = range(20)  # clips 0..19 of each word are for testing
SEED = 1


def learn(elf, arguments, tests):
    """Trains and evaluates on the device; what it reported."""
    told = {"losses": []}
    testing = Bar("testing before", tests)
    training = None
    for word, numbers in lines_of(elf, arguments, icount=False):
        if word == "tested":
            testing.show(numbers[0])
        elif word == "update":
            training = training or Bar("update", numbers[1])
            loss = numbers[2] / 65536
            told["losses"].append(loss)
            training.show(numbers[0], f"loss {loss:.3f}")
        else:
            told[word] = numbers
        if word == "before":
            testing = Bar("testing after", tests)
    return told


def train_on_host(tinypeft, model, out, epochs):
    arguments = [x for spec in ADAPTERS for x in ("--adapter", spec)]
    run(tinypeft, "train", model, *arguments, "--x", out / "train_x.bin",
        "--y", out / "train_y.bin", "--epochs", epochs, "--seed", SEED,
        "-o", out / "host.adapter")
    return (out / "host.adapter").read_bytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--speaker", default="jackson")
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    start = time.monotonic()
    build, out = options.build.resolve(), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    data = sources.find(ROOT, out)
    model = data / "models/kws_ref_model.tflite"
    tinypeft = build / "tinypeft"

    print("1  compile the model as it is, with a LoRA branch on four layers "
          "and a new head")
    arguments = [x for spec in ADAPTERS for x in ("--adapter", spec)]
    run(tinypeft, "compile", model, *arguments, "--target", "cortex-m4",
        "--name", "kws", "-o", out / "model")
    print("2  build the firmware for a Cortex-M4")
    run("scripts/build-device", "m4", out / "m4",
        f"-DTINYPEFT_KWS={out / 'model'}")
    elf = out / "m4/kws.elf"
    print(f"3  the device learns from {options.shots} recordings a word of "
          f"{options.speaker}")
    shots = range(20, 20 + options.shots)
    sources.write_clips(data, options.speaker, shots, out / "train.clips")
    sources.write_clips(data, options.speaker, TESTS, out / "test.clips")
    told = learn(elf, ["learn", out / "train.clips", out / "test.clips",
                       out / "device.adapter", options.epochs, SEED],
                 10 * len(TESTS))
    print("4  the same training on the host")
    run(build / "examples/kws/kws-features", out / "train.clips",
        out / "train_x.bin", out / "train_y.bin")
    host = train_on_host(tinypeft, model, out, options.epochs)
    device = (out / "device.adapter").read_bytes()
    print("5  count the instructions of one inference and one update")
    cost = dict(lines_of(elf, ["cost", out / "train.clips"], icount=True))

    summary = report.summarise(told, cost, out / "m4/kws.map",
                               out / "model/kws.h")
    summary.update(speaker=options.speaker, shots=options.shots,
                   adapters=ADAPTERS, adapter_bytes=len(device),
                   adapters_equal=device == host,
                   seconds=round(time.monotonic() - start, 1))
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (out / "learning.svg").write_text(report.picture(summary))
    print(report.table(summary))
    print(f"\n{out / 'summary.json'}\n{out / 'learning.svg'}")
    if device != host:
        sys.exit("demo: the device's adapter differs from the host's")
    if not summary["ram"]["header_equals_map"]:
        sys.exit("demo: the RAM in kws.h is not that of the linker's map")


if __name__ == "__main__":
    main()
