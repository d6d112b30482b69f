"""not-run.txt: the commands that documents show and the test does not run."""
import re
import shlex
from pathlib import Path

from blocks import Fault, plain

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("not-run.txt")


def entries(text=None):
    """Each command with its reason; one that ends in "..." is a beginning."""
    found, command = {}, None
    for line in (LIST.read_text() if text is None else text).splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            command = plain(line)
            found[command] = ""
        elif command:
            found[command] += line.strip() + " "
    bare = [command for command, reason in found.items() if not reason]
    if bare:
        raise Fault(f"not-run.txt: no reason for {bare[0]}")
    return found


def entry(command, listed):
    """The entry that a command falls under, or None."""
    command = plain(command)
    for name in listed:
        if command == name or (name.endswith("...") and
                               command.startswith(name[:-3])):
            return name
    return None


def wrong(command, root=ROOT):
    """What a command that is not run gets wrong, as far as can be seen."""
    words = shlex.split(plain(command))
    if words[0] == "tinypeft":
        return "commands of tinypeft are run, not listed"
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(),
                             re.M)
        gone = [w for w in words[1:] if "=" not in w and w not in targets]
        return f"no such target: {gone[0]}" if gone else None
    for word in words:
        if re.match(r"(\.ci|scripts|tests|bench|examples|zoo)/", word):
            if not (root / word).exists():
                return f"no such file: {word}"
            if word == words[0] or word.endswith(".py"):
                return unknown_option(words, (root / word), root)
    return None


def unknown_option(words, program, root):
    """An option that neither the program nor what it starts speaks of."""
    text = program.read_text()
    for started in re.findall(r"[\w./-]+\.(?:py|c)\b", text):
        if (root / started).is_file():
            text += (root / started).read_text()
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in text:
            return f"no such option: {word}"
    return None
