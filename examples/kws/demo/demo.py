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
import subprocess
import sys
import time

import report
import sources

ROOT = pathlib.Path(__file__).resolve().parents[3]
ADAPTERS = ["conv[2468]=lora:rank=4", "fc11=head:classes=10"]
TESTS = range(20)  # clips 0..19 of each word are for testing
SEED = 1


class Bar:
    """A progress bar on a terminal; a line a tenth elsewhere."""

    def __init__(self, what, total):
        self.what, self.total, self.shown = what, total, -1

    def show(self, done, note=""):
        tty = sys.stderr.isatty()
        step = done * (50 if tty else 10) // max(self.total, 1)
        if step == self.shown:
            return
        self.shown = step
        text = f"{self.what} {done}/{self.total} {note}"
        if tty:
            text = f"\r  [{'#' * step:<50}] {text}"
        print(text, end="" if tty else "\n", file=sys.stderr, flush=True)
        if tty and done == self.total:
            print(file=sys.stderr)


def run(*command, **options):
    """The command's output; stops the demo with its message if it fails."""
    done = subprocess.run([str(c) for c in command], cwd=ROOT, text=True,
                          capture_output=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"demo: {' '.join(map(str, command))} failed:\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def device_lines(elf, arguments, icount):
    """Lines that the firmware prints, as they come."""
    words = ["kws.elf", *map(str, arguments)]
    config = "enable=on,target=native" + "".join(f",arg={w}" for w in words)
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none",
               "-monitor", "none", "-serial", "none", "-semihosting-config",
               config, "-kernel", str(elf)]
    command += ["-icount", "shift=0"] if icount else []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE) as machine:
        for line in machine.stdout:
            word, *numbers = line.split()
            if word == "error":
                sys.exit(f"demo: the device says: {line[6:].strip()}")
            yield word, [int(n) for n in numbers]
    if machine.returncode != 0:
        sys.exit(f"demo: the device stopped with {machine.returncode}")


def learn(elf, arguments, tests):
    """Trains and evaluates on the device; what it reported."""
    told = {"losses": []}
    testing = Bar("testing before", tests)
    training = None
    for word, numbers in device_lines(elf, arguments, icount=False):
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
    cost = dict(device_lines(elf, ["cost", out / "train.clips"], icount=True))

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
