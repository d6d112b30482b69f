#!/usr/bin/env python3
"""The code in a document runs, compiles, and prints what is shown.

    check.py TINYPEFT DOCUMENT    every block of one document
    check.py --list DOCUMENT...   these are all documents of the tree, and every
                                  entry of not-run.txt stands in one of them

TINYPEFT is a built tool; tests/README.md says what a block may be.
"""
import json
import re
import sys
import tempfile
from pathlib import Path

import grammar
import listed
import scratch
import session
from blocks import Fault, blocks, steps

COMMANDS = ("sh", "console")


def still(block, document):
    """What is wrong with a block that nothing runs; None: nothing."""
    if block.language == "text":
        code = re.search(r"^(\$ |#include|tinypeft \w+ )", block.text, re.M)
        return f"`text` that is code: {code[0]}" if code else None
    if block.language == "ebnf":
        prose = re.sub(r"^```.*?^```$", "", document, flags=re.M | re.S).lower()
        return grammar.fault(block.text, re.findall(r"[a-z]+?(?=s?\b)", prose))
    if block.language == "json":
        try:
            json.loads(block.text)
        except ValueError as error:
            return f"no JSON: {error}"
    elif "file" not in block.options and block.language != "c":
        return (f"`{block.language}` is not run: name the file that the "
                "commands behind it use: `file=NAME`")
    return None


def plan(found, tree, entries, out):
    """The shell script of all blocks, and the entries that they used."""
    lines, used = [], set()
    for number, block in enumerate(found):
        if block.language in COMMANDS:
            lines += session.script(block, number, entries, used)
        elif block.language == "c":
            command = session.compiles(block, tree)
            block.language, block.text = "sh", command + "\n"
            lines += session.script(block, number, {}, used)
        elif "file" in block.options:
            kept = out / f"{number}.kept"
            kept.write_text(block.text)
            lines.append(f"cp '{kept}' '{block.options['file']}'")
    return lines


def check(document, text, tool):
    """For each block its line and what is wrong with it: None, nothing, or
    False, it lacks its data."""
    found, entries = blocks(text), listed.entries()
    for block in found:
        if block.language not in COMMANDS and (fault := still(block, text)):
            return [(block.line, fault)]
    runs = [b for b in found if b.language in COMMANDS + ("c",)]
    if not runs:
        return [(block.line, None) for block in found]
    commands = "".join(block.text for block in runs)
    if "shared/data" in commands and not scratch.DATA.is_dir():
        return [(block.line, False) for block in found]
    with tempfile.TemporaryDirectory(prefix="tinypeft-docs-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        tree = scratch.make(Path(folder), tool, document, commands)
        lines = plan(found, tree, entries, out)
        session.run(lines, tree, out)
        return [(block.line, session.judge(block, number, entries, out)
                 if block.language in COMMANDS else None)
                for number, block in enumerate(found)]


def complete(documents, text, entries):
    """What the tests of these documents would miss, of all that there are."""
    for name in sorted(set(text) - set(documents)):
        if blocks(text[name]):
            yield f"{name}: no test runs its blocks"
    used = {listed.entry(step.command, entries) for each in text.values()
            for block in blocks(each) if block.language in COMMANDS
            for step in steps(block)}
    for name in sorted(set(entries) - used):
        yield f"not-run.txt: no document shows: {name}"


def main(first, *rest):
    if first == "--list":
        text = {name: (scratch.ROOT / name).read_text()
                for name in scratch.tracked("*.md")}
        faults = list(complete(rest, text, listed.entries()))
        print(*faults, sep="\n")
        return bool(faults)
    try:
        results = check(rest[0], (scratch.ROOT / rest[0]).read_text(),
                        Path(first).resolve())
    except Fault as fault:
        results = [(0, str(fault))]
    for line, fault in results:
        word = {None: "      OK", False: " SKIPPED"}.get(fault, "  FAILED")
        print(f"[ {word} ] {rest[0]}:{line}{f' {fault}' if fault else ''}")
    return any(fault for _, fault in results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
