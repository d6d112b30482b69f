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

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "examples"))

import learning  # noqa: E402
import report  # noqa: E402
import tasks  # noqa: E402
from board import lines_of, run  # noqa: E402


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
    print(f"3  the device learns {task.title} from {task.shots} recordings a "
          f"word of {', '.join(task.people)}; so does the host")
    people = learning.adapt_all(build, task, specs, elf, out)
    print("4  count the instructions of one inference and one update")
    cost = dict(lines_of(elf, ["cost", people[0]["folder"] / "train.clips"],
                         icount=True))

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
