#!/usr/bin/env python3
"""Table C of docs/numerics.md on an emulated Cortex-M4: activities of people
whom the base never saw, before and after it has adapted to each.

    har.py RELEASE-BUILD OUTPUT [--people N] [--board FOLDER]

Every person gives k windows an activity; every method trains on them on the
device and is tested there on the person's other windows. The host trains the
same: the adapters must be equal, byte for byte. 77: the data are not here.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "zoo/har")]

import people  # noqa: E402
import windows  # noqa: E402
from board import Bar, firmware, lines_of, run, sizes  # noqa: E402

METHODS = {"last": ["fc1=lora:rank=6", "fc1=bitfit"],
           "bitfit": ["*=bitfit"],
           "lora": ["*=lora:rank=4", "*=bitfit"],
           "lora-fa": ["*=lora-fa:rank=4", "*=bitfit"]}
KS = [1, 5, 10]
RATE, SEED = 1 / 32, 1


def specs(method):
    return [w for spec in METHODS[method] for w in ("--adapter", spec)]


# --- one person, one method --------------------------------------------------

def adapt(tinypeft, board, out, person, method):
    """What the device reports, in percent, and whether the host agrees."""
    folder, fold = out / f"person/{person + 1}", person % people.FOLDS
    elf = board / f"har-{method}-{fold}.elf"
    to = folder / method
    to.mkdir(exist_ok=True)
    told = dict(lines_of(elf, [folder, to, round(RATE * 32768), SEED, *KS]))
    same = True
    for k in KS:
        host = to / f"{k}.host"
        run(tinypeft, "train", people.base(fold), *specs(method), "--x",
            folder / f"{k}_x.bin", "--y", folder / f"{k}_y.bin", "--lr", RATE,
            "--seed", SEED, "-o", host)
        same &= host.read_bytes() == host.with_suffix(".adapter").read_bytes()
    return {"person": person + 1, "method": method, "equal": same, **{
        word: 100 * right / of for word, (right, of) in told.items()}}


def build(tinypeft, board, out, folds):
    for method in METHODS:
        for fold in folds:
            run(tinypeft, "compile", people.base(fold), *specs(method),
                "--target", "cortex-m4", "--name", "har", "-o",
                out / f"model/{method}-{fold}")
    firmware(board, f"-DTINYPEFT_HAR={out / 'model'}",
             [f"har-{method}-{fold}" for method in METHODS for fold in folds])


# --- the table ---------------------------------------------------------------

def mean(rows, word):
    return sum(row[word] for row in rows) / len(rows)


def documented(method):
    """The figures of docs/numerics.md, table C."""
    text = (ROOT / "docs/numerics.md").read_text().split("(table C)")[1]
    line = next(line for line in text.splitlines() if line.startswith(
        "| " + ", ".join(f"`{spec}`" for spec in METHODS[method])))
    return [re.match(r" *([\d.]+)", cell)[1] for cell in line.split("|")[3:6]]


def table(results, costs, out):
    yield f"  {'':<9}" + "".join(f"{f'k = {k} (C)':>15}" for k in KS) + \
        f"{'adapter':>11}{'RAM':>10}{'inference':>12}{'a sample':>10}"
    for method in METHODS:
        rows = [row for row in results if row["method"] == method]
        cells = "".join(f"{mean(rows, str(k)):>8.1f} ({c})" for k, c in
                        zip(KS, documented(method)))
        size = sizes(out / f"model/{method}-0/har.h")
        infer, sample, _ = costs[method]["instructions"]
        yield (f"  {method:<9}{cells}{size['ADAPTER']:>9,} B{size['RAM']:>8,} "
               f"B{infer:>12,}{sample:>10,}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--board", type=pathlib.Path,
                        help="folder of the device's build, default OUTPUT/m4")
    parser.add_argument("--people", type=int, default=people.PEOPLE,
                        choices=range(1, people.PEOPLE + 1), metavar="N")
    options = parser.parse_args()
    start, data = time.monotonic(), people.find()
    if data is None:
        print(f"demo: skipped: {people.HOWTO}", file=sys.stderr)
        return 77
    out, tinypeft = options.out.resolve(), options.build.resolve() / "tinypeft"
    board = (options.board or out / "m4").resolve()
    build(tinypeft, board, out, range(min(people.FOLDS, options.people)))
    jobs = [(p, m) for p in range(options.people) for m in METHODS]
    for person in range(options.people):
        windows.write_person(data, person, KS, out / f"person/{person + 1}")
    bar, results = Bar("adapted", len(jobs)), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(lambda job: adapt(tinypeft, board, out, *job), jobs):
            results.append(row)
            bar.show(len(results))
    costs = {m: dict(lines_of(board / f"har-{m}-0.elf",
                              [out / "person/1", "cost", KS[-1]], icount=True))
             for m in METHODS}
    print(f"  right, %, mean of {options.people} people; before: "
          f"{mean(results, 'before'):.1f}; (C): docs/numerics.md, 8\n")
    print("\n".join(table(results, costs, out)))
    equal = sum(row["equal"] for row in results)
    print(f"\n  adapters equal to the host's: {equal * len(KS)} of "
          f"{len(results) * len(KS)}\n  time: {time.monotonic() - start:.0f} s")
    (out / "summary.json").write_text(json.dumps(results, indent=2) + "\n")
    return 0 if equal == len(results) else "demo: adapters differ"


if __name__ == "__main__":
    sys.exit(main())
