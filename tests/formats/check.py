#!/usr/bin/env python3
"""Two readers of every format must agree: the C of this project, and
formats.py, which was written from SPEC.md.

  check.py TINYPEFT STORE_IMAGES
"""
import hashlib
import json
import os
import random as randoms
import re
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../cli"))
IMAGES = os.path.abspath(sys.argv.pop(2)) if len(sys.argv) > 2 else None

import formats  # noqa: E402
from cli_case import KWS, ROOT, Case, main  # noqa: E402
from formats import Bad  # noqa: E402

ABI = int(re.search(r"define TP_ABI (\d+)", (
    ROOT / "include/tinypeft/version.h").read_text())[1])
IMAGE_COUNT = 400
CHANGES = 150


def seed_of(seed, text):
    """Section 4.3: of a random A."""
    return zlib.crc32(text.encode(), seed) >> 1


def random(name, shape, seed, std):
    return name, "q8", shape, f"random 0 {seed} {std:.9g}"


HEAD = [("fc11.w", "q8", (10, 64)), ("fc11.b", "s16", (10,))]
LORA = [p for i in (2, 4, 6, 8) for p in
        ((f"conv{i}.a", "q8", (4, 1, 1, 64)), (f"conv{i}.b", "q8", (64, 4)))]
CASES = {
    "lora": (("conv[2468]=lora:rank=4", "fc11=head:classes=10"), HEAD + LORA),
    "bitfit": (("conv[2468]=bitfit",), [(f"conv{i}.bias", "s16", (64,))
                                        for i in (2, 4, 6, 8)]),
    "lora-fa": (("conv4=lora-fa:seed=3",), [("conv4.b", "q8", (64, 4))],
                [random("conv4.a", (4, 1, 1, 64), seed_of(3, "conv4"), 1 / 8)]),
    "vera": (("conv4=vera",), [("conv4.vera_b", "s16", (64,)),
                               ("conv4.vera_d", "s16", (16,))],
             [random("conv4.a", (16, 1, 1, 64), seed_of(1, "vera a"), 1 / 8),
              random("conv4.b", (64, 16), seed_of(1, "vera b"), 1),
              ("conv4.e", "q8", (64, 16), "vera 0 0 0")]),
    "hyper": (("conv4=hyper",), [("conv4.code", "s16", (16,))],
              [("conv4.hidden", "q16", (32,),
                f"hyper_hidden 0 {seed_of(1, 'hyper')} 0"),
               ("conv4.b", "q8", (64, 4),
                f"hyper 0 {seed_of(1, 'conv4_hyper')} 0"),
               random("conv4.a", (4, 1, 1, 64), seed_of(1, "conv4"), 1 / 8)]),
    "packed": (("conv4=lora:bits=4",), [("conv4.a", "q4", (4, 1, 1, 64)),
                                        ("conv4.b", "q4", (64, 4))],
               [("conv4.a8", "q8", (4, 1, 1, 64), "unpack 0 0 0"),
                ("conv4.b8", "q8", (64, 4), "unpack 0 0 0")]),
    "packed-fa": (("conv4=lora-fa:bits=4",), [("conv4.b", "q4", (64, 4))],
                  [("conv4.b8", "q8", (64, 4), "unpack 0 0 0"),
                   random("conv4.a", (4, 1, 1, 64), seed_of(1, "conv4"),
                          1 / 8)]),
    "sparse": (("conv4=sparse:count=40",), [("conv4.index", "u16", (40,)),
                                            ("conv4.delta", "q8", (40, 1))]),
}
MESSAGES = {"ends too early": "TRUNCATED", "later version": "UNSUPPORTED",
            "another model": "MISMATCH", "is damaged": "CORRUPT",
            "no adapter": "MALFORMED"}


def status(function, *args):
    """The status that it raises, or OK."""
    try:
        function(*args)
        return "OK"
    except Bad as bad:
        return bad.args[0]


