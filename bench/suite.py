"""The models that are measured, compiled and built for a core."""
import os
import pathlib
import re
import subprocess
from collections import namedtuple

import count

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / os.environ.get("TINYPEFT_DATA", "../shared/data")

# samples: a file of inputs; per_class: how many of a class follow each other.
Model = namedtuple("Model", "name file samples per_class options")


def kws(name, *adapters, options=()):
    return Model(name, "kws_ref_model", "fsdd_mfcc/theo.bin", 50,
                 [*options, *(w for a in adapters for w in ("--adapter", a))])


HEAD = "fc11=head:classes=10"
BASES = [
    kws("kws"),
    Model("vww", "vww_96_int8", "golden/vww_rand64_inputs.bin", 16, []),
    Model("resnet", "pretrainedResnet_quant",
          "golden/resnet_rand64_inputs.bin", 4, []),
    Model("ad", "ad01_int8", "golden/ad_rand64_inputs.bin", 64, []),
    Model("str_ww", "str_ww_ref_model", "golden/str_ww_rand64_inputs.bin", 16,
          []),
]
TRAINED = [
    kws("kws_head", HEAD),
    kws("kws_bitfit", HEAD, "*=bitfit"),
    kws("kws_lora", HEAD, "conv[2468]=lora:rank=4"),
    kws("kws_fa", HEAD, "conv[2468]=lora-fa:rank=4"),
    kws("kws_scale", HEAD, "*=scale"),
    kws("kws_skip", HEAD, "dwconv7=skip"),
    kws("kws_vera", HEAD, "conv[2468]=vera:rank=16"),
    kws("kws_int4", HEAD, "conv[2468]=lora:rank=4,bits=4"),
    kws("kws_sparse", HEAD, "conv[2468]=sparse"),
    kws("kws_bottleneck", HEAD, "conv[2468]=bottleneck:rank=4"),
]

# Whose updates are measured. For twelve classes there are no sorted samples:
# labels are arbitrary, which changes no loop.
HEAD12 = "fc11=head:classes=12"
UPDATED = {
    "head 64 -> 12, momentum": Model(
        "kws_head12", "kws_ref_model", "kws01/inputs.bin", 83,
        ["--adapter", HEAD12]),
    "head 64 -> 12, online": Model(
        "kws_online", "kws_ref_model", "kws01/inputs.bin", 83,
        ["--adapter", HEAD12, "--state", "online"]),
    "head, LoRA-FA of rank 4 on the four 1x1, all kept, momentum": TRAINED[3],
    "head, LoRA of rank 4 on the four 1x1, 28,000 B: recomputed, online": kws(
        "kws_small", HEAD, "conv[2468]=lora:rank=4",
        options=("--ram", "28000")),
}

# What to ask the compiler for.
TARGETS = {
    "m0": "cortex-m0",
    "m3": "cortex-m3",
    "m4": "cortex-m4",
    "m7": "cortex-m7",
    "m33": "cortex-m33",
    "m55": "cortex-m55",
    "rv32": "rv32imc",
}


def run(*command):
    done = subprocess.run([str(c) for c in command], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed:\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


def arguments(tinypeft, cpu, model):
    """Of `tinypeft compile`, to this model for this core."""
    return [DATA / f"models/{model.file}.tflite", "--target",
            TARGETS[cpu], *model.options]


class Suite:
    """Programs of one core: build/release/tinypeft and a folder to work in."""

    def __init__(self, build, out, cpu):
        self.tinypeft = pathlib.Path(build).resolve() / "tinypeft"
        self.plugin = pathlib.Path(build).resolve() / "libtp_count.so"
        self.source = pathlib.Path(out).resolve() / f"{cpu}-c"
        self.device = pathlib.Path(out).resolve() / cpu
        self.cpu = cpu

    def compile(self, model):
        run(self.tinypeft, "compile", *arguments(self.tinypeft, self.cpu, model),
            "--name", model.name, "-o", self.source)

    def stack(self):
        """Worst path of every function of the device libraries."""
        folders = [p for p in (self.device / "CMakeFiles").glob("tinypeft_*.dir")
                   if p.is_dir()]
        lines = run("scripts/stack", "--each", *folders).splitlines()
        return {name: int(n) for name, n, *_ in map(str.split, lines)}

    def compiler(self):
        """Its version, of the toolchain that built this."""
        found = next((self.device / "CMakeFiles").glob("*/CMakeCCompiler.cmake"))
        return re.search(r'CMAKE_C_COMPILER_VERSION "(.*?)"',
                         found.read_text())[1]

    def build(self, models):
        for model in models:
            self.compile(model)
        run("scripts/build-device", self.cpu, self.device,
            f"-DTINYPEFT_BENCH={self.source}")
        run("cmake", "--build", self.device, "--target",
            *(f"bench-{m.name}" for m in models))

    def count(self, model, batch=1, warm=20, measured=10):
        return count.count(
            self.plugin, self.device / f"bench-{model.name}.elf",
            self.source / f"{model.name}.c",
            [DATA / model.samples, str(model.per_class), str(batch), str(warm),
             str(measured)])
