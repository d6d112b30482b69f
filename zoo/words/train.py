#!/usr/bin/env python3
"""Trains words.tflite and writes it with the held-out voices beside it.

`make zoo ZOO=words` runs this; CARD.md says what it makes and how.
"""
import json
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

# pylint: disable=wrong-import-position
import recipe

import numpy as np

import corpus
import network
import speech
import voices
from features import SCALE, ZERO_POINT

SEED = 1
EACH = 3  # committed voices with an English accent, and with another one
REPRESENTATIVE = 300
START = time.monotonic()


def say(text):
    print(f"{time.monotonic() - START:6.0f} s  {text}", flush=True)


def representative(x):
    """Samples whose ranges become scales; one has the ends of int8, so that
    the input's scale is the front end's and its bytes go in as they are."""
    pick = x[:: len(x) // REPRESENTATIVE].copy()
    pick[0].flat[:2] = -128, 127
    return network.real(pick)


def accuracy(told, y):
    best = told.argmax(axis=1)
    return {"samples": len(y), "right": int((best == y).sum()),
            "percent": round(100 * float((best == y).mean()), 2)}


def main():
    recipe.repeatable(SEED)
    speech.check()
    parts = {p: [] for p in speech.PARTS}
    for variant in speech.variants():
        parts[speech.part(variant)].append(variant)
    say(", ".join(f"{len(v)} variants for {p}" for p, v in parts.items()))
    x, y = corpus.crowd("training", speech.ENGLISH, parts["training"],
                        takes=1, copies=2)
    say(f"{len(x)} samples to train on")
    order = np.random.default_rng(SEED).permutation(len(x))
    model = network.trained(x[order], y[order], len(speech.WORDS),
                            lambda _, logs: say(f"{logs['accuracy']:.4f}"))
    content = recipe.to_int8(model, representative(x[order]))
    scale, zero_point = recipe.scales(content)[0]
    if abs(scale / SCALE - 1) > 1e-6 or zero_point != ZERO_POINT:
        raise SystemExit(f"words: input {scale}, {zero_point}: not the front "
                         "end's")
    recipe.keep(HERE / "words.tflite", content)
    (HERE / "labels.txt").write_text("\n".join(speech.WORDS) + "\n")
    measured = {}
    for part, languages, group in (
            ("choosing", speech.ENGLISH, "English, choosing"),
            ("held out", speech.ENGLISH, "English, held out"),
            ("held out", speech.ACCENTS, "other accents, held out")):
        x, y = corpus.crowd(group, languages, parts[part])
        measured[group] = accuracy(recipe.answers(content, x), y)
        say(f"{group}: {measured[group]}")
    of_voices = measured["voices"] = {}
    shutil.rmtree(HERE / "voices", ignore_errors=True)
    for language, variant in voices.people(parts["held out"], EACH):
        name = f"{language}-{variant.lower()}"
        of_voices[name] = accuracy(*voices.write(
            content, HERE / "voices" / name, language, variant))
        say(f"{name}: {of_voices[name]}")
    (HERE / "measured.json").write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
