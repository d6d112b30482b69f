#!/usr/bin/env python3
"""An autoencoder finds faults of machines that it has never felt, before and
after it has adapted to each on an emulated Cortex-M4.

    anomaly.py RELEASE-BUILD OUTPUT [--machines N] [--epochs N] [--rate F]
        [--model FILE] [--samples FOLDER] [--board FOLDER]

Compiles zoo/vibration with an adapter, builds the firmware, and for each new
machine lets it score sound and faulty measurements, adapt to 48 sound ones, and
score again. The host trains on the same 48: the adapters must be equal. Another
autoencoder will do as well, and other machines: a folder each, with adapt.bin,
normal.bin and faulty.bin.
"""
import argparse
import json
import math
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from board import Bar, firmware, lines_of, run, sizes  # noqa: E402

ZOO = ROOT / "zoo/vibration"
ADAPTERS = [word for spec in ("*=lora-fa:rank=4", "*=bitfit")
            for word in ("--adapter", spec)]
SEED = 1
WHEN = "before", "after"


def levels(tinypeft, model):
    """Of a sample. The device compares input and output byte by byte."""
    ends = json.loads(run(tinypeft, "inspect", model, "--json"))
    for what in ("shape", "scale", "zero_point"):
        if ends["input"][what] != ends["output"][what]:
            sys.exit(f"demo: {model}: input and output have not the same "
                     f"{what}: {ends['input'][what]}, {ends['output'][what]}")
    return math.prod(ends["input"]["shape"])


def machines(options):
    """Their folders, the first --machines of them."""
    found = sorted(path.parent for path in
                   options.samples.resolve().glob("*/adapt.bin"))
    if not found[:options.machines]:
        sys.exit(f"demo: no machine: {options.samples} has none of "
                 "MACHINE/adapt.bin, or --machines is 0")
    return found[:options.machines]


def auc(line):
    return line[0] / line[1]


def error(line, size):
    """Of a sound measurement's level, mean square, in steps."""
    return line[2] / line[3] / size


def adapt(tinypeft, elf, folder, size, options):
    """One new machine, on the device and on the host."""
    device, host = (options.out / f"{folder.name}.{where}.adapter"
                    for where in ("device", "host"))
    told = dict(lines_of(elf, [folder, device, options.epochs,
                               round(options.rate * 32768), SEED]))
    run(tinypeft, "train", options.model, *ADAPTERS,
        "--x", folder / "adapt.bin", "--epochs", options.epochs,
        "--lr", options.rate, "--seed", SEED, "-o", host)
    return {"machine": folder.name,
            **{f"auc_{when}": auc(told[when]) for when in WHEN},
            **{f"error_{when}": error(told[when], size) for when in WHEN},
            "adapter_bytes": device.stat().st_size,
            "equal": device.read_bytes() == host.read_bytes()}


def table(rows, cost, trained, size):
    yield f"  {'machine':<10}{'AUC before':>12}{'after':>8}{'error':>10}" \
          f"{'after':>8}  adapter"
    for row in rows:
        same = "equal to the host's" if row["equal"] else "NOT THE HOST'S"
        yield (f"  {row['machine']:<10}{row['auc_before']:>12.3f}"
               f"{row['auc_after']:>8.3f}{row['error_before']:>10.1f}"
               f"{row['error_after']:>8.1f}  {same}")
    mean = [sum(row[f"auc_{when}"] for row in rows) / len(rows)
            for when in WHEN]
    infer, sample, batch = cost["instructions"]
    yield f"  {'mean':<10}{mean[0]:>12.3f}{mean[1]:>8.3f}\n"
    yield f"  adapter        {rows[0]['adapter_bytes']:,} B as stored"
    yield (f"  RAM            {size['RAM']:,} B: arena {size['ARENA']:,}, "
           f"adapter {size['ADAPTER']:,}, training {size['TRAIN']:,}")
    yield f"  one inference  {infer:,} instructions"
    yield (f"  one update     {sample * batch:,} instructions, {sample:,} a "
           f"sample")
    yield f"  to adapt       {sample * trained / 1e6:,.0f} million instructions"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--board", type=pathlib.Path,
                        help="folder of the device's build, default OUTPUT/m4")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--rate", type=float, default=0.5)
    parser.add_argument("--machines", type=int, help="the first N of them")
    parser.add_argument("--model", type=pathlib.Path,
                        default=ZOO / "vibration.tflite")
    parser.add_argument("--samples", type=pathlib.Path, default=ZOO / "new")
    options = parser.parse_args()
    start = time.monotonic()
    out = options.out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    tinypeft = options.build.resolve() / "tinypeft"
    folders = machines(options)
    size = levels(tinypeft, options.model)
    run(tinypeft, "compile", options.model, *ADAPTERS, "--target", "cortex-m4",
        "--name", "vibration", "-o", out / "model")
    board = (options.board or out / "m4").resolve()
    firmware(board, f"-DTINYPEFT_ANOMALY={out / 'model'}", ["anomaly"])
    elf = board / "anomaly.elf"
    bar, rows = Bar("machine", len(folders)), []
    for folder in folders:
        rows.append(adapt(tinypeft, elf, folder, size, options))
        bar.show(len(rows), f"AUC {rows[-1]['auc_before']:.3f} -> "
                            f"{rows[-1]['auc_after']:.3f}")
    cost = dict(lines_of(elf, [folders[0], "cost"], icount=True))
    adapting = (folders[0] / "adapt.bin").stat().st_size // size
    print("\n".join(table(rows, cost, options.epochs * adapting,
                          sizes(out / "model/vibration.h"))))
    print(f"  time           {time.monotonic() - start:.0f} s")
    (out / "summary.json").write_text(json.dumps(
        {"machines": rows, **cost}, indent=2) + "\n")
    if not all(row["equal"] for row in rows):
        sys.exit("demo: the device's adapter differs from the host's")


if __name__ == "__main__":
    main()
