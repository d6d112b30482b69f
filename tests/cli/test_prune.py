#!/usr/bin/env python3
"""tinypeft prune: ranks go by their scores, what is left computes what it did,
sizes are those of the files, and everything wrong is said."""
import json
import re
import unittest

from cli_case import AD, HEAD, KWS, Case, main


class Prune(Case):
    def train(self, spec, *more):
        x, y = self.digits(range(20, 23))
        self.ok("train", KWS, "--adapter", HEAD, "--adapter", spec, "--x",
                self.file("x.bin", x), "--y", self.file("y.bin", y), "--epochs",
                2, "-o", "all.tpa", *more)

    def prune(self, *args, load="all.tpa"):
        """Scores kept and dropped, and the output."""
        out = self.ok("prune", KWS, "--load", load, "-o", "some.tpa", *args)
        rows = [r.split(":", 1)[1] for r in out.splitlines() if " rank " in r]
        dropped = re.findall(r"\(([^)]*)\)", " ".join(rows))
        kept = re.sub(r"\([^)]*\)", "", " ".join(rows)).split()
        return [float(v) for v in kept], [float(v) for v in dropped], out

    def answers(self, adapter):
        self.ok("run", KWS, "--load", adapter, "--input", "x.bin", "-o",
                "y.out")
        return (self.dir / "y.out").read_bytes()

    def size(self, name):
        return (self.dir / name).stat().st_size

    def check(self, spec):
        self.train(spec)
        kept, dropped, out = self.prune("--keep", "50%")
        self.assertEqual((len(kept), len(dropped)), (8, 8))
        self.assertGreaterEqual(min(kept), max(dropped))
        self.assertIn(f"all.tpa: {self.size('all.tpa')} bytes; "
                      f"some.tpa: {self.size('some.tpa')} bytes", out)
        sizes = {what: int(n) for n, what in
                 re.findall(r"^ +(\d+)  (.*)$", out, re.M)}
        dense = sizes["dense, 8 bits"]
        self.assertGreater(dense, sizes["dense, 4 bits"])
        self.assertGreater(sizes["dense, 4 bits"],
                           sizes["dense, ternary in 2 bits"])
        self.assertGreaterEqual(sizes["half of all weights as CSR, 8 bits"],
                                dense * 0.9)
        self.assertNotEqual(self.answers("some.tpa"), self.answers("all.tpa"))
        # all ranks: other specs, the same answers
        self.prune("--keep", 100)
        self.assertEqual(self.answers("some.tpa"), self.answers("all.tpa"))
        # half, and half of that: as a quarter at once
        self.prune("--keep", "25")
        quarter = self.answers("some.tpa")
        self.prune("--keep", "50")
        (self.dir / "some.tpa").rename(self.dir / "half.tpa")
        (self.dir / "some.tpa.json").rename(self.dir / "half.tpa.json")
        self.prune("--keep", "50", load="half.tpa")
        self.assertEqual(self.answers("some.tpa"), quarter)
        # a pruned adapter trains on
        self.ok("train", KWS, "--load", "some.tpa", "--x", "x.bin", "--y",
                "y.bin", "--epochs", 1, "-o", "on.tpa")
        self.assertEqual(self.size("on.tpa"), self.size("some.tpa"))

    def test_lora(self):
        self.check("conv[2468]=lora")

    def test_lora_fa(self):
        self.check("conv[2468]=lora-fa:seed=3")

    def test_bytes(self):
        self.train("conv*=lora-fa:rank=4")
        for limit in (1000, 1200, 1500):
            self.prune("--bytes", limit)
            self.assertLessEqual(self.size("some.tpa"), limit)
            note = json.loads((self.dir / "some.tpa.json").read_text())
            self.assertEqual(note["pruned from"], "all.tpa")
            self.assertEqual(note["adapter"][0], HEAD)

    def test_errors(self):
        self.train("conv8=lora-fa:bits=4")
        base = ("prune", KWS, "--load", "all.tpa", "-o", "some.tpa")
        self.fails(1, "no ranks to prune; lora and lora-fa with bits=8", *base,
                   "--keep", 50)
        self.train("conv8=lora-fa")
        self.fails(2, "give one of --keep SHARE and --bytes N", *base)
        self.fails(2, "give one of --keep SHARE and --bytes N", *base, "--keep",
                   50, "--bytes", 900)
        for wrong in ("0", "101%", "half", "50%%"):
            self.fails(2, f"--keep {wrong}: must be a share", *base, "--keep",
                       wrong)
        self.fails(1, "with one rank left it is", *base, "--bytes", 100)
        self.fails(1, "was trained for a model", "prune", AD, *base[2:],
                   "--keep", 50)


if __name__ == "__main__":
    main()
