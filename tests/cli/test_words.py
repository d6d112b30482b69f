#!/usr/bin/env python3
"""The zoo's keyword spotter and its voices: the bytes of TensorFlow Lite Micro,
the accuracy that its card tells, and that five clips a word adapt it.
Usage: test_words.py TINYPEFT. Needs nothing but the tree."""
import json
import unittest

from cli_case import ROOT, Case

ZOO = ROOT / "zoo/words"
MODEL = ZOO / "words.tflite"
VOICES = sorted((ZOO / "voices").iterdir())
MEASURED = json.loads((ZOO / "measured.json").read_text())


class Words(Case):
    def accuracy(self, voice, *adapter):
        told = json.loads(self.ok("eval", MODEL, *adapter, "--x",
                                  voice / "test_x.bin", "--y",
                                  voice / "test_y.bin", "--json"))
        return told["correct"]

    def test_bytes(self):
        for voice in VOICES:
            told = self.ok("run", MODEL, "--input", voice / "test_x.bin",
                           "--expect", voice / "test_tflm.bin")
            self.assertEqual(told, "120 samples, 0 bytes differ\n")

    def test_one_other_byte_is_seen(self):
        voice = VOICES[0]
        other = bytearray((voice / "test_tflm.bin").read_bytes())
        other[777] ^= 1
        told = self.ok("run", MODEL, "--input", voice / "test_x.bin",
                       "--expect", self.file("other.bin", bytes(other)),
                       code=1)
        self.assertIn("1 byte", told)

    def test_accuracy_is_as_told(self):
        self.assertEqual(sorted(MEASURED["voices"]), [v.name for v in VOICES])
        for voice in VOICES:
            self.assertEqual(self.accuracy(voice),
                             MEASURED["voices"][voice.name]["right"])

    def test_a_voice_is_learned(self):
        """The worst voice gets better: a short training, for time."""
        before = {v: MEASURED["voices"][v.name]["right"] for v in VOICES}
        voice = min(VOICES, key=before.get)
        blob = self.dir / "voice.tpa"
        self.ok("train", MODEL, "--adapter", "conv[2468]=lora-fa:rank=4", "--x",
                voice / "train_x.bin", "--y", voice / "train_y.bin",
                "--epochs", 5, "-o", blob)
        self.assertGreater(self.accuracy(voice, "--load", blob), before[voice])


if __name__ == "__main__":
    unittest.main()
