"""Runs the blocks of a document, one after another, in one shell."""
import os
import shlex
import subprocess

from blocks import Fault, plain, steps
from listed import entry, wrong
from scratch import DATA

FLAGS = ("-std=c11 -pedantic -Wall -Wextra -Wconversion -Werror -fsyntax-only "
         "-I. -Iinclude -Igen")
SECONDS = 280


def compiles(name):
    """The command that compiles a file of C."""
    return f"gcc {FLAGS} {shlex.quote(name)}\n"


def script(block, number, listed):
    """The lines of shell for a block of commands; each leaves its output and
    status in files, and one that fails ends the session."""
    lines = []
    want = block.options.get("exit", "0")
    for at, step in enumerate(steps(block)):
        if entry(step.command, listed):
            fault = wrong(step.command)
            if fault:
                raise Fault(f"line {block.line}: {plain(step.command)}: "
                            f"{fault}")
            continue
        out = f'"$OUT/{number}.{at}'
        lines += [f'exec >{out}" 2>&1', step.command,
                  f'status=$?; echo $status >{out}.status"',
                  f'[ $status -eq {want} ] || exit 1']
    return lines


def run(lines, tree, out):
    """Ends when the script does; what it printed is in `out`."""
    environment = dict(os.environ, OUT=str(out), LC_ALL="C.UTF-8",
                       HOME=str(tree.parent), TINYPEFT_DATA=str(DATA),
                       CMAKE_BUILD_PARALLEL_LEVEL="2",
                       PATH=f"{tree}/build/release:{os.environ['PATH']}")
    try:
        subprocess.run(["bash", "-c", "\n".join(lines)], cwd=tree,
                       env=environment, stdin=subprocess.DEVNULL,
                       timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pass  # the command that hangs has left no status


def astray(expect, got):
    """The first shown line that was not printed in its place, or None; "..."
    stands for any lines."""
    at, free = 0, False
    for number, line in enumerate(expect):
        if line == "...":
            free = True
            continue
        # Behind the last "..." stands the end of what is printed.
        if free and "..." not in expect[number:]:
            at = max(at, len(got) - (len(expect) - number))
        elif free and line in got[at:]:
            at += got[at:].index(line)
        free = False
        if at >= len(got) or got[at] != line:
            return line
        at += 1
    return None if free or at == len(got) else "(nothing more)"


def judge(block, number, listed, out):
    """What is wrong with how a block of commands went; None: nothing."""
    for at, step in enumerate(steps(block)):
        if entry(step.command, listed):
            continue
        printed = out / f"{number}.{at}"
        status = out / f"{number}.{at}.status"
        if not printed.exists():
            return "not reached: a command before it failed"
        got = printed.read_text(errors="replace").splitlines()
        said = "".join(f"\n    | {line}" for line in got[-25:])
        if not status.exists():
            return f"{plain(step.command)}: does not end{said}"
        want = block.options.get("exit", "0")
        if status.read_text().strip() != want:
            return (f"{plain(step.command)}: ends with "
                    f"{status.read_text().strip()} instead of {want}{said}")
        line = astray(step.expect, got) if block.language == "console" else None
        if line is not None:
            return (f"{plain(step.command)}: does not print\n    | {line}\n"
                    f"  but{said}")
    return None
