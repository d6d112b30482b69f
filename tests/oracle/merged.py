#!/usr/bin/env python3
"""Merged adapters in TensorFlow Lite Micro itself: it gives the bytes of the
adapted model, where `tinypeft export` says that they are exact.

  merged.py TINYPEFT
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
from interpreters import ask, tflm

DATA = pathlib.Path(os.environ.get("TINYPEFT_DATA", "../shared/data"))
KWS = DATA / "models/kws_ref_model.tflite"
SPECS = {"biases": ["*conv*=bitfit", "fc11=bitfit"],
         "scales": ["*conv*=scale"],
         "both": ["conv*=bitfit", "*conv*=scale"]}


def digits(indices):
    """Spoken digits of one speaker: features and labels."""
    clips = (DATA / "fsdd_mfcc/george.bin").read_bytes()
    places = [(d, i) for d in range(10) for i in indices]
    return (b"".join(clips[(d * 50 + i) * 490:][:490] for d, i in places),
            bytes(d for d, _ in places))


def check(tinypeft, folder, specs):
    """Bytes that differ, and what the tool has said."""
    def tool(*args):
        return subprocess.run([tinypeft, *args], cwd=folder, check=True,
                              capture_output=True, text=True).stdout
    more = [w for s in specs for w in ("--adapter", s)]
    for name, indices in (("train", range(10)), ("test", range(10, 50))):
        x, y = digits(indices)
        (folder / f"{name}.x").write_bytes(x)
        (folder / f"{name}.y").write_bytes(y)
    model = KWS.resolve()
    tool("train", model, *more, "--x", "train.x", "--y", "train.y", "-o",
         "my.tpa")
    said = json.loads(tool("export", model, "--load", "my.tpa", "--merged",
                           "-o", "m.tflite", "--input", "test.x", "--json"))
    tool("run", model, "--load", "my.tpa", "--input", "test.x", "-o", "y")
    want = (folder / "y").read_bytes()
    x = numpy.frombuffer((folder / "test.x").read_bytes(), numpy.int8)
    samples = list(x.reshape(-1, 1, 49, 10, 1))
    have, why = ask(tflm, (folder / "m.tflite").read_bytes(), samples)
    if have is None:
        return why, said
    return sum(a != b for a, b in zip(have, want)) + len(have) - len(want), said


def main():
    if not KWS.exists():
        print("merged adapters: skipped, no data: set TINYPEFT_DATA")
        return 0
    tinypeft = os.path.abspath(sys.argv[1])
    bad = False
    for name, specs in SPECS.items():
        with tempfile.TemporaryDirectory() as folder:
            differ, said = check(tinypeft, pathlib.Path(folder), specs)
            print(f"{name}: {differ} of {said['bytes']} bytes differ in "
                  f"TensorFlow Lite Micro; export said {said['differ']}")
            bad = bad or differ != said["differ"] or (
                said["exact"] and differ != 0)
    return bad


if __name__ == "__main__":
    sys.exit(main())
