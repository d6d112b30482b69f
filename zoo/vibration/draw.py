#!/usr/bin/env python3
"""Measurements of other machines than those in new/, for `examples/anomaly` and
its --samples.

    draw.py FOLDER SEED...
"""
import pathlib
import sys

import samples


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: draw.py FOLDER SEED...")
    for seed in map(int, sys.argv[2:]):
        samples.write(pathlib.Path(sys.argv[1]) / str(seed),
                      samples.sets_of(seed, 1))


if __name__ == "__main__":
    main()
