#!/usr/bin/env python3
"""tinypeft plan, and compile and train under a budget, on real models.
Usage: test_plan.py TINYPEFT."""
import json
import re
import xml.etree.ElementTree as ET

from cli_case import AD, HEAD, KWS, ROOT, Case, main

VIBRATION = ROOT / "zoo/vibration/vibration.tflite"
TFLM_ARENA = 22820  # what TensorFlow Lite Micro needs to infer with KWS


class Plan(Case):
    def test_table(self):
        out = self.ok("plan", KWS, "--ram", TFLM_ARENA, "--classes", 10,
                      "--update-cost", "2.3x", "--svg", "front.svg")
        picked = [line for line in out.splitlines() if line.startswith("*")]
        self.assertEqual(len(picked), 1)
        self.assertRegex(picked[0], r"lora-fa r4 +online +2[12],\d{3} ")
        self.assertIn("Picked: lora-fa r4 (online)", out)
        root = ET.parse(self.dir / "front.svg").getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")

    def test_what_is_printed_compiles_to_it(self):
        out = self.ok("plan", KWS, "--ram", TFLM_ARENA, "--classes", 10)
        words = re.findall(r"--adapter (\S+)", out)
        ram = re.search(r"--state online --ram (\d+)", out).group(1)
        args = [w for spec in words for w in ("--adapter", spec)]
        self.ok("compile", KWS, *args, "--state", "online", "--ram", ram,
                "--name", "kws", "-o", "gen")
        header = (self.dir / "gen/kws.h").read_text()
        promised = re.search(r"KWS_RAM_BYTES (\d+)u", header).group(1)
        self.assertEqual(promised, ram)
        self.assertIn("kws_train_slice(", header)
        self.assertRegex(header, r"--state online[\s*\\]+--ram " + ram)

    def test_autoencoder(self):
        """It has as many outputs as a head could have classes, and is none."""
        out = self.ok("plan", VIBRATION)
        self.assertNotIn("head", out)
        specs = re.findall(r"--adapter (\S+)", out)
        args = [w for spec in specs for w in ("--adapter", spec)]
        self.assertIn(f"tinypeft compile {VIBRATION} ", out)
        asked = self.ok("plan", VIBRATION, "--loss", "mse")
        self.assertIn(" --loss mse -o gen", asked)
        self.assertEqual(asked.replace(" --loss mse", ""), out)
        ram = re.search(r"--state \w+ --ram (\d+)", out).group(1)
        self.ok("compile", VIBRATION, *args, "--ram", ram, "-o", "gen")

    def test_why_nothing_fits(self):
        self.fails(1, "no adapter fits: op loss: cross-entropy needs 2 to 256 "
                   "logits, here are 640; without a softmax --loss mse works",
                   "plan", AD, "--loss", "ce")

    def test_json(self):
        found = json.loads(self.ok("plan", AD, "--json", "--ram", "256K",
                                   "--delta", "8K"))
        picked = [c for c in found["choices"] if c["picked"]]
        self.assertEqual(len(picked), 1)
        self.assertLessEqual(picked[0]["ram"], 256 * 1024)
        self.assertLessEqual(picked[0]["delta"], 8192)
        self.assertEqual(picked[0]["ram"], picked[0]["arena"] +
                         picked[0]["adapter"] + picked[0]["train"])

    def test_samples_that_are_kept(self):
        """A head keeps features, 64 bytes each; LoRA-FA the input, for a map
        is too large. No plan's update is dearer than that with the input."""
        def rows(*more):
            found = json.loads(self.ok("plan", KWS, "--classes", 10, "--json",
                                       *more))["choices"]
            return [c for c in found if c["state"] == "accumulate"]
        kept = rows("--samples", 50, "--ram", "60K")
        fitting = {}
        for c in kept:
            self.assertEqual(c["ram"], c["arena"] + c["adapter"] + c["train"] +
                             50 * c["sample_bytes"])
            if c["fits"]:
                fitting.setdefault(c["family"], []).append(c)
        for family, latent, size in (("head", True, 64), ("skip", True, 256),
                                     ("lora-fa r4", False, 490)):
            for c in fitting[family]:
                self.assertEqual((c["latent"], c["sample_bytes"]),
                                 (latent, size))
        for raw in rows():
            self.assertFalse(raw["latent"])
            ram = raw["ram"] + 50 * 490
            self.assertTrue(any(
                c["family"] == raw["family"] and c["ram"] <= ram and
                c["update_cost"] <= raw["update_cost"] for c in kept), raw)

    def test_what_is_kept_compiles(self):
        out = self.ok("plan", KWS, "--ram", "20K", "--samples", 50,
                      "--classes", 10)
        self.assertRegex(out, r"(?m)^\* +head .* latent 64$")
        self.assertIn("Each of 50 samples is kept as frozen features, in 64 "
                      "bytes.", out)
        ram = re.search(r"--state momentum --ram (\d+) --samples 50",
                        out).group(1)
        out = self.ok("compile", KWS, "--adapter", HEAD, "--state", "momentum",
                      "--ram", ram, "--samples", 50, "--name", "kws", "-o",
                      "gen")
        self.assertRegex(out, r"RAM: 50 samples, latent +3,200 bytes")
        header = (self.dir / "gen/kws.h").read_text()
        self.assertIn("#define KWS_SAMPLE_BYTES 64u", header)
        self.assertRegex(header, r"sample 64 bytes, kept by about \d+")
        self.assertIn(".keep = keep", (self.dir / "gen/kws.c").read_text())
        said = self.fails(1, "50 samples of 64 bytes", "compile", KWS,
                          "--adapter", HEAD, "--ram", 9000, "--samples", 50,
                          "-o", "gen2")
        self.assertRegex(said, r"Nearest that fits: --ram \d+")

    def test_training_on_features_gives_the_same_bytes(self):
        x, y = self.digits(range(20, 25))
        self.file("x.bin", x)
        self.file("y.bin", y)
        args = ("train", KWS, "--adapter", HEAD, "--adapter",
                "conv[246]=skip", "--x", "x.bin", "--y", "y.bin", "--epochs",
                4, "--holdout", 20, "--replay", "x.bin,y.bin",
                "--replay-keep", 10)
        self.ok(*args, "-o", "raw.tpa")
        self.ok(*args, "--samples", 40, "-o", "latent.tpa")
        self.assertEqual((self.dir / "raw.tpa").read_bytes(),
                         (self.dir / "latent.tpa").read_bytes())

    def test_regions(self):
        """What has no place in them is no candidate, and no error."""
        fast = ("--region", "dtcm=0x20000000+8K")
        found = json.loads(self.ok("plan", KWS, "--json", *fast, "--region",
                                   "sram=0x30000000+24K"))["choices"]
        self.assertTrue(any(c["picked"] for c in found))
        self.assertFalse(any(c["family"] == "lora r4" and c["state"] ==
                             "momentum" and c["recomputed"] == 0
                             for c in found))  # its arena has 48,088 bytes
        self.assertLessEqual(max(c["arena"] for c in found), 32 * 1024)
        self.fails(1, "no plan finds a place", "plan", KWS, *fast)

    def test_over_budget(self):
        said = self.fails(1, "no plan fits", "plan", KWS, "--ram", "8K")
        self.assertRegex(said, r"exceeds RAM [\d,]+ of 8,192")
        self.assertRegex(said, r"largest tensor .*, \d+ bytes")
        said = self.fails(1, "needs", "compile", KWS, "--adapter", HEAD,
                          "--ram", 9000, "-o", "gen")
        self.assertRegex(said, r"Nearest that fits: --ram \d+")
        self.fails(2, "such as 3x", "plan", KWS, "--update-cost", "many")

    def test_train_with_little_state(self):
        x, y = self.digits(range(20, 25))
        self.file("x.bin", x)
        self.file("y.bin", y)
        self.ok("train", KWS, "--adapter", HEAD, "--adapter",
                "conv[2468]=lora-fa:rank=4", "--ram", TFLM_ARENA, "--x",
                "x.bin", "--y", "y.bin", "--epochs", 20, "-o", "a.tpa")
        x, y = self.digits(range(10))
        self.file("tx.bin", x)
        self.file("ty.bin", y)
        out = self.ok("eval", KWS, "--load", "a.tpa", "--x", "tx.bin", "--y",
                      "ty.bin")
        self.assertGreater(float(re.search(r"accuracy ([\d.]+)", out)[1]), 80)


main()
