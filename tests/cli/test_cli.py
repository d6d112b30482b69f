#!/usr/bin/env python3
"""inspect, run and compile on real models, and every way to use them wrongly.
Usage: test_cli.py TINYPEFT."""
import hashlib
import json
import struct
import subprocess

from cli_case import DATA, HEAD, KWS, TOOL, Case, main, npy

GOLDEN = {"kws": "kws_ref_model", "vww": "vww_96_int8", "ad": "ad01_int8",
          "resnet": "pretrainedResnet_quant", "str_ww": "str_ww_ref_model"}


class Usage(Case):
    def test_help(self):
        self.assertRegex(self.ok("--version"), r"^tinypeft \d+\.\d+\.\d+\n$")
        text = self.ok("--help")
        self.assertIn("Exit codes:", text)
        for command in ("inspect", "run", "compile", "train", "eval", "report"):
            self.assertIn(command, text)
            text += self.ok(command, "--help")
            self.assertIn("Examples:", self.ok(command, "-h"))
        self.assertLess(max(map(len, text.splitlines())), 82)
        self.assertIn("cortex-m55|rv32imc\n", self.ok("compile", "--help"))

    def test_wrong_command_line(self):
        self.fails(2, "a command is missing")
        self.fails(2, "nearest: inspect", "inspct", KWS)
        self.fails(2, "unknown option --jsn; nearest: --json", "inspect", KWS,
                   "--jsn")
        self.fails(2, "MODEL is missing", "inspect")
        self.fails(2, "--input X is missing", "run", KWS)
        text = self.fails(2, "must be between", "train", KWS, "--lr", "2")
        self.assertIn("see 'tinypeft train --help'", text)
        self.assertEqual(len(text.splitlines()), 2)

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([TOOL, "--help"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"standard output", done.stderr)


class Inspect(Case):
    def test_model(self):
        text = self.ok("inspect", KWS)
        for part in ("conv0", "softmax12", "2,656,768 MAC", "zero point 83",
                     "is not the last layer"):
            self.assertIn(part, text)
        model = json.loads(self.ok("inspect", KWS, "--json"))
        digest = hashlib.sha256(KWS.read_bytes()).hexdigest()
        self.assertEqual(model["sha256"], digest)
        self.assertEqual(len(model["operators"]), 13)
        self.assertEqual(sum(o["macs"] for o in model["operators"]),
                         model["macs"])
        self.assertEqual(sum(o["weight_bytes"] for o in model["operators"]),
                         model["weight_bytes"])
        self.assertEqual(model["input"]["shape"], [1, 49, 10, 1])
        fits = {o["slot"]: o["fits"] for o in model["operators"]}
        self.assertIs(fits["fc11"]["head"], True)
        self.assertIn("depthwise", fits["dwconv1"]["lora"])
        self.assertEqual(
            len(model["operators"][0]["in"][1]["scale"]), 64)

    def test_wrong_models(self):
        self.fails(1, "no.tflite: cannot be opened: No such file", "inspect",
                   "no.tflite")
        self.fails(1, "directory", "inspect", self.dir)
        whole = KWS.read_bytes()
        for n in (0, 7, 100, 20000):
            part = self.file("part.tflite", whole[:n])
            self.fails(1, "part.tflite: ", "inspect", part)
        model = DATA / "models/kws_ref_model_float32.tflite"
        self.fails(1, "op 0 CONV_2D: computes in floating point", "inspect",
                   model)


class Run(Case):
    def test_golden(self):
        for name, model in GOLDEN.items():
            x = DATA / f"golden/{name}_rand64_inputs.bin"
            y = DATA / f"golden/{name}_rand64_outputs.bin"
            with self.subTest(name):
                text = self.ok("run", DATA / f"models/{model}.tflite",
                               "--input", x, "--expect", y, "-o", "y.bin")
                self.assertEqual(text, "64 samples, 0 bytes differ\n")
                self.assertEqual((self.dir / "y.bin").read_bytes(),
                                 y.read_bytes())

    def test_differences(self):
        x = DATA / "golden/kws_rand64_inputs.bin"
        y = bytearray((DATA / "golden/kws_rand64_outputs.bin").read_bytes())
        y[30] ^= 1
        y[31] ^= 1
        args = ("run", KWS, "--input", x, "--expect", self.file("z", y))
        text = self.ok(*args, code=1)
        self.assertTrue(text.startswith("64 samples, 2 bytes differ\n"))
        self.assertIn("sample 2, byte 6", text)
        self.assertEqual(json.loads(self.ok(*args, "--json", code=1)),
                         {"samples": 64, "bytes": 768, "differ": 2})
        short = self.file("short", y[:-12])
        self.fails(1, "756 bytes; the result has 768: 64 samples of 12",
                   "run", KWS, "--input", x, "--expect", short, "-o", "never")

    def test_inputs(self):
        x = (DATA / "golden/kws_rand64_inputs.bin").read_bytes()[:490 * 5]
        raw = self.file("x.bin", x)
        array = npy(struct.unpack("2450b", x), "b", (5, 49, 10, 1))
        results = set()
        for i, args in enumerate([(raw,), (self.file("x.npy", array),),
                                  (raw, "--threads", 7),
                                  (raw, "--adapter", "conv*=lora")]):
            out = self.dir / f"{i}.out"
            self.assertEqual(self.ok("run", KWS, "-o", out, "--input", *args),
                             "5 samples\n")
            results.add(out.read_bytes())
        self.assertEqual(len(results), 1)
        self.fails(1, "no multiple of 490, the bytes of one sample "
                   "(1x49x10x1 of int8)", "run", KWS, "--input",
                   self.file("odd", x[1:]))
        self.fails(1, "not a .npy file", "run", KWS, "--input",
                   self.file("raw.npy", x))
        self.fails(1, "the model takes int8", "run", KWS, "--input",
                   self.file("f.npy", npy([0] * 490, "f", (1, 490))))
        self.fails(1, "expected (samples, 490)", "run", KWS, "--input",
                   self.file("t.npy", npy([0] * 980, "b", (490, 2))))


class Compile(Case):
    def test_files(self):
        text = self.ok("compile", KWS, "--adapter", "conv[68]=lora:rank=2",
                       "--adapter", HEAD, "--target", "cortex-m0", "--name",
                       "kws", "-o", "gen")
        self.assertIn("kws_weights.c", text)
        files = sorted(p.name for p in (self.dir / "gen").iterdir())
        self.assertEqual(files, ["kws.c", "kws.h", "kws_weights.c"])
        header = (self.dir / "gen/kws.h").read_text()
        self.assertIn("tinypeft compile kws_ref_model.tflite --adapter "
                      "'conv[68]=lora:rank=2' --adapter fc11=head:classes=10 "
                      "--name kws --target cortex-m0",
                      header.replace(" \\\n *      ", ""))
        self.assertNotIn(str(DATA), header)
        self.ok("compile", KWS, "-o", "gen")
        self.ok("compile", KWS, "-o", "gen/deep//er")
        self.assertTrue((self.dir / "gen/deep/er/kws_ref_model.c").is_file())
        self.assertTrue((self.dir / "gen/kws_ref_model.c").is_file())

    def test_dump(self):
        plan = self.ok("compile", KWS, "--dump=plan")
        self.assertIn("conv0", plan)
        self.assertNotEqual(plan, self.ok("compile", KWS, "--dump", "import"))
        text = self.fails(2, "--dump nothing: no such stage; there are: "
                          "import, ", "compile", KWS, "--dump=nothing", "-o",
                          "never")
        self.assertIn("plan", text)

    def test_regions(self):
        dtcm = "dtcm=0x20000000+5K"
        args = ("compile", KWS, "--region", dtcm, "--region")
        self.ok(*args, "sram=0x24000000+1M", "-o", "gen")
        header = (self.dir / "gen/kws_ref_model.h").read_text()
        for part in ("--region dtcm=0x20000000+5K",
                     'section(".tinypeft.sram")', "region_sram->bytes"):
            self.assertIn(part, header)
        text = self.ok(*args, "sram=0x24000000+1M", "--dump=plan")
        self.assertIn("sram 0x24000000  ", text)
        text = self.ok("compile", KWS, "--region", dtcm + ",rank=1", "--region",
                       "sram=0x24000000+1M,rank=0", "--dump=plan")
        self.assertIn("sram at 0x24000000, of 1048576", text)
        self.assertNotIn("dtcm", text)
        out = ("-o", "none")
        text = self.fails(1, "finds no place; dtcm lacks 2880 bytes", *args,
                          "sram=0x24000000+3K", *out)
        self.assertIn("8448 bytes are live; the regions have 8192", text)
        for bad, why in (("sram", "the name is not a word"),
                         ("9=0+1K", "the name is not a word"),
                         ("s=1K", "no address of 32 bits"),
                         ("s=0x1ffffffff+1K", "no address of 32 bits"),
                         ("s=0+K", "no size in bytes"),
                         ("s=0+1K,rank=x", "the rank is not a number"),
                         ("s=0+1KB", "there is more at its end"),
                         ("dtcm=0+1K", "given twice"),
                         ("s=0x20000400+1K", "shares addresses with dtcm")):
            self.fails(2, why, *args, bad, *out)

    def test_errors(self):
        def refuse(code, text, *args):
            self.fails(code, text, "compile", KWS, *args)
        refuse(2, "--output DIR is missing")
        refuse(2, "no kind 'lor'", "--adapter", "conv*=lor", "-o", "gen")
        refuse(2, "no slot matches", "--adapter", "nix*=lora", "-o", "gen")
        refuse(2, "rank=99", "--adapter", "conv*=lora:rank=99", "-o", "gen")
        refuse(2, "must be one of portable", "--target", "z80", "-o", "gen")
        refuse(2, "C identifier", "--name", "a-b", "-o", "gen")
        blocked = self.file("blocked", b"")
        refuse(1, "blocked: is not a folder", "-o", blocked)
        refuse(1, "cannot be made", "-o", "/proc/no/such/folder")
        (self.dir / "dir/kws_ref_model.h").mkdir(parents=True)
        refuse(1, "kws_ref_model.h: cannot be written", "-o", "dir")


if __name__ == "__main__":
    main()