class Formats(Case):
    def setUp(self):
        super().setUp()
        self.base = hashlib.sha256(KWS.read_bytes()).digest()
        self.rng = randoms.Random(5)

    def bytes(self, name):
        return (self.dir / name).read_bytes()

    def train(self, case, seed=1, out="my.tpa"):
        specs = [w for s in CASES[case][0] for w in ("--adapter", s)]
        x, y = self.digits(range(20, 22))
        self.ok("train", KWS, *specs, "--x", self.file("x.bin", x), "--y",
                self.file("y.bin", y), "--epochs", 2, "--seed", seed, "-o", out)
        return self.bytes(out)

    def changed(self, b):
        """One to three bits flipped, or bytes lost or added."""
        b = bytearray(b)
        way = self.rng.randrange(8)
        if way == 0:
            return bytes(b[:self.rng.randrange(len(b))])
        if way == 1:
            return bytes(b) + bytes(self.rng.randrange(1, 9))
        for _ in range(self.rng.randrange(1, 4)):
            at = self.rng.randrange(len(b) if way > 4 else min(len(b), 200))
            b[at] ^= 1 << self.rng.randrange(8)
        return bytes(b)

    def test_blobs(self):
        for case, (_, params, *derived) in CASES.items():
            b = self.train(case)
            layout = formats.layout_id(params, *derived)
            head = formats.read_blob(b, self.base, layout)
            if case.startswith("packed"):
                continue
            values = formats.read_params(head["payload"], params)
            self.assertTrue(any(any(v) for _, v in values.values()))
            if case == "sparse":
                places = values["conv4.index"][1]
                self.assertEqual(sorted(set(places)), list(places))
                self.assertLess(places[-1], 64 * 64)

    def test_changed_blobs(self):
        b = self.train("bitfit")
        layout = formats.layout_id(CASES["bitfit"][1])
        said = []
        for _ in range(CHANGES // 3):
            wrong = self.changed(b)
            self.file("wrong.tpa", wrong)
            done = self.run_tool("run", KWS, "--load", "wrong.tpa", "--input",
                                 "x.bin", "--adapter", CASES["bitfit"][0][0])
            c = "OK" if done.returncode == 0 else next(
                (s for text, s in MESSAGES.items() if text in done.stderr),
                done.stderr)
            mine = status(formats.read_blob, wrong, self.base, layout,
                          len(b) - 48)
            self.assertEqual(c, mine)
            said.append(mine)
        self.assertGreater(len(set(said)), 2)

    def packages(self):
        """Deltas of every kind, with what they follow and their key."""
        old = self.train("lora", out="old.tpa")
        self.train("lora", seed=2)
        self.ok("keygen", "lms", "--height", 5)
        self.ok("keygen", "tall", "--height", 10)
        self.ok("keygen", "ec", "--algorithm", "es256")
        keys = ["lms", "ec", "tall"]
        n = 0
        for encoding in ("auto", "blob", "int8", "int4", "ternary", "pruned",
                         "csr"):
            for more in ((), ("--from", "old.tpa")):
                key = keys[n % 3]
                n += 1
                self.ok("pack", KWS, "--load", "my.tpa", "--seq", n, "--id",
                        2**32 - n, "--class", 23 + n, "--encoding", encoding,
                        *more, "-o", "my.pkg")
                self.ok("sign", "my.pkg", "--key", key, "-o", "my.delta")
                yield old, key + ".pub", more

    def test_deltas(self):
        followed = 0
        for old, key, more in self.packages():
            d = formats.read_delta(self.bytes("my.delta"))
            formats.verify(d, self.bytes(key))
            blob = formats.unpack(d, old)
            self.ok("unpack", "my.delta", "-o", "is.tpa", *more)
            self.assertEqual(blob, self.bytes("is.tpa"))
            self.assertEqual(d["base"], self.base)
            formats.read_blob(blob, self.base, d["layout"])
            said = json.loads(self.ok("verify", "my.delta", "--key", key,
                                      "--json", *more))
            for name, value in d.items():
                if name in said:
                    self.assertEqual(said[name], value.hex() if
                                     isinstance(value, bytes) else value)
            followed += d["encoding"] == 2
        self.assertGreater(followed, 0)

    def judge(self, wrong, key, old):
        d = formats.read_delta(wrong)
        formats.verify(d, key)
        need = formats.need
        need(d["abi"] == ABI and d["base"] == self.base, "MISMATCH")
        formats.unpack(d, old)

    def test_changed_deltas(self):
        taken = tried = 0
        for n, (old, key, more) in enumerate(self.packages()):
            if n % 4:
                continue
            b = self.bytes("my.delta")
            for _ in range(CHANGES // 4):
                wrong = self.changed(b)
                self.file("wrong", wrong)
                done = self.run_tool("verify", "wrong", "--key", key, *more)
                mine = status(self.judge, wrong, self.bytes(key), old)
                self.assertEqual(done.returncode == 0, mine == "OK",
                                 (mine, done.stderr))
                tried += 1
                taken += mine == "OK"
        print(f"{tried} changed deltas, {taken} taken")
        self.assertEqual(taken, 0)

    def test_any_segments(self):
        """Payloads that are drawn, signed as they are: both unpack the same
        blob, or both refuse."""
        self.train("bitfit")
        self.ok("pack", KWS, "--load", "my.tpa", "--seq", 1, "-o", "my.pkg")
        package = self.bytes("my.pkg")
        # unsigned: an empty protected part and signature
        self.assertEqual(package[:3], b"\x84\x40\xa0")
        c = formats.Cbor(package)
        c.at = 3
        manifest = c.string()
        m = formats.read_manifest(manifest)
        self.assertEqual(c.string(), b"")
        accepted = 0
        for _ in range(CHANGES):
            payload, size = self.draw_segments()
            blob = status_blob = None
            d = dict(m, payload=payload, payload_bytes=len(payload),
                     blob_bytes=size)
            try:
                blob = formats.Unpacker(payload, formats.empty_blob(d)).all()
            except Bad:
                status_blob = "refused"
            d["blob_sha256"] = hashlib.sha256(blob or b"").digest()
            d["blob_crc"] = zlib.crc32(blob or b"")
            self.file("any.pkg", self.write_package(d) + payload)
            done = self.run_tool("unpack", "any.pkg", "-o", "any.tpa")
            self.assertEqual(done.returncode == 0, status_blob is None,
                             (payload.hex(), done.stderr))
            if blob is not None:
                self.assertEqual(self.bytes("any.tpa"), blob)
                accepted += 1
        print(f"{accepted} of {CHANGES} drawn payloads are some")
        self.assertGreater(accepted, CHANGES // 10)
        self.assertLess(accepted, CHANGES)

    def write_package(self, d):
        head = formats.cbor_head
        body = head(formats.MAP, 13)
        for key, name in enumerate(formats.FIELDS, 1):
            value = d[name]
            body += head(formats.UINT, key)
            body += (head(formats.BYTES, len(value)) + value
                     if isinstance(value, bytes) else
                     head(formats.UINT, value))
        return (b"\x84\x40\xa0" + head(formats.BYTES, len(body)) + body +
                b"\x40")

    def draw_segments(self):
        """Segments that are right but for a rare fault, and their length."""
        out, size = bytearray(), 0
        for _ in range(self.rng.randrange(1, 12)):
            operation = self.rng.randrange(8)
            n = self.rng.choice((1, 2, 7, 8, 100, 127, 128, 300))
            size += n
            out.append(operation)
            out += bytes([n]) if n < 128 else bytes([n & 127 | 128, n >> 7])
            if operation in (2, 7):
                out.append(self.rng.randrange(5))
                codes = [self.rng.randrange(16) for _ in range(n)]
                codes += [0] * (n % 2)
                out += bytes(a | b << 4 for a, b in
                             zip(codes[::2], codes[1::2]))
            elif operation == 3:
                out.append(self.rng.randrange(128))
                codes = [self.rng.choice((0, 1, 3)) for _ in range(n)]
                codes += [0] * (-n % 4)
                out += bytes(a | b << 2 | c << 4 | d << 6 for a, b, c, d in
                             zip(*(codes[i::4] for i in range(4))))
            elif operation == 4:
                left = n
                while left:
                    gap = self.rng.randrange(min(left, 255) + 1)
                    out.append(gap)
                    left -= gap
                    if left:
                        out.append(self.rng.randrange(256))
                        left -= 1
            elif operation in (0, 6):
                out += bytes(self.rng.randrange(256) for _ in range(n))
        if self.rng.randrange(3) == 0:
            out[self.rng.randrange(len(out))] ^= 1 << self.rng.randrange(8)
        return bytes(out), max(size, 48)

    def test_stores(self):
        done = subprocess.run([IMAGES, str(IMAGE_COUNT)], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        blocks = done.stdout.strip("\n").split("\n\n")
        self.assertEqual(len(blocks), IMAGE_COUNT)
        records = 0
        for block in blocks:
            head, *rows, choice = block.splitlines()
            granule, slot_bytes, image = head.split()
            shown, mine = formats.read_store(bytes.fromhex(image), int(granule),
                                             int(slot_bytes))
            self.assertEqual(choice, "choice " + " ".join(map(str, mine)))
            want = [f"{kind} {ident} {back} {r['generation']} {r['layout']} "
                    f"{r['payload'].hex()}"
                    for (kind, ident), both in sorted(shown.items())
                    for back, r in enumerate(both)]
            self.assertEqual([re.sub(r" $", " ", r) for r in rows], want)
            records += len(rows)
        print(f"{IMAGE_COUNT} images, {records} records")
        self.assertGreater(records, IMAGE_COUNT)


if __name__ == "__main__":
    main()
