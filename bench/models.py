#!/usr/bin/env python3
"""Whole models: instructions as estimated by the compiler and as counted.

    bench/models.py RELEASE-BUILD OUTPUT [--steps]

Compiles each model of bench/suite.py, builds it for a Cortex-M4, runs it under
QEMU and prints both numbers of an inference and of a sample. --steps: those of
each step of a sample too. Exits 1 where a program is estimated more than 10 %
wrong, 77 without models or tools.
"""
import pathlib
import re
import sys

import count
import suite

LIMIT = 0.10
BATCH, WARM, MEASURED = 8, 96, 64


def show(what, estimated, counted):
    error = estimated / counted - 1
    print(f"{what:24} {estimated:14,.0f} {counted:14,.0f} {100 * error:+7.1f} %",
          flush=True)
    return abs(error)


def estimates(it, model):
    """Of an inference, and of each step of a sample."""
    plan = suite.run(it.tinypeft, "compile",
                     *suite.arguments(it.tinypeft, it.cpu, model), "--dump",
                     "plan")
    source = (it.source / f"{model.name}.c").read_text()
    cost = re.search(r"uint32_t cost\[\d+\] = \{(.*?)\}", source, re.S)
    return (int(re.search(r"program infer: .* about (\d+) instr", plan)[1]),
            list(map(int, re.findall(r"\d+", cost[1]))) if cost else [])


def compare(it, model, steps):
    """Prints a model's numbers; the largest error of its programs."""
    infer, sample = estimates(it, model)
    result = it.count(model, BATCH, WARM, MEASURED)
    errors = [show(f"{model.name} infer", infer,
                   count.total(result.infer))]
    counted = [s.counts.total() / result.n_samples for s in result.sample]
    for i, pair in enumerate(zip(sample, counted, strict=True)):
        if steps:
            show(f"  step {i}", *pair)
    if sample:
        errors.append(show(f"{model.name} sample", sum(sample), sum(counted)))
    return max(errors)


def main():
    build, out = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    if not (suite.DATA / "models").is_dir():
        print("models: skipped: no data (set TINYPEFT_DATA)")
        return 77
    it = suite.Suite(build, out, "m4")
    models = suite.BASES + suite.TRAINED
    it.build(models)
    print(f"{'':24} {'estimated':>14} {'counted':>14}")
    worst = max(compare(it, m, "--steps" in sys.argv) for m in models)
    print(f"largest error {100 * worst:.1f} %, allowed {100 * LIMIT:.0f} %")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
