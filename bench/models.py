#!/usr/bin/env python3
"""Whole models: instructions as estimated by the compiler and as counted.

    bench/models.py RELEASE-BUILD OUTPUT [--steps]

Compiles each model below, builds it for a Cortex-M4, runs it under QEMU and
prints both numbers of an inference, of a sample and of an update. --steps:
those of each step of a sample too. Exits 1 where a program is estimated more
than 10 % wrong, 77 without models or tools.
"""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 0.10
HEAD = "fc11=head:classes=10"
KWS = ("kws_ref_model", "fsdd_mfcc/theo.bin", 50)

# name, model, its samples and how many follow each other of one class,
# adapters
MODELS = [
    ("kws", *KWS, []),
    ("vww", "vww_96_int8", "golden/vww_rand64_inputs.bin", 16, []),
    ("resnet", "pretrainedResnet_quant", "golden/resnet_rand64_inputs.bin", 4,
     []),
    ("ad", "ad01_int8", "golden/ad_rand64_inputs.bin", 64, []),
    ("str_ww", "str_ww_ref_model", "golden/str_ww_rand64_inputs.bin", 16, []),
    ("kws_head", *KWS, [HEAD]),
    ("kws_bitfit", *KWS, [HEAD, "*=bitfit"]),
    ("kws_lora", *KWS, [HEAD, "conv[2468]=lora:rank=4"]),
    ("kws_fa", *KWS, [HEAD, "conv[2468]=lora-fa:rank=4"]),
    ("kws_scale", *KWS, [HEAD, "*=scale"]),
    ("kws_skip", *KWS, [HEAD, "dwconv7=skip"]),
    ("kws_vera", *KWS, [HEAD, "conv[2468]=vera:rank=16"]),
    ("kws_int4", *KWS, [HEAD, "conv[2468]=lora:rank=4,bits=4"]),
    ("kws_sparse", *KWS, [HEAD, "conv[2468]=sparse"]),
    ("kws_bottleneck", *KWS, [HEAD, "conv[2468]=bottleneck:rank=4"]),
]


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], cwd=ROOT, text=True,
                          capture_output=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"models: {' '.join(map(str, command))} failed:\n"
                 f"{done.stdout}{done.stderr}")
    return done.stdout


def compile_model(tinypeft, data, out, model):
    """Emits C; the estimate of an inference."""
    name, file, _, _, adapters = model
    arguments = [data / f"models/{file}.tflite", "--target", "cortex-m4",
                 *(a for spec in adapters for a in ("--adapter", spec))]
    run(tinypeft, "compile", *arguments, "--name", name, "-o", out)
    plan = run(tinypeft, "compile", *arguments, "--dump", "plan")
    return int(re.search(r"program infer: .* about (\d+) instr", plan)[1])


def measure(elf, data, model):
    """The program's lines as (word, numbers)."""
    _, _, samples, per_class, _ = model
    text = run("scripts/qemu-run", elf, data / samples, per_class,
               env={**os.environ, "QEMU_TIMEOUT": "900"})
    return [(word, list(map(int, numbers)))
            for word, *numbers in map(str.split, text.splitlines())]


def show(what, estimated, counted):
    error = estimated / counted - 1
    print(f"{what:24} {estimated:14,} {counted:14,} {100 * error:+7.1f} %",
          flush=True)
    return abs(error)


def compare(name, estimate, lines, steps):
    """Prints a model's numbers; the largest error of its programs."""
    errors, sample = [], [0, 0]
    for word, numbers in lines:
        if word == "infer":
            errors.append(show(f"{name} infer", estimate, numbers[0]))
        elif word == "step":
            sample[0] += numbers[2]
            sample[1] += numbers[1]
            if steps:
                show(f"  step {numbers[0]}", numbers[2], numbers[1])
    if sample[1] > 0:
        errors.append(show(f"{name} sample", *sample))
    return max(errors)


def main():
    build, out = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    data = ROOT / os.environ.get("TINYPEFT_DATA", "../shared/data")
    if not (data / "models").is_dir():
        print("models: skipped: no data (set TINYPEFT_DATA)")
        return 77
    estimates = [compile_model(build / "tinypeft", data, out / "c", m)
                 for m in MODELS]
    run("scripts/build-device", "m4", out / "m4",
        f"-DTINYPEFT_BENCH={out / 'c'}")
    run("cmake", "--build", out / "m4", "--target", "bench-models")
    print(f"{'':24} {'estimated':>14} {'counted':>14}")
    worst = max(compare(m[0], e, measure(out / f"m4/bench-{m[0]}.elf", data, m),
                        "--steps" in sys.argv)
                for m, e in zip(MODELS, estimates))
    print(f"largest error {100 * worst:.1f} %, allowed {100 * LIMIT:.0f} %")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
