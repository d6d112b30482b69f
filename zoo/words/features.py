"""Sound to the features that a device computes, by the device's own code."""
import pathlib
import struct
import subprocess
import tempfile

import numpy as np

from speech import RATE

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "build/release/examples/kws/kws-features"
SHAPE = (49, 10, 1)
SCALE, ZERO_POINT = 0.5847029, 83  # of the front end


def features(seconds, first_seed):
    """int8 [n, 49, 10, 1] of int16 seconds; each is dithered by a seed of its
    own (examples/kws/README.md has the clip file)."""
    if not TOOL.exists():
        raise SystemExit(f"words: {TOOL.relative_to(ROOT)} is missing: run "
                         "'make release'")
    with tempfile.TemporaryDirectory() as folder:
        clips, x, y = (pathlib.Path(folder) / n for n in ("clips", "x", "y"))
        with open(clips, "wb") as out:
            for i, sound in enumerate(seconds):
                out.write(struct.pack("<4I", RATE, len(sound), first_seed + i,
                                      0) + sound.astype("<i2").tobytes())
        subprocess.run([TOOL, clips, x, y], check=True)
        return np.fromfile(x, np.int8).reshape(-1, *SHAPE)
