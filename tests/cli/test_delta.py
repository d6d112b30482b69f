#!/usr/bin/env python3
"""tinypeft keygen, pack, sign, verify and unpack: what is shipped is what was
trained, its size is what was printed, and everything wrong is said and leaves
nothing behind."""
import json
import math
import os
import sys
import unittest

from cli_case import AD, HEAD, KWS, ROOT, Case, main

sys.path.insert(0, str(ROOT / "tests/formats"))
import formats  # noqa: E402

LORA = ("--adapter", "conv[2468]=lora:rank=4", "--adapter", HEAD)


class Delta(Case):
    def train(self, name, *more, epochs=3):
        x, y = self.digits(range(20, 23))
        self.ok("train", KWS, *(more or LORA), "--x", self.file("x.bin", x),
                "--y", self.file("y.bin", y), "--epochs", epochs, "-o", name)

    def pack(self, *more, load="my.tpa", seq=1, out="my.pkg"):
        return json.loads(self.ok("pack", KWS, "--load", load, "--seq", seq,
                                  "-o", out, "--json", *more))

    def sign(self, key, package="my.pkg", out="my.delta"):
        self.ok("sign", package, "--key", key, "-o", out)

    def size(self, name):
        return (self.dir / name).stat().st_size

    def bytes(self, name):
        return (self.dir / name).read_bytes()

    def test_what_is_shipped_is_what_was_trained(self):
        self.train("my.tpa")
        self.ok("keygen", "lms.key", "--height", 5)
        self.ok("keygen", "ec.key", "--algorithm", "es256")
        for name in ("lms.key", "lms.key.next", "ec.key"):
            self.assertEqual((self.dir / name).stat().st_mode & 0o777, 0o600)
        made = self.pack("--id", 7, "--class", 24)
        self.assertEqual(made["encoding"], "int8")
        for key, name in (("ec.key", "es256_bytes"), ("lms.key", None)):
            self.sign(key)
            if name:
                self.assertEqual(self.size("my.delta"), made[name])
            said = json.loads(self.ok("verify", "my.delta", "--key",
                                      key + ".pub", "--model", KWS, "--json"))
            self.assertEqual((said["seq"], said["id"], said["class"]),
                             (1, 7, 24))
            self.ok("unpack", "my.delta", "-o", "is.tpa", "--key",
                    key + ".pub")
            self.assertEqual(self.bytes("is.tpa"), self.bytes("my.tpa"))
        text = self.ok("verify", "my.delta", "--key", "lms.key.pub")
        self.assertIn("sequence  1", text)
        self.assertIn("for device class 24", text)
        # signed anew, by another key
        self.sign("ec.key", package="my.delta", out="again.delta")
        self.ok("verify", "again.delta", "--key", "ec.key.pub")

    def test_sizes(self):
        """Four LoRA branches of rank 4 and a head: the figures of the README
        hold whatever the weights are."""
        self.train("my.tpa")
        sizes = {}
        for encoding in ("blob", "int8", "int4", "ternary", "pruned", "csr"):
            made = self.pack("--encoding", encoding)
            sizes[encoding] = made["payload_bytes"]
            self.assertEqual(made["encoding"], encoding)
            self.assertEqual(made["package_bytes"], self.size("my.pkg"))
            listed = {e["name"]: e["alone"] for e in made["encodings"]}
            self.assertEqual(listed[encoding], made["payload_bytes"])
            if encoding == "int8":
                self.assertLessEqual(made["es256_bytes"], 2.9 * 1024)
                self.assertLessEqual(made["lms_bytes"] - made["es256_bytes"],
                                     2.5 * 1024)
            if encoding == "int4":
                self.assertLessEqual(made["es256_bytes"], 1.8 * 1024)
            self.ok("unpack", "my.pkg", "-o", "is.tpa")
            same = self.bytes("is.tpa") == self.bytes("my.tpa")
            self.assertEqual(same, encoding in ("blob", "int8"))
            self.ok("eval", KWS, *LORA, "--load", "is.tpa", "--x", "x.bin",
                    "--y", "y.bin")
        print(sizes)
        self.assertEqual(sizes["blob"], self.size("my.tpa"))
        self.assertLess(sizes["int8"], sizes["blob"])
        self.assertLess(sizes["pruned"], sizes["int8"])
        self.assertLess(sizes["ternary"], sizes["int4"])
        # more is kept: more bytes
        more = self.pack("--encoding", "csr", "--keep", "40%")
        self.assertGreater(more["payload_bytes"], sizes["csr"])
        more = self.pack("--encoding", "pruned", "--keep", 75)
        self.assertGreater(more["payload_bytes"], sizes["pruned"])

    def test_difference(self):
        self.train("my.tpa")
        self.ok("train", KWS, "--load", "my.tpa", "--x", "x.bin", "--y",
                "y.bin", "--epochs", 1, "--lr", "0.001", "-o", "next.tpa")
        self.ok("keygen", "key", "--height", 5)
        made = self.pack("--from", "my.tpa", load="next.tpa", seq=2)
        self.assertTrue(made["difference"])
        alone = min(e["alone"] for e in made["encodings"][:2])
        self.assertLess(made["payload_bytes"], alone)
        self.sign("key")
        self.ok("verify", "my.delta", "--key", "key.pub", "--from", "my.tpa")
        self.ok("unpack", "my.delta", "--from", "my.tpa", "-o", "is.tpa")
        self.assertEqual(self.bytes("is.tpa"), self.bytes("next.tpa"))
        self.fails(1, "give that with --from", "unpack", "my.delta", "-o", "x")
        self.fails(1, "give that with --from", "verify", "my.delta", "--key",
                   "key.pub")
        self.fails(1, "next.tpa is another", "unpack", "my.delta", "--from",
                   "next.tpa", "-o", "x")
        self.fails(1, "no sound adapter of the same model", "pack", KWS,
                   "--load", "my.tpa", "--from", "my.tpa.json", "--seq", 3,
                   "-o", "x")

    def test_errors(self):
        self.train("my.tpa", "--adapter", "conv*=bitfit", epochs=1)
        base = ("pack", KWS, "--load", "my.tpa", "-o", "x")
        self.fails(2, "--seq N is missing", *base)
        self.fails(2, "must be between 1 and", *base, "--seq", 0)
        self.fails(1, "has no weights for it", *base, "--seq", 1, "--encoding",
                   "int4")
        self.fails(1, "has no weights for it", *base, "--seq", 1, "--encoding",
                   "pruned")
        self.fails(2, "--keep all: must be a share", *base, "--seq", 1,
                   "--keep", "all")
        self.fails(1, "cannot be written", *base[:-1], "no/x", "--seq", 1)
        self.fails(1, "was trained for a model", "pack", AD, *base[2:],
                   "--seq", 1)
        self.pack()
        self.ok("keygen", "key", "--height", 5)
        self.ok("keygen", "ec", "--algorithm", "es256")
        self.fails(1, "no key is ever overwritten", "keygen", "key")
        self.fails(1, "no key is ever overwritten", "keygen", "ec",
                   "--algorithm", "es256")
        self.fails(1, "cannot be made", "keygen", "no/key")
        self.fails(2, "--height 7: must be 5 or 10", "keygen", "k",
                   "--height", 7)
        self.fails(1, "no delta", "sign", "my.tpa", "--key", "key", "-o", "x")
        self.fails(1, "is no secret key", "sign", "my.pkg", "--key", "key.pub",
                   "-o", "x")
        self.fails(1, "cannot be opened", "sign", "my.pkg", "--key", "none",
                   "-o", "x")
        self.fails(1, "is not signed", "verify", "my.pkg", "--key", "key.pub")
        self.sign("key")
        self.fails(1, "is the ES256 key", "verify", "my.delta", "--key",
                   "ec.pub")
        self.fails(1, "no public key", "verify", "my.delta", "--key",
                   "my.tpa")
        self.fails(1, "is for a model with sha256", "verify", "my.delta",
                   "--key", "key.pub", "--model", AD)
        delta = bytearray(self.bytes("my.delta"))
        for at, text in ((60, "the signature is wrong"),
                         (900, "the signature is wrong"),
                         (len(delta) - 1, "payload"), (1, "no delta")):
            wrong = bytearray(delta)
            wrong[at] ^= 1
            self.file("wrong", wrong)
            self.fails(1, text, "verify", "wrong", "--key", "key.pub")
        self.file("wrong", delta[:-1])
        self.fails(1, "ends too early", "verify", "wrong", "--key", "key.pub")
        self.fails(1, "ends too early", "unpack", "wrong", "-o", "x")
        self.fails(1, "ends too early", "sign", "wrong", "--key", "key", "-o",
                   "x")

    def values(self, name, params):
        blob = formats.read_blob(self.bytes(name))
        return {name: [v * 2.0**e for v in values] for name, (e, values) in
                formats.read_params(blob["payload"], params).items()}

    def test_diff(self):
        """Counts and norms are those that another reader finds."""
        specs = ("--adapter", "conv4=lora", "--adapter", "conv6=bitfit",
                 "--adapter", "conv8=sparse:count=9")
        params = [("conv4.a", "q8", (4, 1, 1, 64)), ("conv4.b", "q8", (64, 4)),
                  ("conv6.bias", "s16", (64,)), ("conv8.index", "u16", (9,)),
                  ("conv8.delta", "q8", (9, 1))]
        self.train("a.tpa", *specs)
        self.train("b.tpa", *specs, "--seed", 2)
        a, b = (self.values(n, params) for n in ("a.tpa", "b.tpa"))
        said = json.loads(self.ok("diff", "a.tpa", "b.tpa", "--model", KWS,
                                  "--json"))
        self.assertFalse(said["same"])
        self.assertEqual(said["fields"], {})
        rows = {t["name"]: t for t in said["tensors"]}
        self.assertEqual(set(rows), set(a))
        for name, was in a.items():
            now, row = b[name], rows[name]
            self.assertEqual(row["of"], len(was))
            self.assertEqual(row["changed"],
                             sum(x != y for x, y in zip(was, now)))
            if name != "conv8.index":
                self.assertAlmostEqual(row["norm"], math.dist(was, now), 6)
                self.assertAlmostEqual(row["before"], math.hypot(*was), 6)
        text = self.ok("diff", "a.tpa", "b.tpa", "--model", KWS)
        self.assertRegex(text, r"conv4\.a +\d+  256 ")
        text = self.ok("diff", "a.tpa", "b.tpa")
        count = sum(x != y for x, y in zip(self.bytes("a.tpa")[48:],
                                           self.bytes("b.tpa")[48:]))
        self.assertIn(f"{count} of ", text)
        self.assertIn("nothing differs", self.ok("diff", "a.tpa", "a.tpa"))
        self.assertIn("nothing differs", self.ok("diff", "a.tpa", "a.tpa",
                                                 "--model", KWS).splitlines())

    def test_diff_of_deltas(self):
        spec = ("--adapter", "conv4=lora:bits=4")
        self.train("a.tpa", *spec)
        self.train("b.tpa", *spec, "--seed", 2)
        for n, name in enumerate(("a", "b"), 1):
            self.pack("--id", 7 + n, load=f"{name}.tpa", seq=n,
                      out=f"{name}.pkg")
        text = self.ok("diff", "a.pkg", "b.pkg")
        self.assertIn("sequence    1 -> 2", text)
        self.assertIn("id          8 -> 9", text)
        self.assertNotIn("signed by", text)
        self.ok("keygen", "key", "--algorithm", "es256")
        self.ok("sign", "b.pkg", "--key", "key", "-o", "b.delta")
        self.assertIn("signed by   nobody -> ES256 ",
                      self.ok("diff", "b.pkg", "b.delta"))
        self.assertEqual(self.ok("diff", "a.tpa", "b.pkg", "--model", KWS)
                         .splitlines()[1:],
                         self.ok("diff", "a.pkg", "b.tpa", "--model", KWS)
                         .splitlines()[1:])
        self.fails(2, "does not say which adapters", "diff", "a.pkg", "b.pkg",
                   "--model", KWS)
        self.ok("diff", "a.pkg", "b.pkg", "--model", KWS, *spec)
        self.fails(1, "is damaged, or for another", "diff", "a.tpa", "b.pkg",
                   "--model", KWS, "--adapter", "conv6=lora:bits=4")
        self.fails(1, "neither an adapter nor a delta", "diff", "a.tpa",
                   "a.tpa.json")
        self.fails(2, "B is missing", "diff", "a.tpa")
        wrong = bytearray(self.bytes("a.tpa"))
        wrong[20] ^= 1
        self.file("wrong.tpa", wrong)
        self.fails(1, "checksum of its header", "diff", "wrong.tpa", "a.tpa")
        self.file("short.tpa", self.bytes("a.tpa")[:-1])
        self.fails(1, "its header says", "diff", "short.tpa", "a.tpa")

    def test_a_leaf_signs_once(self):
        """Every signature has a leaf of its own; after the last there is none;
        what fails before signing uses up none."""
        self.train("my.tpa", "--adapter", "conv*=bitfit", epochs=1)
        self.pack()
        self.ok("keygen", "key", "--height", 5)
        leaves = []
        for _ in range(32):
            self.fails(1, "cannot be written", "sign", "my.pkg", "--key",
                       "key", "-o", "no/x")
            self.sign("key")
            delta = self.bytes("my.delta")
            at = delta.index(b"\x59\x09\x30") + 3  # a signature of 2,352 bytes
            leaves.append(int.from_bytes(delta[at + 4:at + 8], "big"))
        self.assertEqual(leaves, list(range(32)))
        os.remove(self.dir / "my.delta")
        self.fails(1, "all of its signatures are used", "sign", "my.pkg",
                   "--key", "key", "-o", "my.delta")

    def test_help(self):
        for command in ("keygen", "pack", "sign", "verify", "unpack",
                        "diff"):
            text = self.ok(command, "--help")
            self.assertIn(f"usage: tinypeft {command}", text)
            self.assertIn(f"  tinypeft {command} ", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 90)


if __name__ == "__main__":
    main()
