"""An emulated board, and what the demos say while they use it."""
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Bar:
    """A progress bar on a terminal; a line a tenth elsewhere."""

    def __init__(self, what, total):
        self.what, self.total, self.shown = what, total, -1

    def show(self, done, note=""):
        tty = sys.stderr.isatty()
        step = done * (50 if tty else 10) // max(self.total, 1)
        if step == self.shown:
            return
        self.shown = step
        text = f"{self.what} {done}/{self.total} {note}"
        if tty:
            text = f"\r  [{'#' * step:<50}] {text}"
        print(text, end="" if tty else "\n", file=sys.stderr, flush=True)
        if tty and done == self.total:
            print(file=sys.stderr)


def run(*command):
    """The command's output; stops the demo with its message if it fails, with
    77 where something is not installed."""
    done = subprocess.run([str(c) for c in command], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        print(f"demo: {' '.join(map(str, command))} failed:\n"
              f"{done.stdout}{done.stderr}", file=sys.stderr)
        sys.exit(77 if done.returncode == 77 else 1)
    return done.stdout


def firmware(board, option, names):
    """Builds the named programs for a Cortex-M4 in a folder; option is CMake's,
    and names the compiled models. They are not part of what is built there
    otherwise, for the folder may outlive its models."""
    run("scripts/build-device", "m4", board, option)
    run("cmake", "--build", board, "--target", *names)


def sizes(header):
    """{"RAM": bytes, ...} as a compiled model's header names them."""
    found = re.findall(r"^#define \w+?_(\w+)_BYTES (\d+)u$",
                       header.read_text(), re.M)
    return {name: int(size) for name, size in found}


def word_of(argument):
    """As the firmware gets it, which parts its words at spaces: a path from
    ROOT, where QEMU is started, so that the tree may lie anywhere."""
    word = (os.path.relpath(argument, ROOT)
            if isinstance(argument, pathlib.Path) else str(argument))
    if " " in word:
        sys.exit(f"demo: a firmware takes no path with a space: {word}")
    return word.replace(",", ",,")  # in QEMU's options


def qemu(elf, arguments, icount):
    """The command that runs a firmware on a Cortex-M4 with arguments."""
    words = [pathlib.Path(elf).name, *map(word_of, arguments)]
    config = "enable=on,target=native" + "".join(f",arg={w}" for w in words)
    command = ["qemu-system-arm", "-M", "mps2-an386", "-display", "none",
               "-monitor", "none", "-serial", "none", "-semihosting-config",
               config, "-kernel", str(elf)]
    return command + (["-icount", "shift=0"] if icount else [])


def lines_of(elf, arguments, icount=False):
    """(word, numbers) of each line that the firmware prints, as they come. A
    line "error WHY" stops the demo."""
    with subprocess.Popen(qemu(elf, arguments, icount), cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as machine:
        for line in machine.stdout:
            word, *numbers = line.split()
            if word == "error":
                sys.exit(f"demo: the device says: {line[6:].strip()}")
            yield word, [int(n) for n in numbers]
    if machine.returncode != 0:
        sys.exit(f"demo: the device stopped with {machine.returncode}")
