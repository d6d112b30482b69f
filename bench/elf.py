"""What the bench wants of a linked program: its functions, its instructions,
the places where execution comes back from a call."""
import bisect
import re
import subprocess
from collections import namedtuple

Function = namedtuple("Function", "address size name file")
Instruction = namedtuple("Instruction", "address size name operands")

LINE = re.compile(r"^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(\S+)\s*([^;@<#]*)")
TARGET = re.compile(r"\b[0-9a-f]+$")
CALLS = {"bl", "blx", "jal", "jalr"}


def prefix(elf):
    """Of the binary tools that understand the program."""
    machine = int.from_bytes(elf.read_bytes()[18:20], "little")
    return {40: "arm-none-eabi-", 243: "riscv64-unknown-elf-"}[machine]


def run(*command):
    return subprocess.run([str(c) for c in command], text=True, check=True,
                          stdout=subprocess.PIPE).stdout


def read_functions(elf):
    """By address. A local function's file is the FILE symbol before it."""
    functions, file = [], None
    for line in run(prefix(elf) + "readelf", "-sW", elf).splitlines():
        words = line.split()
        if len(words) != 8 or not words[0].endswith(":"):
            continue
        _, value, size, kind, bind, _, _, name = words
        if kind == "FILE":
            file = name
        elif kind == "FUNC":
            functions.append(Function(int(value, 16) & ~1, int(size, 0), name,
                                      file if bind == "LOCAL" else None))
    return sorted(set(functions))


# Everything that is linked into flash, in bytes.
Linked = namedtuple("Linked", "runtime library generated constants port")
PORT_FILES = {"startup.c", "measure.c", "semihost.c"}
PORT_LIBRARY = {"strlen"}  # the device libraries need mem*() alone


def whose(name, file, kind, model):
    """The part of a program that a symbol belongs to. `file`: of a local one."""
    if name.startswith(f"{model}_") or file in (f"{model}.c",
                                                f"{model}_weights.c"):
        return "generated" if kind == "FUNC" else "constants"
    if (name.startswith(("tp_qemu_", "tp_bench_")) or name == "main"
            or name in PORT_LIBRARY or file in PORT_FILES or file == f"bench-{model}.c"):
        return "port"
    if name.startswith("tp_") or file:
        return "runtime"
    return "library"


def read_linked(elf, model):
    """What lies in flash, by part: code and constants of the runtime and its
    kernels, of the C library, of the model's own functions and tables, and of
    what starts and measures it. The runtime is what is left when all others are
    taken away: loops in assembly, literals and padding have no symbol."""
    read_only, flash = set(), 0
    for line in run(prefix(elf) + "readelf", "-SW", elf).splitlines():
        match = re.match(r"\s*\[\s*(\d+)\] (\.\S+)\s+\S+\s+\S+ \S+ (\S+)", line)
        if match and match[2].startswith((".text", ".rodata")):
            read_only.add(match[1])
            flash += int(match[3], 16)
    sizes, seen, file = dict.fromkeys(Linked._fields, 0), set(), None
    for line in run(prefix(elf) + "readelf", "-sW", elf).splitlines():
        words = line.split()
        if len(words) != 8 or not words[0].endswith(":"):
            continue
        _, value, size, kind, bind, _, section, name = words
        if kind == "FILE":
            file = name
        elif (kind in ("FUNC", "OBJECT") and section in read_only
              and value not in seen):
            seen.add(value)  # a second name of the same function is no size
            part = whose(name, file if bind == "LOCAL" else None, kind, model)
            sizes[part] += int(size, 0)
    others = sum(sizes.values()) - sizes["runtime"]
    return Linked(**{**sizes, "runtime": flash - others})


def read_instructions(elf):
    found = {}
    for line in run(prefix(elf) + "objdump", "-d", elf).splitlines():
        match = LINE.match(line)
        if match:
            code, digits, name, operands = match.groups()
            address = int(code, 16)
            size = len(digits.replace(" ", "")) // 2
            found[address] = Instruction(address, size, name, operands.strip())
    return found


class Program:
    def __init__(self, elf):
        self.path = elf
        self.functions = read_functions(elf)
        self.instructions = read_instructions(elf)
        self.starts = [f.address for f in self.functions]

    def function_at(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        if i < 0 or address >= self.starts[i] + max(self.functions[i].size, 1):
            return None
        return self.functions[i]

    def inside(self, function):
        end = function.address + function.size
        return [i for a, i in self.instructions.items()
                if function.address <= a < end]

    def returns(self, function):
        """Addresses behind the calls of a function."""
        return [i.address + i.size for i in self.inside(function)
                if i.name.removesuffix(".w") in CALLS]

    def outermost(self, functions):
        """Those that no other of them branches into."""
        entered = set()
        for function in functions:
            for i in self.inside(function):
                target = TARGET.search(i.operands)
                entered.add(int(target[0], 16) if target else None)
        return [f for f in functions if f.address not in entered]
