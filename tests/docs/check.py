#!/usr/bin/env python3
"""The code in a document runs, compiles, and prints what is shown.

    check.py TINYPEFT DOCUMENT    every block of one document
    check.py --renew TINYPEFT DOCUMENT    writes what is printed now into it
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
import renew as renewal
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


def lacks_data(block):
    return "../shared/data" in block.text and not scratch.DATA.is_dir()


def plan(found, entries, out):
    """The shell script of all blocks. One of C becomes the command that compiles
    it."""
    lines = []
    for number, block in enumerate(found):
        if lacks_data(block):
            continue
        name = block.options.get("file")
        if block.language == "c":
            name = name or f"block{block.line}.c"
        if name:
            kept = out / f"{number}.kept"
            kept.write_text(block.text)
            lines.append(f"cp '{kept}' '{name}'")
        if block.language == "c":
            block.language, block.text = "sh", session.compiles(name)
        if block.language in COMMANDS:
            lines += session.script(block, number, entries)
    return lines


def check(document, text, tool, renew=None):
    """For each block its line and what is wrong with it: None, nothing, or
    False, it lacks its data. `renew` is called with the text that shows what is
    printed now."""
    found, entries = blocks(text), listed.entries()
    for block in found:
        if block.language not in COMMANDS and (fault := still(block, text)):
            return [(block.line, fault)]
    with tempfile.TemporaryDirectory(prefix="tinypeft-docs-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        lines = plan(found, entries, out)
        if lines:
            tree = scratch.make(Path(folder), tool, document)
            session.run(lines, tree, out)
        if renew:
            renew(renewal.document(text, found, out))
        return [(block.line, verdict(block, number, entries, out))
                for number, block in enumerate(found)]


def verdict(block, number, entries, out):
    if lacks_data(block):
        return False
    if block.language not in COMMANDS:
        return None
    return session.judge(block, number, entries, out)


def complete(documents, text, entries):
    """What the tests of these documents would miss, of all that there are."""
    used = set()
    for name in sorted(text):
        try:
            found = blocks(text[name])
            used |= {listed.entry(step.command, entries) for block in found
                     if block.language in COMMANDS for step in steps(block)}
        except Fault as fault:
            yield f"{name}: {fault}"
            continue
        if found and name not in documents:
            yield f"{name}: no test runs its blocks"
    for name in sorted(set(entries) - used):
        yield f"not-run.txt: no document shows: {name}"


def main(first, *rest):
    renew = first == "--renew"
    if renew:
        first, *rest = rest
    if first == "--list":
        text = {name: (scratch.ROOT / name).read_text()
                for name in scratch.tracked("*.md")}
        faults = list(complete(rest, text, listed.entries()))
        print(*faults, sep="\n")
        return bool(faults)
    try:
        results = check(rest[0], (scratch.ROOT / rest[0]).read_text(),
                        Path(first).resolve(),
                        (scratch.ROOT / rest[0]).write_text if renew else None)
    except Fault as fault:
        results = [(0, str(fault))]
    for line, fault in results:
        if fault is False:
            print(f"skipped: no data: {scratch.DATA}")
        word = {None: "      OK", False: " SKIPPED"}.get(fault, "  FAILED")
        print(f"[ {word} ] {rest[0]}:{line} {fault or ''}".rstrip())
    return any(fault for _, fault in results)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
