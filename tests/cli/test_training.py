#!/usr/bin/env python3
"""train and eval on real models, and every way to use them wrongly.
Usage: test_training.py TINYPEFT."""
import json

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
