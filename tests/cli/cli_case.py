"""What the tests of the command line share: the tool under test is the first
argument. Without the data they exit with 77, "skipped"."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "tinypeft"
ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TINYPEFT_DATA") or ROOT.parent / "shared/data")
KWS = DATA / "models/kws_ref_model.tflite"
AD = DATA / "models/ad01_int8.tflite"
HEAD = "fc11=head:classes=10"


def npy(values, form, shape):
    """The bytes of a .npy file, version 1."""
    descr = {"b": "|i1", "B": "|u1", "i": "<i4", "f": "<f4", "d": "<f8"}[form]
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) +
            head.encode() + struct.pack(f"<{len(values)}{form}", *values))


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="tinypeft cli "))
        self.addCleanup(shutil.rmtree, self.dir)

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content)
        return path

    def run_tool(self, *args):
        return subprocess.run([TOOL, *map(str, args)], capture_output=True,
                              text=True, cwd=self.dir, check=False)

    def ok(self, *args, code=0):
        done = self.run_tool(*args)
        self.assertEqual(done.returncode, code, f"{args}: {done.stderr}")
        return done.stdout

    def fails(self, code, text, *args):
        """Fails with this text on stderr, and leaves the folder as it was."""
        before = sorted(self.dir.rglob("*"))
        done = self.run_tool(*args)
        self.assertEqual(done.returncode, code, f"{args}: {done.stderr}")
        self.assertIn(text, done.stderr)
        self.assertEqual(sorted(self.dir.rglob("*")), before)
        return done.stderr

    def digits(self, indices):
        """Spoken digits of one speaker: features and labels."""
        clips = (DATA / "fsdd_mfcc/george.bin").read_bytes()
        places = [(d, i) for d in range(10) for i in indices]
        x = b"".join(clips[(d * 50 + i) * 490:][:490] for d, i in places)
        return x, bytes(d for d, _ in places)


def main():
    if not KWS.exists():
        print(f"skipped: no data: {KWS}")
        sys.exit(77)
    unittest.main()
