#!/usr/bin/env python3
"""Measures all models on all cores: instructions, cycles, flash, stack.

    bench/report.py RELEASE-BUILD OUTPUT JSON RESULTS.md     writes both
    bench/report.py RELEASE-BUILD OUTPUT --check RESULTS.md

--check measures KWS on Cortex-M4 alone, and fails where a layer is more than
1 % away from what RESULTS.md says; skipped without data or with another
compiler.
"""
import json
import pathlib
import re
import sys
from collections import defaultdict

import count
import cycles
import elf
import suite
import tables

TOLERANCE = 0.01


def step_row(result, step, n, with_cycles):
    row = {"layer": step.layer, "op": step.op, "shape": step.shape,
           "macs": step.macs, "kernel": step.kernel,
           "instructions": round(step.counts.total() / n)}
    if with_cycles:
        plain, flash = cycles.estimate(result.program, step)
        row |= {"cycles": round(plain / n), "flash_cycles": round(flash / n)}
    return row


def inference(it, model):
    result = it.count(model)
    rows = [step_row(result, s, 1, it.cpu == "m4") for s in result.infer]
    return result, {"instructions": count.total(result.infer),
                    "stack": result.stack["infer"], "steps": rows}


def update(it, model):
    result = it.count(model)
    n = result.n_samples
    rows = [step_row(result, s, n, it.cpu == "m4")
            for s in (*result.sample, result.around)]
    rows[-1] |= {"layer": "runtime"}
    total = count.total(result.sample) + result.around.counts.total()
    head = sum(r["instructions"] for r in rows
               if r["layer"].startswith(("fc11", "loss", "runtime")))
    ram = re.search(r"_RAM_BYTES (\d+)u",
                    (it.source / f"{model.name}.h").read_text())
    linked = elf.read_linked(result.program.path, model.name)
    return result, {"instructions": round(total / n), "head": head,
                    "ram": int(ram[1]), "stack": result.stack["sample"],
                    "flash": linked._asdict(), "steps": rows}


def flash_of(result, source, kernels):
    """Adds the functions that each kernel was seen to execute: ours alone,
    without the C library."""
    for step in (*result.infer, *result.sample):
        for address in step.counts:
            f = result.program.function_at(address)
            if f and f.file != source and (f.file
                                           or f.name.startswith("tp_")):
                kernels[step.kernel].add((f.name, f.size))


def measure_core(build, out, cpu, models, updates):
    it = suite.Suite(build, out, cpu)
    it.build([*models, *updates.values()])
    kernels = defaultdict(set)
    found = {"inference": {}, "updates": {}, "compiler": it.compiler()}
    for model in models:
        result, found["inference"][model.name] = inference(it, model)
        flash_of(result, f"{model.name}.c", kernels)
    for name, model in updates.items():
        result, found["updates"][name] = update(it, model)
        flash_of(result, f"{model.name}.c", kernels)
    stack = it.stack()
    found["kernels"] = {
        k: {"flash": sum(size for _, size in parts), "stack": stack.get(k)}
        for k, parts in sorted(kernels.items())}
    return found


def skip(why):
    print(f"bench: skipped: {why}\n0 passed, 0 failed, 1 skipped")
    return 0


def check(build, out, results):
    text = results.read_text()
    found = measure_core(build, out, "m4", suite.BASES[:1], {})
    if found["compiler"] != tables.compiler_of(text):
        return skip(f"{results.name} was made with GCC "
                    f"{tables.compiler_of(text)}, here is {found['compiler']}")
    bad, layers = 0, tables.kws_of(text)
    for step in found["inference"]["kws"]["steps"]:
        said, now = layers.get(step["layer"], 0), step["instructions"]
        if abs(now - said) > TOLERANCE * now:
            print(f"bench: {step['layer']}: {results.name} says {said:,}, "
                  f"counted {now:,}")
            bad += 1
    print(f"bench: KWS on M4: {found['inference']['kws']['instructions']:,} "
          f"instructions, {bad} of {len(layers)} layers not as in "
          f"{results.name}" + (": run `make bench`" if bad else ""))
    return 1 if bad or not layers else 0


def main(build, out, target, results):
    if not (suite.DATA / "models").is_dir():
        return skip("no data (set TINYPEFT_DATA)")
    results = pathlib.Path(results)
    if target == "--check":
        return check(build, out, results)
    found = {}
    for cpu in suite.TARGETS:
        print(f"bench: {cpu}", flush=True)
        found[cpu] = measure_core(build, out, cpu, suite.BASES, suite.UPDATED)
    peers = json.loads(
        (pathlib.Path(__file__).parent / "peers.json").read_text())
    pathlib.Path(target).write_text(
        json.dumps({"cores": found, "peers": peers}, indent=1) + "\n")
    results.write_text(tables.results(found, peers))
    print(f"bench: wrote {target}, {results}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
