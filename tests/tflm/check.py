#!/usr/bin/env python3
"""Random models: tinypeft's bytes against TensorFlow Lite Micro's own.

  check.py TINYPEFT [--only KIND[:INDEX]] [--models N] [--seed S] [--keep DIR]

Ends with a table, and with status 1 where a byte differs, or where tinypeft
refuses a model for a reason that REFUSALS does not know.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import nets
import ops
from draw import Draw
from model import reference

SAMPLES = 5
ENOUGH = 50  # models from which on a kind must also have proved something

KINDS = {**{op.__name__: op for op in ops.ALL}, **nets.ALL}

# What tinypeft may refuse although TensorFlow Lite Micro runs it, and why that
# is right. Everything else must give the same bytes.
REFUSALS = (
    (r"shifts from -31 to 30 work",
     "a ratio of scales below 2^-32, where one side vanishes, or from 2^30 on"),
)


class Row:
    """What came of the models of one kind. flat: all the outputs are equal."""

    def __init__(self):
        self.models = self.same = self.bytes = self.flat = 0
        self.differ, self.refused, self.unasked = [], [], []

    def proves_little(self):
        return self.models >= ENOUGH and (2 * self.same < self.models or
                                          2 * self.flat > self.same)


def run(tinypeft, folder, x, answers):
    """What `tinypeft run` says of the model in `folder`."""
    (folder / "x.bin").write_bytes(b"".join(s.tobytes() for s in x))
    (folder / "z.bin").write_bytes(answers)
    done = subprocess.run(
        [tinypeft, "run", folder / "model.tflite", "--input",
         folder / "x.bin", "--expect", folder / "z.bin"],
        capture_output=True, text=True, timeout=120)
    said = (done.stdout + done.stderr).strip()
    found = re.match(r"(\d+) samples?, (\d+) bytes differ", said)
    if found is None:
        return "refused", said
    if int(found[1]) != len(x):
        return "refused", f"ran {found[1]} of {len(x)} samples"
    return ("same" if found[2] == "0" and done.returncode == 0
            else "differ"), said


def generic(text):
    """A message without what differs from model to model."""
    text = re.sub(r"'[^']*'", "'..'", text)
    return re.sub(r"-?\d+(\.\d+)?(e[-+]?\d+)?", "#", text)


def check(options, kind, index, row, folder):
    draw = Draw(f"{options.seed}/{kind}/{index}")
    model = ops.make(KINDS[kind], draw)
    x = draw.samples(model.input, SAMPLES)
    content = model.bytes()
    (folder / "model.tflite").write_bytes(content)
    row.models += 1
    answers, why = reference(content, x)
    if answers is None:
        row.unasked.append(f"{why} ({kind}:{index})")
        return
    verdict, said = run(options.tinypeft, folder, x, answers)
    if verdict == "same":
        row.same += 1
        row.bytes += len(answers)
        row.flat += len(set(answers)) == 1 and len(answers) > len(x)
    elif verdict == "differ":
        row.differ.append(f"{kind}:{index} {said}")
    else:
        row.refused.append(f"{kind}:{index} {said}")
    if verdict != "same" and options.keep:
        kept = pathlib.Path(options.keep) / f"{kind}-{index}"
        kept.mkdir(parents=True, exist_ok=True)
        for file in folder.iterdir():
            (kept / file.name).write_bytes(file.read_bytes())


def tally(row):
    """How many were refused for each reason, and the lines of those without
    one."""
    reasons, unknown = collections.Counter(), []
    for line in row.refused:
        known = [why for pattern, why in REFUSALS if re.search(pattern, line)]
        reasons.update(known[:1])
        unknown += [] if known else [line]
    return reasons, unknown


HEAD = (f"{'':24}{'models':>7}{'same':>7}{'differ':>7}{'refused':>8}"
        f"{'TFLM no':>8}{'flat':>6}{'bytes':>10}")


def show(kind, row):
    """Prints a row and its reasons; returns how much of it is wrong."""
    print(f"{kind:24}{row.models:7}{row.same:7}{len(row.differ):7}"
          f"{len(row.refused):8}{len(row.unasked):8}{row.flat:6}"
          f"{row.bytes:10}")
    reasons, unknown = tally(row)
    for why, n in reasons.items():
        print(f"    {n} refused: {why}")
    heads = {}
    for line in row.unasked:
        heads.setdefault(generic(line), []).append(line)
    for lines in heads.values():
        print(f"    {len(lines)} that TensorFlow Lite Micro {lines[0][:140]}")
    for word, lines in (("DIFFERS", row.differ), ("REFUSED", unknown)):
        for line in lines:
            print(f"    {word} {line}")
    if row.proves_little():
        print("    PROVES LITTLE: too few models ran, or too many were flat")
    return len(row.differ) + len(unknown) + row.proves_little()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tinypeft")
    parser.add_argument("--only", default="")
    parser.add_argument("--models", type=int, default=120)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", help="where to leave what is not the same")
    return parser.parse_args()


def main():
    options = arguments()
    sys.stdout.reconfigure(line_buffering=True)
    only, _, index = options.only.partition(":")
    rows, wrong = {}, 0
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            if only and kind != only:
                continue
            row = rows[kind] = Row()
            for i in [int(index)] if index else range(options.models):
                check(options, kind, i, row, pathlib.Path(folder))
            wrong += show(kind, row)
    models, same = (sum(getattr(row, field) for row in rows.values())
                    for field in ("models", "same"))
    print(f"{models} models: {same} with TensorFlow Lite Micro's bytes, "
          f"{sum(len(row.differ) for row in rows.values())} without")
    return 1 if wrong or not models else 0


if __name__ == "__main__":
    sys.exit(main())
