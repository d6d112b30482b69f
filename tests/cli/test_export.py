#!/usr/bin/env python3
"""tinypeft export --merged: the file answers as the adapted model does, byte for
byte with biases, and what cannot be merged is said."""
import json
import struct
import unittest
import zlib

from cli_case import AD, HEAD, KWS, Case, main


class Export(Case):
    def train(self, *specs, model=KWS, epochs=2):
        x, y = self.digits(range(20, 21))
        more = [w for s in specs for w in ("--adapter", s)]
        self.ok("train", model, *more, "--x", self.file("x.bin", x), "--y",
                self.file("y.bin", y), "--epochs", epochs, "-o", "my.tpa")

    def export(self, *more, model=KWS):
        return json.loads(self.ok("export", model, "--load", "my.tpa",
                                  "--merged", "-o", "m.tflite", "--json",
                                  *more))

    def answers(self, *model):
        self.ok("run", *model, "--input", "x.bin", "-o", "y.out")
        return (self.dir / "y.out").read_bytes()

    def changed(self):
        """Bytes of the file that are others; its length is the same."""
        a, b = KWS.read_bytes(), (self.dir / "m.tflite").read_bytes()
        self.assertEqual(len(a), len(b))
        return sum(x != y for x, y in zip(a, b))

    def test_biases_are_exact(self):
        self.train("conv*=bitfit", "fc11=bitfit")
        said = self.export()
        self.assertTrue(said["exact"])
        self.assertEqual((said["differ"], said["samples"]), (0, 64))
        self.assertEqual([r["slot"] for r in said["layers"]],
                         [f"conv{i}" for i in (0, 2, 4, 6, 8)] + ["fc11"])
        merged = self.answers("m.tflite")
        self.assertEqual(merged, self.answers(KWS, "--load", "my.tpa"))
        self.assertNotEqual(merged, self.answers(KWS))
        # nothing but biases: 4 bytes each, of 5 * 64 + 12 of them
        self.assertLessEqual(self.changed(), 4 * (5 * 64 + 12))
        self.assertGreater(self.changed(), 0)

    def test_scales_are_near(self):
        self.train("*conv*=scale", "conv[24]=bitfit")
        said = self.export("--input", "x.bin")
        rows = {r["slot"]: r for r in said["layers"]}
        self.assertEqual(len(rows), 9)
        self.assertTrue(rows["conv2"]["bias"] and rows["conv2"]["scale"])
        self.assertFalse(said["exact"])
        for row in rows.values():
            self.assertLessEqual(row["error"], 2.0**-24)
            self.assertLess(row["exact"], row["channels"])
        self.assertLessEqual(said["largest"], 1)
        a = self.answers("m.tflite")
        b = self.answers(KWS, "--load", "my.tpa")
        self.assertNotEqual(a, self.answers(KWS))
        self.assertEqual(sum(x != y for x, y in zip(a, b)), said["differ"])
        self.assertEqual(len(a), said["bytes"])
        text = self.ok("export", KWS, "--load", "my.tpa", "--merged", "-o",
                       "m.tflite")
        self.assertIn("64 biases, exact", text)
        self.assertIn("a byte may differ by rounding", text)

    def test_an_untrained_scale_changes_nothing(self):
        self.train("conv*=scale", epochs=1)
        blob = bytearray((self.dir / "my.tpa").read_bytes())
        blob[48:] = bytes(len(blob) - 48)
        struct.pack_into("<I", blob, 40, zlib.crc32(blob[48:]))
        struct.pack_into("<I", blob, 44, zlib.crc32(blob[:44]))
        self.file("my.tpa", blob)
        self.assertTrue(self.export()["exact"])
        self.assertEqual(self.changed(), 0)

    def test_what_cannot_be_merged(self):
        base = ("export", KWS, "--load", "my.tpa", "--merged", "-o", "x")
        self.train("conv*=bitfit", HEAD, "conv4=lora", epochs=1)
        said = self.fails(1, "cannot be merged: a head is a last layer", *base)
        self.assertIn("conv4=lora: cannot be merged: a low-rank", said)
        said = self.export("--partial")
        self.assertEqual((said["left_out"], said["differ"]), (2, 0))
        self.answers("m.tflite")
        for spec in ("conv4=lora-fa", "conv4=vera", "conv4=sparse:count=9",
                     "conv4=bottleneck"):
            self.train(spec, epochs=1)
            self.fails(1, "cannot be merged", *base)
            self.fails(1, "nothing can be merged", *base, "--partial")
        self.train("fc11=scale", epochs=1)
        self.fails(1, "has one scale for all channels", *base)
        self.fails(2, "--merged is missing", *base[:4], "-o", "x")
        self.fails(1, "was trained for a model", "export", AD, *base[2:])
        self.fails(1, "cannot be written", *base[:-1], "no/x")

    def test_help(self):
        text = self.ok("export", "--help")
        self.assertIn("usage: tinypeft export MODEL", text)


if __name__ == "__main__":
    main()
