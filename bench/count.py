"""Counts the instructions of every step of a compiled model, under QEMU.

bench/plugin.c counts, in regions that begin at marked addresses. Here those are
the entries of the model's two programs and of the functions that call them, and
what follows each of their calls: one step of a plan is one call of a kernel, so
the n-th region is step n, and the code that ships is what is counted. Where the
compiler has put steps into a function of their own, its calls are not marked:
the call of that function is the step. A jump may reach such a place too, so a
step is over only when code elsewhere has run."""
import os
import pathlib
import re
import subprocess
import tempfile
from collections import Counter, namedtuple

from elf import Program

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMENT = re.compile(r"/\* \d+ (\S+): (\S+) (.*?)\*/", re.S)
CALL = re.compile(r"^ +(tp_\w+)\(&", re.M)
PROGRAM = re.compile(r"^static void (infer|step)\(.*?^}", re.M | re.S)
MACS = re.compile(r"(\d+) MAC\b")

# The machine's clock has steps of up to 62 instructions and includes the call.
CLOCK = 100

# kernel: the function that the step calls; counts: instructions by address;
# taken: of the branches among them, how often execution went elsewhere.
Step = namedtuple("Step", "layer op shape macs kernel counts taken")
Result = namedtuple("Result", "infer sample around n_samples stack program")


def total(steps):
    return sum(s.counts.total() for s in steps)


def read_calls(body):
    """Of one program. An op of several calls is described before the first."""
    start = 0
    for call in CALL.finditer(body):
        for comment in COMMENT.finditer(body, start, call.start()):
            layer, op, text = comment.groups()
            text = re.sub(r"\s*\n \*\s*", " ", text).strip()
            macs = MACS.search(text)
        yield Step(layer, op, text.split(",")[0], int(macs[1]) if macs else 0,
                   call[1], Counter(), Counter())
        start, macs = call.end(), None


def read_steps(source):
    """Of a generated .c: of `infer`, and of a sample or []."""
    found = {m[1]: list(read_calls(m[0]))
             for m in PROGRAM.finditer(source.read_text())}
    return found["infer"], found.get("step", [])


# From a mark to the next: its address, and of each block (addresses, times,
# what came behind it, how often).
Region = namedtuple("Region", "mark blocks")


def read_regions(trace):
    blocks, regions = {}, [Region(None, [])]
    for line in trace:
        word, first, *rest = line.split()
        if word == "block":
            blocks[first] = [int(a, 16) for a in rest]
        elif word == "mark":
            regions.append(Region(int(first, 16), []))
        else:
            regions[-1].blocks.append((blocks[first], int(rest[0]),
                                       int(rest[1], 16), int(rest[2])))
    return regions


def run_marked(plugin, elf, marks, arguments):
    """(regions, what the program printed)"""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "marks").write_text("".join(f"{m:x}\n" for m in marks))
        spec = f"{plugin},marks={path}/marks,out={path}/trace"
        done = subprocess.run(
            [ROOT / "scripts/qemu-run", "-p", spec, elf, *arguments],
            text=True, stdout=subprocess.PIPE, check=False,
            env={"QEMU_TIMEOUT": "1800", **os.environ})
        if done.returncode != 0:
            raise SystemExit(f"bench: {elf.name} ended with {done.returncode}:"
                             f" {done.stdout}")
        with open(path / "trace", encoding="ascii") as trace:
            return read_regions(trace), done.stdout


class Counting:
    """Gives each region to a step. `around`: the runtime's share of training,
    before the first step and behind the last."""

    def __init__(self, program, source):
        self.program = program
        self.steps = read_steps(source)
        self.n_samples = 0
        self.around = Step("", "", "", 0, "", Counter(), Counter())
        named = {f.name: f for f in program.functions}
        self.own = program.outermost(
            [f for f in program.functions if f.file == source.name])
        harness = [named["tp_bench_infer"], named["tp_bench_sample"]]
        self.entries = [f.address for f in harness]
        self.marks = [m for f in harness + self.own
                      for m in (f.address, *program.returns(f))]

    def is_own(self, address):
        return any(f.address <= address < f.address + f.size for f in self.own)

    def add(self, regions):
        which, at, called = None, 0, True
        for region in regions:
            if region.mark in self.entries:
                which, at = self.entries.index(region.mark), -1
                self.n_samples += which
            elif region.mark is None or not self.is_own(region.mark):
                self.leave(which, at, region)
                which = None
            else:
                at += called
            called = not all(self.is_own(addresses[0])
                             for addresses, *_ in region.blocks)
            self.give(which, at, region)

    def give(self, which, at, region):
        if which is None:
            return
        steps = self.steps[which]
        if 0 <= at < len(steps):
            self.add_up(steps[at], region)
        elif which == 1:
            self.add_up(self.around, region)
        elif at == len(steps):  # the way out of infer
            self.add_up(steps[-1], region)

    def add_up(self, step, region):
        for addresses, times, following, times_following in region.blocks:
            for address in addresses:
                step.counts[address] += times
            end = self.program.instructions[addresses[-1]]
            fell = following == end.address + end.size
            step.taken[end.address] += (times - times_following if fell
                                        else times_following)

    def leave(self, which, at, region):
        """Back in the program that called: were all steps seen?"""
        n = len(self.steps[which]) if which is not None else at
        if at not in (n - 1, n):  # n - 1: the last call was a jump
            raise SystemExit(f"bench: {at + 1} regions, {n} steps at "
                             f"{region.mark:x}")


def count(plugin, elf, source, arguments):
    program = Program(elf)
    counting = Counting(program, source)
    regions, text = run_marked(plugin, elf, counting.marks, arguments)
    counting.add(regions)
    printed = {w: int(n) for w, n in map(str.split, text.splitlines())}
    result = Result(*counting.steps, counting.around, counting.n_samples,
                    printed, program)
    difference = printed["counted"] - total(result.infer)
    if abs(difference) > CLOCK:
        raise SystemExit(f"bench: {elf.name}: the clock says {difference:+} "
                         "instructions")
    return result
