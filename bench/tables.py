"""bench/RESULTS.md, written and read."""
import re

import cycles

NAMES = {"m0": "M0+ code", "m3": "M3", "m4": "M4", "m7": "M7", "m33": "M33",
         "m55": "M55", "rv32": "rv32"}

INTRODUCTION = """\
# What was counted

Made by `make bench`; do not edit. `scripts/bench MODEL CPU` prints the steps of
one model.

Executed instructions, exact and repeatable: a plugin of QEMU's code generator
(`bench/plugin.c`) counts blocks of the program that ships, with no marker in
it. **Instructions are not cycles.** QEMU has no pipeline, no bus and no flash;
no core was measured. The last section estimates cycles, for one core, and says
how. What is counted here of every core, step by step, is in `build/bench.json`.

| column | is |
|---|---|
| M0+ code | code for the Cortex-M0, which is that of the M0+, on QEMU's `mps2-an385`: its boards with such a core have too little RAM. `make test` runs the port on `microbit` too |
| M3, M4, M7, M33, M55 | `mps2-an385`, `mps2-an386`, `mps2-an500`, `mps2-an505`, `mps3-an547` |
| rv32 | rv32imc with picolibc, on `qemu-system-riscv32 -M virt` |
"""


def number(value):
    return f"{value:,}" if isinstance(value, int) else value


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(number(c)) for c in r) + " |"
                     for r in lines) + "\n"


def ratio(ours, theirs):
    return f"{theirs / ours:.2f}" if theirs else ""


def per_mac(instructions, macs):
    return f"{instructions / macs:.2f}" if macs else ""


def macs_of(run):
    return sum(s["macs"] for s in run["steps"])


def totals(found):
    head = ["instructions", "MAC", *(NAMES[c] for c in found)]
    models = found["m4"]["inference"]
    rows = [[m, macs_of(models[m]),
             *(found[c]["inference"][m]["instructions"] for c in found)]
            for m in models]
    stack = [[m, "", *(found[c]["inference"][m]["stack"] for c in found)]
             for m in models]
    return (table(head, rows) + "\nStack, in bytes below `main()`:\n\n"
            + table(["stack", "", *head[2:]], stack))


def beside(found, peers):
    rows = []
    for model, theirs in peers["inference"].items():
        run = found["m4"]["inference"][model]
        ours, macs = run["instructions"], macs_of(run)
        rows.append([model, ours, per_mac(ours, macs), theirs["cmsis"],
                     per_mac(theirs["cmsis"], macs), ratio(ours, theirs["cmsis"]),
                     theirs["tflm"], ratio(ours, theirs["tflm"])])
    return table(["M4", "TinyPEFT", "a MAC", "CMSIS-NN", "a MAC", "ratio",
                  "TFLM reference", "ratio"], rows)


def layers(found, peers, model):
    known = peers["layers"].get(model, {})
    rows = []
    for s in found["m4"]["inference"][model]["steps"]:
        n = s["instructions"]
        rows.append([s["layer"], f"`{s['kernel']}`", s["shape"], s["macs"], n,
                     per_mac(n, s["macs"]), s["cycles"], s["flash_cycles"],
                     *([known.get(s["layer"], ""),
                        ratio(n, known.get(s["layer"]))] if known else [])])
    head = ["layer", "kernel", "shape", "MAC", "instructions", "a MAC",
            "cycles", "from flash", *(["CMSIS-NN", "ratio"] if known else [])]
    return table(head, rows)


def kws_everywhere(found):
    first = found["m4"]["inference"]["kws"]["steps"]
    return table(
        ["KWS", *(NAMES[c] for c in found)],
        [[s["layer"], *(found[c]["inference"]["kws"]["steps"][i]["instructions"]
                        for c in found)] for i, s in enumerate(first)])


def updates(found):
    rows, ram = [], []
    for name, run in found["m4"]["updates"].items():
        every = [found[c]["updates"][name] for c in found]
        rows.append([name, *(u["instructions"] for u in every)])
        ram.append([name, run["ram"], *(u["stack"] for u in every)])
    names = [NAMES[c] for c in found]
    return (table(["a sample and its update", *names], rows)
            + "\nRAM of arena, adapter and training state, and stack below "
            "`main()`, in bytes:\n\n"
            + table(["", "RAM", *(f"stack, {n}" for n in names)], ram))


def head_updates(found, peers):
    ours = {name: found["m4"]["updates"][name]["head"]
            for name in found["m4"]["updates"] if name.startswith("head 64")}
    rows = [[f"TinyPEFT, {name}", n, *([""] * len(ours))]
            for name, n in ours.items()]
    for peer in peers["updates"]:
        theirs = peer["instructions"]
        rows.append([f"{peer['peer']}: {peer['what']}; RAM {peer['ram']}",
                     theirs, *(ratio(n, theirs) if peer.get("ours") else ""
                               for n in ours.values())])
    return table(["one update, M4", "instructions",
                  *(f"ratio to {n.split(', ')[1]}" for n in ours)], rows)


