#!/usr/bin/env python3
"""train and eval on real models, and every way to use them wrongly.
Usage: test_training.py TINYPEFT."""
import json
import re
import xml.etree.ElementTree as ET

from cli_case import AD, DATA, HEAD, KWS, Case, main, npy


def order(n, seed, epoch):
    """What tp_train_order() promises, told a second time."""
    x = ((seed ^ ((epoch * 0x9E3779B9 + 1) % 2**32)) + 0x9E3779B9) % 2**32
    x = (x ^ x >> 16) * 0x85EBCA6B % 2**32
    x = (x ^ x >> 13) * 0xC2B2AE35 % 2**32
    x = (x ^ x >> 16) or 1
    result = list(range(n))
    for i in range(n, 1, -1):
        x = (x ^ x << 13) % 2**32
        x ^= x >> 17
        x = (x ^ x << 5) % 2**32
        j = x * i >> 32
        result[i - 1], result[j] = result[j], result[i - 1]
    return result


def held_back(y, n):
    """What --holdout promises for equal classes: as many of each, the last of
    a seeded order."""
    left = {label: n // len(set(y)) for label in y}
    result = set()
    for i in reversed(order(len(y), 1, 0xFFFFFFFF)):
        if left[y[i]] > 0:
            left[y[i]] -= 1
            result.add(i)
    return result


class Train(Case):
    def train(self, *args, **kwargs):
        x, y = self.digits(range(20, 24))
        return self.ok("train", KWS, "--x", self.file("x.bin", x), "--y",
                       self.file("y.bin", y), "--json", *args, **kwargs)

    def test_train_and_use(self):
        args = ("--adapter", HEAD, "--epochs", 6)
        result = json.loads(self.train(*args, "-o", "a.tpa", "--history",
                                       "h.csv"))
        self.assertGreaterEqual(result["result"]["trained"]["correct"], 25)
        self.assertEqual(result["training"]["updates"], 15)
        note = json.loads((self.dir / "a.tpa.json").read_text())
        self.assertEqual(note, result)
        lines = (self.dir / "h.csv").read_text().splitlines()
        self.assertEqual(lines[0], "update,loss,accuracy")
        self.assertEqual(len(lines), 16)
        self.assertTrue(lines[-1].split(",")[2])
        self.train(*args, "-o", "b.tpa", "--threads", 3)
        blob = (self.dir / "a.tpa").read_bytes()
        self.assertEqual(blob, (self.dir / "b.tpa").read_bytes())
        self.train(*args, "-o", "b.tpa", "--seed", 2)
        self.assertNotEqual(blob, (self.dir / "b.tpa").read_bytes())

        data = ("--x", "x.bin", "--y", "y.bin")
        scores = {self.ok("eval", KWS, "--load", "a.tpa", *data, "--threads", n)
                  for n in (1, 2, 9)}
        self.assertEqual(len(scores), 1)
        trained = result["result"]["trained"]["correct"]
        self.assertIn(f"({trained} of 40)", scores.pop())
        self.ok("run", KWS, "--load", "a.tpa", "--input", "x.bin")
        self.train("--load", "a.tpa", "--epochs", 1, "-o", "c.tpa")
        self.check_wrong_adapters(blob, data)

    def check_wrong_adapters(self, blob, data):
        def refuse(text, name, content, *args):
            path = self.file(name, content)
            self.fails(1, text, "eval", KWS, "--load", path, *data, *args)
        spec = ("--adapter", HEAD)
        refuse("alone.tpa.json says which adapters", "alone.tpa", blob)
        self.ok("eval", KWS, "--load", "alone.tpa", *data, *spec)
        refuse("checksum", "bad", blob[:-9] + b"\x55" + blob[-8:], *spec)
        refuse("ends too early", "short", blob[:-1], *spec)
        refuse("is no adapter", "junk", b"x" * 200, *spec)
        refuse("another model or other adapters", "other", blob, "--adapter",
               "fc11=head:classes=11")
        self.fails(1, "none: cannot be opened", "eval", KWS, "--load", "none",
                   *data)
        self.file("j.json", b"[1]")
        refuse("is no note of an adapter", "j", blob)
        self.fails(1, "was trained for a model with sha256", "run", AD,
                   "--load", "a.tpa", "--input", "x.bin")

    def test_holdout(self):
        args = ("--adapter", HEAD, "--holdout", 20, "--epochs", 8)
        held = json.loads(self.train(*args, "-o", "a.tpa"))["result"]
        self.assertGreater(held["held_back"]["correct"],
                           held["held_back_before"]["correct"])
        self.assertFalse(held["worse"])
        x, y = self.digits(range(20, 24))
        back = held_back(y, 20)
        wrong = bytes(v if i in back else (v + 1) % 10
                      for i, v in enumerate(y))
        done = self.fails(3, "b.tpa was not written", "train", KWS, "--load",
                          "a.tpa", "--holdout", 20, "--epochs", 15, "--x",
                          "x.bin", "--y", self.file("wrong.bin", wrong), "-o",
                          "b.tpa")
        self.assertIn("worse than before", done)

    def test_curve(self):
        self.train("--adapter", HEAD, "--epochs", 4, "--holdout", 20, "-o",
                   "<a&b>", "--curve", "c.svg", "--history", "h.csv")
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
        self.assertEqual(chosen(1, "--method", "auto")[0], "bitfit")
        self.assertEqual(chosen(4, "--method", "auto")[0], "bitfit")
        kind, note, _ = chosen(5, "--method", "auto")
        self.assertEqual(kind, "lora-fa")
        self.assertEqual(note["adapter"], [HEAD, "conv2,conv4,conv6,conv8="
                                           "lora-fa:rank=4"])
        # What is held back is not there to learn from.
        self.assertEqual(chosen(6, "--method", "auto", "--holdout", 20)[0],
                         "bitfit")
        # A byte less than it needs, and something smaller is taken.
        base = ("train", KWS, "--x", "x.bin", "--y", "y.bin", "-o", "never")
        needs = self.fails(1, "needs", *base, "--method", "lora-fa",
                           "--classes", 10, "--ram", 16100)
        ram = int(re.search(r"needs (\d+) bytes", needs)[1])
        kind, note, said = chosen(5, "--method", "auto", "--ram", ram)
        self.assertEqual((kind, said), ("lora-fa", ""))
        kind, note, said = chosen(5, "--method", "auto", "--ram", ram - 1)
        self.assertIn(kind, ("bitfit", "skip", "head"))
        self.assertEqual(note["adapter"][0], HEAD)
        self.assertIn(f"lora-fa does not fit: needs {ram} bytes", said)
        self.assertEqual(chosen(5, "--method", "head")[0], "head")
        self.ok("eval", KWS, "--load", "a", "--x", "x.bin", "--y", "y.bin")
        self.fails(2, "leave out --adapter", *base, "--method", "auto",
                   "--adapter", HEAD)
        self.fails(2, "how many classes", *base, "--method", "head")
        self.fails(2, "--classes is for --method", *base, "--classes", 10,
                   "--adapter", HEAD)
        self.fails(1, "needs", *base, "--method", "auto", "--classes", 10,
                   "--ram", 3000)
        self.assertEqual(json.loads(self.ok(
            *base[:-1], "b", "--method", "auto", "--epochs", 1,
            "--json"))["adapter"], ["conv2,conv4,conv6,conv8,fc11="
                                    "lora-fa:rank=4"])

    def test_labels_and_errors(self):
        x, y = self.digits([20])
        base = ("train", KWS, "--x", self.file("x", x), "-o", "never",
                "--adapter", HEAD, "--epochs", 1)

        def refuse(code, text, name, content):
            self.fails(code, text, *base, "--y", self.file(name, content))
        refuse(1, "9 labels for 10 samples", "nine", y[1:])
        refuse(1, "label 9 is 10; the model has the classes 0 to 9", "big",
               y[:9] + b"\x0a")
        refuse(1, "label 1 is 0.5", "half.npy", npy([0, .5] * 5, "d", (10,)))
        refuse(1, "label 0 is -1", "minus.npy", npy([-1] * 10, "i", (10,)))
        self.fails(2, "--y FILE is missing", *base)
        label = self.file("y", y)
        self.fails(2, "--holdout 10 leaves none", *base, "--y", label,
                   "--holdout", 10)
        self.fails(1, "cannot be written", *base[:4], "--y", label,
                   "--adapter", HEAD, "-o", "no/folder/a.tpa")
        self.fails(2, "--adapter SPEC is missing", *base[:6], "--y", label)
        self.fails(1, "training diverged", *base[:8], "--y", label, "--epochs",
                   60, "--lr", 1, "--momentum", .9999, "--clip", 15.9,
                   "--batch", 1)
        results = []
        for form in "ifd":
            self.ok(*base[:4], "-o", "a", *base[6:], "--y",
                    self.file("y.npy", npy(list(y), form, (10,))))
            results.append((self.dir / "a").read_bytes())
        self.assertEqual(results, results[:1] * 3)

    def test_progress(self):
        x, y = self.digits([20])
        args = ("eval", KWS, "--adapter", HEAD, "--x", self.file("x", x),
                "--y", self.file("y", y))
        self.assertEqual(self.run_tool(*args).stderr, "")
        self.assertIn("%", self.run_tool(*args, "--progress").stderr)

    def test_autoencoder(self):
        x = (DATA / "golden/ad_rand64_inputs.bin").read_bytes()[:640 * 32]
        data = ("--x", self.file("x", x))
        self.ok("train", AD, *data, "--adapter", "fc9=bitfit", "--epochs", 8,
                "--lr", 1, "-o", "a")
        before = json.loads(self.ok("eval", AD, *data, "--json"))
        after = json.loads(self.ok("eval", AD, *data, "--json", "--load", "a"))
        self.assertLess(after["mse"], before["mse"])
        self.assertIn("mean squared error", self.ok("eval", AD, *data))
        self.fails(1, "31 targets for 32", "eval", AD, *data, "--y",
                   self.file("y", x[640:]))


class Eval(Case):
    def test_base(self):
        args = ("eval", KWS, "--x", DATA / "kws01/inputs.bin", "--y",
                DATA / "kws01/labels.bin")
        text = self.ok(*args)
        self.assertTrue(text.startswith("accuracy 90.10 % (901 of 1000)\n"))
        self.assertEqual(len(text.splitlines()), 14)
        result = json.loads(self.ok(*args, "--json"))
        self.assertEqual(result["correct"], 901)
        for key, total in (("samples", 1000), ("correct", 901),
                           ("predicted", 1000)):
            self.assertEqual(sum(c[key] for c in result["classes"]), total)


if __name__ == "__main__":
    main()
