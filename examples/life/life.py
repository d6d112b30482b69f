#!/usr/bin/env python3
"""The life of an adapter, on an emulated Cortex-M4 whose power goes at random.

    life.py RELEASE-BUILD OUTPUT [--cuts N] [--seed N]

One user speaks digits, then another one does: the device finds it out, collects
what the new user confirms or corrects, trains between its inferences, judges
what it has learned and stores it. Then deltas arrive: one that was tampered
with, a good one, the good one again, and one that is signed but bad. The same
twice: without a cut, and with QEMU killed at random instructions N times. Both
must end with the same adapter, choice and floor.
"""
import argparse
import array
import json
import pathlib
import random
import re
import struct
import subprocess
import sys
import wave

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "examples/kws/demo")]

import sources  # noqa: E402
from board import qemu, run  # noqa: E402

ADAPTERS = ["conv[2468]=lora:rank=4", "fc11=head:classes=10"]
OLD, NEW = "jackson", "theo"
CLIPS = {OLD: 600, NEW: 900}
HEARD, SHOTS = range(20), range(20, 25)  # recordings of each digit
MANY = range(20, 40)
CLASS = 1
NOISE = 0.0052  # of the loudest sample, to twice that: -50 to -44 dB
LINE = re.compile(r"clip (\d+) uj (\d+) \| (.*)")
CLIP_S = 10


# --- what the device hears ---------------------------------------------------

def recording(data, speaker, digit, index):
    name = data / f"fsdd/{digit}_{speaker}_{index}.wav"
    with wave.open(str(name)) as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
        return sound.getframerate(), samples


def noisy(samples, chance):
    """Another day: more or less noise."""
    top = max(1, max(abs(s) for s in samples))
    level = NOISE * (1 + chance.random()) * top
    return array.array("h", (max(-32768, min(32767, round(
        s + level * (2 * chance.random() - 1)))) for s in samples))


def write_stream(data, out, features):
    """Clips drawn again and again, first of one user, then of the other: what
    firmware/life.h has as life_clip."""
    chance = random.Random(1)
    with open(out / "stream.clips", "wb") as file:
        for speaker, n in CLIPS.items():
            for _ in range(n):
                digit, index = chance.randrange(10), chance.choice(HEARD)
                rate, samples = recording(data, speaker, digit, index)
                samples = noisy(samples, chance)
                file.write(struct.pack("<4I", rate, len(samples),
                                       chance.randrange(1 << 32), digit)
                           + samples.tobytes())
    run(features, out / "stream.clips", out / "stream_x.bin",
        out / "stream_y.bin")
    x = (out / "stream_x.bin").read_bytes()
    y = (out / "stream_y.bin").read_bytes()
    size = len(x) // len(y)
    (out / "stream.bin").write_bytes(b"".join(
        x[i * size:(i + 1) * size] + y[i:i + 1] for i in range(len(y))))


# --- adapters and deltas -----------------------------------------------------

class Vendor:
    """Who ships adapters: trains, packs and signs them."""

    def __init__(self, tinypeft, features, data, out):
        self.tinypeft, self.features = tinypeft, features
        self.data, self.out = data, out
        self.model = data / "models/kws_ref_model.tflite"
        self.specs = [x for spec in ADAPTERS for x in ("--adapter", spec)]

    def train(self, name, speaker, shots, epochs, wrong=0):
        """wrong: labels are that much too high."""
        base = self.out / name
        sources.write_clips(self.data, speaker, shots, f"{base}.clips")
        run(self.features, f"{base}.clips", f"{base}_x.bin", f"{base}_y.bin")
        labels = pathlib.Path(f"{base}_y.bin")
        labels.write_bytes(bytes((v + wrong) % 10 for v in labels.read_bytes()))
        run(self.tinypeft, "train", self.model, *self.specs, "--x",
            f"{base}_x.bin", "--y", labels, "--epochs", epochs, "--seed", 1,
            "-o", f"{base}.tpa")
        return pathlib.Path(f"{base}.tpa")

    def keys(self):
        """Two that devices trust; the first one signs."""
        made = []
        for name in ("product.key", "spare.key"):
            key = self.out / name
            for old in self.out.glob(f"{name}*"):
                old.unlink()
            run(self.tinypeft, "keygen", key, "--height", 5)
            made.append(pathlib.Path(f"{key}.pub").read_bytes())
        (self.out / "keys.bin").write_bytes(b"".join(made))

    def delta(self, name, adapter, seq):
        package, delta = self.out / f"{name}.pkg", self.out / f"{name}.delta"
        run(self.tinypeft, "pack", self.model, *self.specs, "--load", adapter,
            "--seq", seq, "--id", 2, "--class", CLASS, "-o", package)
        run(self.tinypeft, "sign", package, "--key", self.out / "product.key",
            "-o", delta)
        return delta

    def tampered(self, name, delta):
        spoilt = bytearray(delta.read_bytes())
        spoilt[-100] ^= 1
        path = self.out / f"{name}.delta"
        path.write_bytes(spoilt)
        return path


