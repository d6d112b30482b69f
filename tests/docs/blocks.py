"""The code blocks of a Markdown document, and the commands in them."""
import re
import subprocess
from dataclasses import dataclass, field

FENCE = re.compile(r"^( *)```(.*)$")
ITEM = re.compile(r" *([*+-]|\d+\.) ")


class Fault(Exception):
    """What is wrong with a document, told to whoever wrote it."""


@dataclass
class Block:
    line: int  # of its first line in the document
    language: str
    options: dict  # `c file=app.c` has {"file": "app.c"}
    text: str


@dataclass
class Step:
    """A command; `expect` is what a console block shows behind it."""
    command: str
    expect: list = field(default_factory=list)


def blocks(text):
    """Every fenced block. Indented ones are refused: they have no language."""
    found, fence, item, blank = [], None, False, True
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence:
            if mark and not mark[2]:
                found.append(fence)
                fence = None
            else:
                fence.text += line[indent:] + "\n"
        elif mark:
            indent = len(mark[1])
            fence = opened(number + 1, mark[2].split())
        elif blank and line.startswith("    ") and not item:
            raise Fault(f"line {number}: an indented block has no language; "
                        "fence it")
        elif line.strip() and not line.startswith(" "):
            item = bool(ITEM.match(line))
        blank = not line.strip()
    if fence:
        raise Fault(f"line {fence.line}: a block that does not end")
    return found


def opened(line, words):
    if not words:
        raise Fault(f"line {line}: a block without a language; `text` is what "
                    "is no code")
    options = dict(word.partition("=")[::2] for word in words[1:])
    return Block(line, words[0], options, "")


def whole(command):
    """A command that the shell takes for complete."""
    check = subprocess.run(["bash", "-n"], input=command, text=True,
                           capture_output=True, check=False)
    return not command.endswith("\\\n") and not check.stderr


def steps(block):
    """The commands of a block of `sh` or `console`."""
    found, command = [], ""
    for line in block.text.splitlines(keepends=True):
        if block.language == "sh":
            command += line
        elif line.startswith("$ "):
            command = line[2:]
        elif command:
            command += line
        elif found:
            found[-1].expect.append(line.rstrip("\n"))
        else:
            raise Fault(f"line {block.line}: a console block begins with "
                        "`$ COMMAND`")
        if command.strip() and whole(command):
            found.append(Step(command.rstrip("\n")))
            command = ""
    if command.strip():
        raise Fault(f"line {block.line}: a command without its end")
    return found


def plain(command):
    """A command on one line, without its comment."""
    return re.sub(r"\s+", " ", re.sub(r"\\\n|\s#.*", " ", command)).strip()
