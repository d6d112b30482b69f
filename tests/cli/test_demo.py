#!/usr/bin/env python3
"""Which data the demo takes: the folder that is named, else the network, else
the zoo's voices, and soon; what it hands to the firmware.
Usage: test_demo.py TINYPEFT. Needs nothing but the tree."""
import argparse
import contextlib
import io
import os
import socket
import struct
import subprocess
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

from cli_case import ROOT, TOOL, Case

sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "examples/kws/demo")]

import board  # noqa: E402
import sources  # noqa: E402
import tasks  # noqa: E402


class Choice(Case):
    def choose(self, public, **options):
        """The task, and what was said of it."""
        options = argparse.Namespace(**{"words": False, "speaker": None,
                                        "shots": None, "epochs": None,
                                        **options})
        said = io.StringIO()
        with mock.patch.dict(os.environ, TINYPEFT_DATA=str(self.dir)), \
                mock.patch.dict(os.environ, no_proxy="*"), \
                mock.patch.dict(sources.PUBLIC, dict.fromkeys(
                    sources.PUBLIC, public)), \
                mock.patch.object(sources, "PATIENCE", 0.5), \
                contextlib.redirect_stdout(said):
            return tasks.choose(ROOT, self.dir / "out", options), \
                said.getvalue()

    def test_nobody_answers(self):
        """A network where packets vanish: a port that listens, no more."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            start = time.monotonic()
            task, said = self.choose(
                f"http://127.0.0.1:{silent.getsockname()[1]}/")
            self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(task.model, ROOT / "zoo/words/words.tflite")
        self.assertIn(f"nothing in {self.dir}, and the network says", said)

    def test_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        task, said = self.choose(f"http://127.0.0.1:{port}/")
        self.assertEqual(task.model, ROOT / "zoo/words/words.tflite")
        # "refused", or, where not even loopback is up, "unreachable".
        self.assertRegex(said, "the network says: .*(refused|unreachable)")
        self.assertEqual(len(said.strip().splitlines()), 1)

    def test_data_is_taken_where_it_is(self):
        (self.dir / "models").mkdir()
        model = self.file("models/kws_ref_model.tflite", b"")
        self.assertEqual(self.choose("http://127.0.0.1:9/")[0].model, model)
        task, said = self.choose("http://127.0.0.1:9/", words=True)
        self.assertEqual(task.model, ROOT / "zoo/words/words.tflite")
        self.assertEqual(said, "")

    def test_clips_of_a_voice(self):
        """Heads of 16 bytes, then the features as they are."""
        task, _ = self.choose("http://127.0.0.1:9/", words=True)
        train, test = self.dir / "train", self.dir / "test"
        for person in task.people:
            task.write(person, train, test)
            clips = test.read_bytes()
            voice = ROOT / "zoo/words/voices" / person
            x = (voice / "test_x.bin").read_bytes()
            y = (voice / "test_y.bin").read_bytes()
            self.assertEqual(len(clips), len(y) * 506)
            self.assertEqual(struct.unpack_from("<4I", clips, 506 * 119),
                             (0, 490, 0, y[119]))
            self.assertEqual(clips[-490:], x[-490:])


class Handed(Case):
    def test_damaged_clips_leave_nothing(self):
        tool = Path(TOOL).parent / "examples/kws/kws-features"
        x, y = self.dir / "x", self.dir / "y"
        sound = struct.pack("<4I", 0, 490, 0, 7) + bytes(490)
        for more, code in ((b"", 0), (sound[:12], 1), (sound[:-1], 1)):
            clips = self.file("clips", sound + more)
            done = subprocess.run([tool, clips, x, y], check=False,
                                  stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual((x.exists(), y.exists()), (not code, not code))
        self.assertEqual(subprocess.run([tool, self.dir / "none", clips, y],
                                        check=False, capture_output=True
                                        ).returncode, 1)
        self.assertEqual(clips.read_bytes(), sound + sound[:-1])

    def test_words_of_the_command_line(self):
        command = board.qemu("a.elf", [ROOT / "build/x,y", 3], icount=True)
        self.assertIn("enable=on,target=native,arg=a.elf,arg=build/x,,y,arg=3",
                      command)
        with self.assertRaisesRegex(SystemExit, "no path with a space"):
            board.qemu("a.elf", [ROOT / "build/x y"], icount=False)


if __name__ == "__main__":
    unittest.main()
