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

KINDS = {**{op.__name__: op for op in ops.ALL}, **nets.ALL}

# What tinypeft may refuse although TensorFlow Lite Micro runs it, and why that
# is right. Everything else must give the same bytes.
REFUSALS = (
    (r"shifts from -31 to 30 work",
     "scales that no fixed-point factor holds, or that leave one value"),
)


class Row:
    def __init__(self):
        self.models = self.same = self.bytes = self.flat = 0
        self.differ, self.refused, self.unasked = [], [], []
        self.reasons = collections.Counter()


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
        row.unasked.append(f"{kind}:{index} {why}")
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


def report(rows):
    bad = 0
    for row in rows.values():
        for line in row.differ:
            print("DIFFERS", line)
            bad += 1
        seen = {}
        for line in row.refused:
            known = next((why for pattern, why in REFUSALS
                          if re.search(pattern, line)), None)
            if known is None:
                print("REFUSED", line)
                bad += 1
            else:
                seen[known] = seen.get(known, 0) + 1
        for known, n in seen.items():
            row.reasons[known] = n
        heads = collections.Counter(generic(u.split(" ", 1)[1])
                                    for u in row.unasked)
        for head, n in heads.most_common(4):
            example = next(u for u in row.unasked
                           if generic(u.split(" ", 1)[1]) == head)
            print(f"TFLM x{n}:", example[:150])
    print(f"{'':26}{'models':>7}{'same':>7}{'differ':>7}{'refused':>8}"
          f"{'TFLM no':>8}{'flat':>6}{'bytes':>10}")
    for kind, r in rows.items():
        print(f"{kind:26}{r.models:7}{r.same:7}{len(r.differ):7}"
              f"{len(r.refused):8}{len(r.unasked):8}{r.flat:6}{r.bytes:10}")
        for why, n in r.reasons.items():
            print(f"    {n} refused: {why}")
    total = [sum(r.models for r in rows.values()),
             sum(r.same for r in rows.values()),
             sum(len(r.differ) for r in rows.values())]
    print("{} models, {} with TensorFlow Lite Micro's bytes, {} differ"
          .format(*total))
    return bad


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
    only, _, index = options.only.partition(":")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            if only and kind != only:
                continue
            rows[kind] = Row()
            for i in [int(index)] if index else range(options.models):
                check(options, kind, i, rows[kind], pathlib.Path(folder))
    return 1 if report(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