# --- the device --------------------------------------------------------------

class Device:
    def __init__(self, build, out, name, arguments):
        self.elf = out / "m4/life.elf"
        self.plugin = build / "libtp_cut.so"
        self.flash = out / f"{name}.flash"
        self.final = out / f"{name}.final"
        self.flash.unlink(missing_ok=True)
        self.final.unlink(missing_ok=True)
        stream, keys, factory, deltas = arguments
        self.words = [self.flash, stream, keys, factory, self.final, *deltas]

    def live(self, cut=None):
        """Lines until all has happened, or the power goes at instruction cut.
        True: it has all happened."""
        command = qemu(self.elf, self.words, icount=True)
        if cut is not None:
            command += ["-plugin", f"{self.plugin},at={cut}"]
        done = subprocess.run([str(c) for c in command], cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lines = done.stdout.splitlines()
        for line in lines:
            if line.startswith(("error", "fault")):
                sys.exit(f"life: the device says: {line}")
        killed = done.returncode == -9
        if done.returncode != 0 and not (killed and cut is not None):
            sys.exit(f"life: the device stopped with {done.returncode}: "
                     f"{done.stderr}")
        return lines, not killed


def show(lines, ram, cuts=0):
    for line in lines:
        match = LINE.fullmatch(line)
        if match:
            what = match[3].replace("power is back", f"power is back ({cuts})")
            seconds = int(match[1]) * CLIP_S
            print(f"  {seconds // 3600}:{seconds // 60 % 60:02}:"
                  f"{seconds % 60:02}  {int(match[2]) / 1000:8.1f} mJ  "
                  f"{ram:,} B  {what}", flush=True)


def ending(lines):
    """Adapter, generation and floor, from the last line."""
    found = re.search(r"end: adapter (\d+), generation (\d+), floor (\d+)",
                      lines[-1] if lines else "")
    return found.groups() if found else None


def ram_of(elf):
    rows = run("arm-none-eabi-size", "-A", elf).splitlines()
    sizes = dict(r.split()[:2] for r in rows if r.startswith("."))
    cells = int(run("arm-none-eabi-nm", "-S", elf).split(" b cells")[0]
                .split()[-1], 16)  # the flash itself
    return int(sizes[".data"]) + int(sizes[".bss"]) - cells


def live_with_cuts(device, cuts, chance, ram):
    """The last lines, and how often the power went."""
    n = 0
    while True:
        cut = chance.randrange(2 * MEAN) + 1 if n < cuts else None
        lines, ended = device.live(cut)
        show(lines, ram, n)
        if ended:
            return lines, n
        n += 1


MEAN = 350_000_000  # instructions between two cuts, of 5 billion in all


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    build, out = options.build.resolve(), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    data = sources.find(ROOT, out)
    tinypeft = build / "tinypeft"
    features = build / "examples/kws/kws-features"
    vendor = Vendor(tinypeft, features, data, out)

    print(f"1  an adapter for {OLD}, one for {NEW}, a bad one; keys; deltas")
    factory = vendor.train("factory", OLD, SHOTS, 30)
    vendor.keys()
    good = vendor.delta("good", vendor.train("better", NEW, MANY, 20), 5)
    bad = vendor.delta("bad", vendor.train("worse", NEW, SHOTS, 10, 3), 6)
    deltas = [vendor.tampered("tampered", good), good, good, bad]
    write_stream(data, out, features)

    print("2  the firmware for a Cortex-M4")
    run(tinypeft, "compile", vendor.model, *vendor.specs, "--target",
        "cortex-m4", "--name", "kws", "-o", out / "model")
    run("scripts/build-device", "m4", out / "m4",
        f"-DTINYPEFT_LIFE={out / 'model'}")
    ram = ram_of(out / "m4/life.elf")
    arguments = out / "stream.bin", out / "keys.bin", factory, deltas

    print("3  its life: time, energy used today, RAM, what happens")
    whole = Device(build, out, "whole", arguments)
    lines, _ = whole.live()
    show(lines, ram)

    print(f"4  the same, its power cut at {options.cuts} random instructions")
    cut = Device(build, out, "cut", arguments)
    last, n = live_with_cuts(cut, options.cuts, random.Random(options.seed),
                             ram)
    same = (ending(lines) == ending(last) and
            whole.final.read_bytes() == cut.final.read_bytes())
    summary = {"cuts": n, "same": same, "ram": ram, "lines": lines,
               "adapter": cut.final.name}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(f"\n{n} cuts; the same adapter, choice and floor in the end: "
          f"{'yes' if same else 'NO'}\n{out / 'summary.json'}")
    if not same:
        sys.exit("life: a loss of power changed what became of the adapter")


if __name__ == "__main__":
    main()
