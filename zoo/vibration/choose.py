#!/usr/bin/env python3
"""Which adapter, on machines of which the demo knows nothing: for each candidate
the mean AUC and the lowest over eight machines, each adapted to 48 sound
measurements by `tinypeft train`.

    choose.py TINYPEFT
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import samples
import train

OTHERS = range(201, 209)  # seeds
ADAPTERS = {"fc3=bitfit": ["fc3=bitfit"], "bitfit": ["*=bitfit"],
            "scale, bitfit": ["*=scale", "*=bitfit"],
            "lora-fa r2, bitfit": ["*=lora-fa:rank=2", "*=bitfit"],
            "lora-fa r4": ["*=lora-fa:rank=4"],
            "lora-fa r4, bitfit": ["*=lora-fa:rank=4", "*=bitfit"],
            "lora r4, bitfit": ["*=lora:rank=4", "*=bitfit"]}
RECIPES = [(0.125, 73), (0.5, 73), (0.5, 150), (1, 150)]  # rate, epochs
MODEL = train.HERE / "vibration.tflite"


def call(*command):
    subprocess.run([str(c) for c in command], check=True, capture_output=True)


def adapted(tinypeft, folder, sets, specs, recipe):
    """AUC and bytes of one machine's adapter, and the error of sound ones;
    None where the training diverges."""
    blob, pair = folder / "a.tpa", []
    try:
        call(tinypeft, "train", MODEL,
             *(w for spec in specs for w in ("--adapter", spec)),
             "--x", folder / "adapt.bin", "--lr", recipe[0], "--epochs", recipe[1],
             "-o", blob)
    except subprocess.CalledProcessError:
        return None
    for name in ("normal", "faulty"):
        call(tinypeft, "run", MODEL, "--load", blob, "--input",
             folder / f"{name}.bin", "-o", folder / "y")
        y = np.fromfile(folder / "y", np.int8).reshape(sets[name].shape)
        pair.append(np.mean((sets[name].astype(int) - y) ** 2, axis=1))
    return samples.auc(*pair), blob.stat().st_size, pair[0].mean()


def main():
    machines = [samples.sets_of(seed, 1) for seed in OTHERS]
    content = MODEL.read_bytes()
    for seed, sets in zip(OTHERS, machines):
        train.report(f"machine {seed}, not adapted", content, sets)
    with tempfile.TemporaryDirectory() as name:
        folders = [pathlib.Path(name) / str(seed) for seed in OTHERS]
        for folder, sets in zip(folders, machines):
            samples.write(folder, sets)
        for method, specs in ADAPTERS.items():
            for recipe in RECIPES:
                got = [adapted(sys.argv[1], f, s, specs, recipe)
                       for f, s in zip(folders, machines)]
                text = "diverges" if None in got else (
                    f"AUC {np.mean([g[0] for g in got]):.3f}, lowest "
                    f"{min(g[0] for g in got):.3f}, error "
                    f"{np.mean([g[2] for g in got]):.1f}, {got[0][1]} bytes")
                print(f"{method}, rate {recipe[0]}, {recipe[1]} epochs: {text}",
                      flush=True)


if __name__ == "__main__":
    main()
