#!/usr/bin/env python3
"""The keyword spotter learns on an emulated Cortex-M4.

    demo.py RELEASE-BUILD OUTPUT [--words] [--speaker NAME] [--shots K]
            [--epochs N]

Compiles the model with adapters, builds the firmware, lets it learn from K
recordings a word of one person, evaluates before and after, and repeats the
same training on the host: the adapters must be equal, byte for byte. The words
are ten spoken digits, new to the model; with --words, or where there are no
recordings, those that a model of zoo/ knows, by voices that it does not.
"""
import argparse
import json
import pathlib
import sys
import time

import report
import tasks

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "examples"))

from board import Bar, lines_of, run  # noqa: E402

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


def train_on_host(build, task, specs, folder):
    """The adapter that the host makes of the same clips."""
    for part in ("train", "test"):
        run(build / "examples/kws/kws-features", folder / f"{part}.clips",
            folder / f"{part}_x.bin", folder / f"{part}_y.bin")
    run(build / "tinypeft", "train", task.model, *specs, "--x",
        folder / "train_x.bin", "--y", folder / "train_y.bin", "--epochs",
        task.epochs, "--seed", SEED, "-o", folder / "host.adapter")
    return (folder / "host.adapter").read_bytes()


def adapt(build, task, specs, elf, person, folder):
    """One person, on the device and on the host; what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test, adapter = (folder / name for name in (
        "train.clips", "test.clips", "device.adapter"))
    task.write(person, train, test)
    host = train_on_host(build, task, specs, folder)
    tests = (folder / "test_y.bin").stat().st_size
    told = learn(elf, ["learn", train, test, adapter, task.epochs, SEED], tests)
    told.update(person=person, adapter_bytes=len(host),
                equal=adapter.read_bytes() == host)
    return told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--speaker")
    parser.add_argument("--shots", type=int)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    start = time.monotonic()
    build, out = options.build.resolve(), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    task = tasks.choose(ROOT, out, options)
    specs = [x for spec in task.adapters for x in ("--adapter", spec)]

    print(f"1  compile {task.model.name} as it is, with "
          f"{' and '.join(task.adapters)}")
    run(build / "tinypeft", "compile", task.model, *specs, "--target",
        "cortex-m4", "--name", "kws", "-o", out / "model")
    print("2  build the firmware for a Cortex-M4")
    run("scripts/build-device", "m4", out / "m4",
        f"-DTINYPEFT_KWS={out / 'model'}")
    elf = out / "m4/kws.elf"
    people = []
    for person in task.people:
        print(f"3  the device learns {task.title} from {task.shots} "
              f"recordings a word of {person}, and so does the host")
        # One person's files lie in the folder itself.
        folder = out / person if len(task.people) > 1 else out
        people.append(adapt(build, task, specs, elf, person, folder))
    print("4  count the instructions of one inference and one update")
    cost = dict(lines_of(elf, ["cost", folder / "train.clips"], icount=True))

    summary = report.summarise(task, people, cost, out)
    summary["seconds"] = round(time.monotonic() - start, 1)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (out / "learning.svg").write_text(report.picture(summary))
    print(report.table(summary))
    print(f"\n{out / 'summary.json'}\n{out / 'learning.svg'}")
    if not summary["adapters_equal"]:
        sys.exit("demo: the device's adapter differs from the host's")
    if not summary["ram"]["header_equals_map"]:
        sys.exit("demo: the RAM in kws.h is not that of the linker's map")


if __name__ == "__main__":
    main()
