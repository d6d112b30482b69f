#!/usr/bin/env python3
"""train's curves, replay and choice of a method, on real models.
Usage: test_method.py TINYPEFT."""
import json
import re
import xml.etree.ElementTree as ET

from cli_case import AD, DATA, HEAD, KWS, Case, main


class Train(Case):
    def test_curve(self):
        x, y = self.digits(range(20, 24))
        self.ok("train", KWS, "--x", self.file("x.bin", x), "--y",
                self.file("y.bin", y), "--adapter", HEAD, "--epochs", 4,
                "--holdout", 20, "-o", "<a&b>", "--curve", "c.svg",
                "--history", "h.csv")
        root = ET.parse(self.dir / "c.svg").getroot()
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(root.tag, space + "svg")
        texts = [t.text for t in root.iter(space + "text")]
        for text in ("Training of <a&b>", "loss", "held-back accuracy, %",
                     "update", "0"):
            self.assertIn(text, texts)
        rows = [line.split(",") for line in
                (self.dir / "h.csv").read_text().splitlines()[1:]]
        scores = [row for row in rows if row[2]]
        self.assertEqual(len(rows), 5)
        self.assertTrue(rows[-1][2])
        loss, score = root.iter(space + "polyline")
        self.assertEqual(len(loss.get("points").split()), len(rows))
        self.assertEqual(len(score.get("points").split()), len(scores) + 1)
        self.assertEqual(len(list(root.iter(space + "circle"))), len(scores))
        self.fails(1, "cannot be written", "train", KWS, "--adapter", HEAD,
                   "--x", "x.bin", "--y", "y.bin", "-o", "a", "--curve",
                   "no/folder/c.svg")

    def test_replay(self):
        """A head for digits 0 to 4 that then sees only 5 to 9 forgets, and
        does not with replay."""
        x, y = self.digits(range(20, 24))
        half = 490 * 20
        old = (self.file("old.x", x[:half]), self.file("old.y", y[:20]))
        new = ("--x", self.file("new.x", x[half:]), "--y",
               self.file("new.y", y[20:]))
        self.ok("train", KWS, "--adapter", HEAD, "--x", old[0], "--y", old[1],
                "--epochs", 12, "-o", "a")
        run = ("train", KWS, "--load", "a", "--epochs", 12, *new, "--json")
        replay = f"{old[0]},{old[1]}"
        both = json.loads(self.ok(*run, "-o", "b", "--replay", replay))
        self.assertEqual(both["training"]["samples"], 20)
        self.assertEqual(both["training"]["replayed"], 20)
        before = both["result"]["old_before"]["correct"]
        self.assertGreaterEqual(before, 18)
        self.assertGreaterEqual(both["result"]["old"]["correct"], 15)
        self.assertGreaterEqual(both["result"]["trained"]["correct"], 18)
        self.ok(*run, "-o", "c")
        self.assertIn("(0 of 20)", self.ok("eval", KWS, "--load", "c", "--x",
                                           old[0], "--y", old[1]))
        few = json.loads(self.ok(*run, "-o", "d", "--replay", replay,
                                 "--replay-keep", 5))
        self.assertEqual(few["training"]["replayed"], 5)
        self.assertGreater(few["result"]["old"]["correct"], 4)
        self.ok(*run, "-o", "e", "--replay", replay, "--replay-keep", 5)
        self.assertEqual((self.dir / "d").read_bytes(),
                         (self.dir / "e").read_bytes())
        self.fails(2, "must read X,Y", *run, "-o", "f", "--replay", "old.x")
        self.fails(1, "20 labels for 19 samples", *run, "-o", "f", "--replay",
                   f"{self.file('19.x', x[:half - 490])},{old[1]}")
        self.fails(2, "has no classes", "train", AD, "--adapter",
                   "fc9=bitfit", "--x", DATA / "golden/ad_rand64_inputs.bin",
                   "-o", "f", "--replay", replay)

    def test_method(self):
        def chosen(shots, *args):
            x, y = self.digits(range(20, 20 + shots))
            done = self.run_tool(
                "train", KWS, "--x", self.file("x.bin", x), "--y",
                self.file("y.bin", y), "--classes", 10, "--epochs", 1, "-o",
                "a", "--json", *args)
            self.assertEqual(done.returncode, 0, done.stderr)
            note = json.loads(done.stdout)
            return note["training"]["method"]["kind"], note, done.stderr
        def planned(shots, *args):
            found = json.loads(self.ok("plan", KWS, "--classes", 10, "--shots",
                                       shots, "--json", *args))
            return next(c for c in found["choices"] if c["picked"])

        kinds = []
        for shots, *args in ((1,), (5,), (10, "--ram", 16384)):
            plan = planned(shots, *args)
            kind, note, _ = chosen(shots, "--method", "auto", *args)
            self.assertEqual(kind, plan["family"])
            self.assertEqual(note["adapter"], plan["adapter_specs"])
            self.assertIn(f"{kind} ({plan['state']})",
                          note["training"]["method"]["why"])
            kinds.append(kind)
        # docs/numerics.md, 8: what is smallest of those that tie.
        self.assertEqual(kinds, ["bitfit", "lora-fa r4", "skip"])
        self.assertEqual(note["adapter"][0], HEAD)
        # What is held back is not there to learn from.
        self.assertEqual(chosen(2, "--method", "auto", "--holdout", 10)[0],
                         "bitfit")
        # A state that is asked for is kept.
        _, note, _ = chosen(1, "--method", "auto", "--state", "momentum")
        self.assertIn("(momentum)", note["training"]["method"]["why"])
        base = ("train", KWS, "--x", "x.bin", "--y", "y.bin", "-o", "never")
        for kind, family in (("head", "head"), ("skip", "skip"),
                             ("bitfit", "bitfit"), ("lora-fa", "lora-fa r4")):
            self.assertEqual(chosen(5, "--method", kind)[0], family)
        self.ok("eval", KWS, "--load", "a", "--x", "x.bin", "--y", "y.bin")
        self.fails(2, "leave out --adapter", *base, "--method", "auto",
                   "--adapter", HEAD)
        self.fails(2, "how many classes", *base, "--method", "head")
        self.fails(2, "--classes is for --method", *base, "--classes", 10,
                   "--adapter", HEAD)
        self.fails(1, "needs", *base, "--method", "lora-fa", "--classes", 10,
                   "--ram", 16100)
        said = self.fails(1, "no plan fits", *base, "--method", "auto",
                          "--classes", 10, "--ram", 9000)
        self.assertRegex(said, r"exceeds RAM [\d,]+ of 9,000")
        self.assertEqual(json.loads(self.ok(
            *base[:-1], "b", "--method", "auto", "--epochs", 1,
            "--json"))["adapter"], ["conv2,conv4,conv6,conv8,fc11="
                                    "lora-fa:rank=4"])


if __name__ == "__main__":
    main()