def linked(found):
    """Of M4 by part; then what a program links of ours and of the C library."""
    names = list(found["m4"]["updates"])
    parts = list(found["m4"]["updates"][names[0]]["flash"])
    rows = [[n, *found["m4"]["updates"][n]["flash"].values()] for n in names]
    code = [[n, *(sum(found[c]["updates"][n]["flash"][p]
                      for p in ("runtime", "library", "generated"))
                  for c in found)] for n in names]
    return (table(["M4", *parts], rows)
            + "\nCode linked: runtime, library and generated code together.\n\n"
            + table(["code", *(NAMES[c] for c in found)], code))


def update_steps(found, name):
    rows = [[s["layer"], f"`{s['kernel']}`" if s["kernel"] else "", s["macs"],
             s["instructions"], s["cycles"], s["flash_cycles"]]
            for s in found["m4"]["updates"][name]["steps"]]
    return table(["step, M4", "kernel", "MAC", "instructions", "cycles",
                  "from flash"], rows)


def kernels(found):
    names = sorted({k for c in found.values() for k in c["kernels"]})
    def cell(core, kernel):
        it = found[core]["kernels"].get(kernel)
        if it is None:
            return ""
        return f"{it['flash']:,} / {it['stack']}"
    return table(["flash / stack", *(NAMES[c] for c in found)],
                 [[f"`{k}`", *(cell(c, k) for c in found)] for k in names])


def model_cycles(found):
    rows = []
    for kind in ("inference", "updates"):
        for name, run in found["m4"][kind].items():
            plain, flash = (sum(s[k] for s in run["steps"])
                            for k in ("cycles", "flash_cycles"))
            n = run["instructions"]
            rows.append([name, n, plain, f"{plain / n:.2f}", flash,
                         f"{flash / n:.2f}"])
    return table(["M4", "instructions", "cycles", "an instruction",
                  "from flash", "an instruction"], rows)


def results(found, peers):
    compilers = (f"GCC {found['m4']['compiler']} for Arm, "
                 f"{found['rv32']['compiler']} for RISC-V, `-O2`.")
    parts = [
        INTRODUCTION, compilers + "\n",
        "## Inference\n", totals(found),
        "## Beside the peers\n",
        "A ratio above 1: theirs divided by ours, so ours executes fewer. "
        + peers["source"] + "\n",
        beside(found, peers),
        "## KWS by layer, M4\n",
        layers(found, peers, "kws"),
        "## KWS by layer, every core\n", kws_everywhere(found)]
    for model in found["m4"]["inference"]:
        if model != "kws":
            parts += [f"## {model} by layer, M4\n", layers(found, peers, model)]
    parts += [
        "## Updates of KWS\n",
        "Batches of one sample, the mean of ten after twenty: kernels skip "
        "gradients that are 0, so what is learned from changes what it costs. "
        "All of the forward part is in it.\n",
        updates(found),
        "The head alone, without the network before it: its forward step, "
        "loss, gradients, and all of the runtime and the update.\n",
        head_updates(found, peers)]
    full = next(n for n in found["m4"]["updates"] if "all kept" in n)
    parts += [
        f"## By step: {full}\n", update_steps(found, full),
        "## Flash of programs that train\n",
        "In bytes, all that is linked: the runtime with its kernels, what they "
        "call of the C library, the functions and the tables and weights that "
        "were made for the model, and the port with the bench's own `main()`.\n",
        linked(found),
        "## Flash and stack of kernels\n",
        "In bytes. Flash: the code that a call was seen to execute, with what "
        "kernels share counted for each, without constants and the C library. "
        "Stack: the worst path (`scripts/stack`).\n", kernels(found),
        "## Cycles of a Cortex-M4, estimated\n", model_cycles(found),
        "As `bench/cycles.py` has it:\n\n```text\n" + cycles.__doc__
        + "\n```\n"]
    return "\n".join(parts)


def compiler_of(text):
    return re.search(r"^GCC (\S+) for Arm", text, re.M)[1]


def kws_of(text):
    """{layer: instructions} of KWS on M4."""
    section = text.split("## KWS by layer, M4\n")[1].split("\n## ")[0]
    return {row[0]: int(row[4].replace(",", ""))
            for row in ([c.strip() for c in line.split("|")[1:-1]]
                        for line in section.splitlines()
                        if line.startswith("|")) if row[3][:1].isdigit()}
