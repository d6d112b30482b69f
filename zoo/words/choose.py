#!/usr/bin/env python3
"""Which adapter learns a new voice best from five clips a word: tried on
people made of the choosing variants, never on those that are committed.

    choose.py [EPOCHS...]    after train.py and `make release`
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
import corpus
import speech
from features import ROOT
from voices import LEARN, people

import numpy as np

TOOL = ROOT / "build/release/tinypeft"
MODEL = ROOT / "zoo/words/words.tflite"
EACH = 3  # people with an English accent, and with another one
TEST = 20
# A new head has forgotten the words and begins at zero; the others begin as the
# base.
TRIED = {
    "bitfit": ["*=bitfit"],
    "scale, bitfit": ["conv*=scale", "dwconv*=scale", "*=bitfit"],
    "lora-fa": ["conv[2468]=lora-fa:rank=4"],
    "lora-fa, dense": ["conv[2468]=lora-fa:rank=4", "fc14=lora:rank=12"],
    "lora": ["conv[2468]=lora:rank=4"],
    "lora, dense": ["conv[2468]=lora:rank=4", "fc14=lora:rank=12"],
    "new head": ["fc14=head:classes=12"],
    "lora, new head": ["conv[2468]=lora:rank=4", "fc14=head:classes=12"],
}


def right(x, y, *adapter):
    """Of a hundred."""
    told = subprocess.run([TOOL, "eval", MODEL, *adapter, "--x", x, "--y", y],
                          check=True, capture_output=True, text=True).stdout
    return float(told.split()[1])


def write_people(folder):
    part = [v for v in speech.variants() if speech.part(v) == "choosing"]
    for language, variant in people(part, EACH):
        place = folder / f"{language}-{variant}"
        place.mkdir()
        for what, takes in (("train", LEARN), ("test", TEST)):
            x, y = corpus.person(language, variant, takes, what)
            x.tofile(place / f"{what}_x.bin")
            y.tofile(place / f"{what}_y.bin")
        yield place


def adapted(place, specs, epochs):
    arguments = [a for spec in specs for a in ("--adapter", spec)]
    blob = place / "adapter"
    subprocess.run([TOOL, "train", MODEL, *arguments, "--x",
                    place / "train_x.bin", "--y", place / "train_y.bin",
                    "--epochs", str(epochs), "-o", blob], check=True,
                   capture_output=True)
    return (right(place / "test_x.bin", place / "test_y.bin", "--load", blob),
            blob.stat().st_size)


def main():
    speech.check()
    with tempfile.TemporaryDirectory() as folder:
        places = list(write_people(pathlib.Path(folder)))
        before = [right(p / "test_x.bin", p / "test_y.bin") for p in places]
        print("people:", *(p.name for p in places))
        print(f"{'before':<24}{np.mean(before):6.2f}  ", before, flush=True)
        for epochs in map(int, sys.argv[1:] or ["20"]):
            for name, specs in TRIED.items():
                after, sizes = zip(*(adapted(p, specs, epochs)
                                     for p in places))
                print(f"{name:<18}{epochs:>4}  {np.mean(after):6.2f}  ",
                      list(after), f"{sizes[0]} B", flush=True)


if __name__ == "__main__":
    main()
