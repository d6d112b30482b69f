"""What a consumer of a compiled model is given, what it must say, and how its
programs are built without our build system, for the host and for boards."""
import random
import re
import shutil
import subprocess
import unittest
from collections import namedtuple
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SAMPLES, EPOCHS, BATCH, CLASSES = 6, 3, 4, 12
ADAPTER = ["--adapter", "conv8=lora-fa", "--adapter", "*=bitfit"]
NAME = "consumer"
WARNINGS = ("-std=c11 -pedantic -Wall -Wextra -Wconversion -Werror -O2 "
            "-ffunction-sections -fdata-sections").split()


def names(data, folder):
    """Whether data has the path of a folder; include/tinypeft/ does not name
    /tinypeft."""
    path = re.escape(str(folder).rstrip("/")).encode()
    return re.search(rb"(?<![\w.])" + path + rb"/", data) is not None


# How ports/qemu is linked for a machine (ports/qemu/qemu.cmake).
Board = namedtuple("Board", "compiler machine script core quarter_ns target")
ARM = "arm-none-eabi-gcc -mthumb -mfloat-abi=soft --specs=nano.specs -mcpu="
RISCV = ("riscv64-unknown-elf-gcc -march=rv32imc -mabi=ilp32 "
         "--specs=picolibc.specs")
BOARDS = {
    "m0": Board(ARM + "cortex-m0", "mps2-an385", "mps2", "arm", 160,
                "cortex-m0"),
    "m4": Board(ARM + "cortex-m4", "mps2-an386", "mps2", "arm", 160,
                "cortex-m4"),
    "rv32": Board(RISCV, "virt", "virt", "riscv", 1, "rv32imc"),
}


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\nended with "
                             f"{done.returncode}: {done.stdout[-4000:]}")
    return done.stdout


class Counted(unittest.TextTestResult):
    """A line for each test, as scripts/test-summary counts them: a board whose
    compiler is absent is a test that was skipped."""

    def tell(self, word, test):
        print(f"\n[ {word} ] {test.id().rpartition('.')[2]}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.tell("OK", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.tell("SKIPPED", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.tell("FAILED", test)

    def addError(self, test, err):
        super().addError(test, err)
        self.tell("FAILED", test)


def main():
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=Counted))


def has(cpu):
    emulator = "riscv32" if cpu == "rv32" else "arm"
    return (shutil.which(BOARDS[cpu].compiler.split()[0]) and
            shutil.which(f"qemu-system-{emulator}"))


def c_array(data):
    return "{" + ", ".join(str(b) for b in data) + "}"


def prepare(tool, model, x_bytes, folder):
    """Writes samples.h; says what the program prints: by the interpreter."""
    rng = random.Random(1)
    x, y = rng.randbytes(SAMPLES * x_bytes), bytes(range(SAMPLES))
    rows = ",\n    ".join(c_array(x[i * x_bytes:][:x_bytes])
                          for i in range(SAMPLES))
    (folder / "samples.h").write_text(
        f"#include <stdint.h>\nenum {{SAMPLES = {SAMPLES}, EPOCHS = {EPOCHS}, "
        f"BATCH = {BATCH}}};\nstatic const uint8_t sample_x[{SAMPLES}]"
        f"[{x_bytes}] = {{\n    {rows}}};\n"
        f"static const uint8_t sample_y[{SAMPLES}] = {c_array(y)};\n")
    at = {name: folder / f"expected.{name}"
          for name in ("x", "y", "before", "adapter", "after")}
    at["x"].write_bytes(x)
    at["y"].write_bytes(y)
    run(tool, "run", model, "--input", at["x"], "-o", at["before"])
    run(tool, "train", model, *ADAPTER, "--x", at["x"], "--y", at["y"],
        "--epochs", EPOCHS, "--batch", BATCH, "-o", at["adapter"])
    run(tool, "run", model, *ADAPTER, "--load", at["adapter"], "--input",
        at["x"], "-o", at["after"])
    if at["before"].read_bytes() == at["after"].read_bytes():
        raise AssertionError("training changes nothing: it would not be seen")
    return "".join(f"{word} {at[word].read_bytes().hex()}\n"
                   for word in ("before", "adapter", "after"))


Port = namedtuple("Port", "sources definitions link")


def board(cpu):
    """ports/qemu as a program for this core takes it."""
    it = BOARDS[cpu]
    port = ROOT / "ports/qemu"
    names = ("startup.c", "semihost.c", "measure.c", f"{it.core}/core.c")
    return Port([*(port / name for name in names), HERE / "say_board.c"],
                [f"TP_QEMU_QUARTER_NS={it.quarter_ns}u"],
                ["-nostartfiles", "-Wl,--gc-sections,--defsym=tp_qemu_on_"
                 f"{it.machine.replace('-', '_')}=0", f"-L{port}",
                 f"-T{port / it.script}.ld"])


def board_command(cpu):
    """The compiler and what links a program for its board."""
    port = board(cpu)
    return [*BOARDS[cpu].compiler.split(), f"-I{ROOT}",
            *(f"-D{d}" for d in port.definitions), *port.link, *port.sources]


def run_board(elf):
    return run(ROOT / "scripts/qemu-run", elf)
