#!/usr/bin/env python3
"""The test of documents sees what is wrong in one.

    test_docs.py TINYPEFT
"""
import sys
import unittest
import unittest.mock
from pathlib import Path

import listed
import renew
import scratch
import session
from blocks import Fault, blocks, plain
from check import check, complete

TOOL = Path(sys.argv.pop(1)).resolve()
SOUND = """# A document

Numbers are decimal. A list:

* of one item

    with a paragraph of its own

```console
$ tinypeft --version && seq 5 # a comment
tinypeft 0.1.0
1
...
4
5
```

```json file=numbers.json
{"answer": 42}
```

```sh
grep -q 42 numbers.json
mkdir gen
for i in 1 2; do
    echo "#define N $i" >gen/n.h
done
make demo
```

```c
#include "n.h"
int here[N == 2 ? 1 : -1];
```

```ebnf
a = "b", number ;
```

```text
a is a letter and a number
```

```console exit=2
$ tinypeft keygen there --algorithm rot13
--algorithm rot13: must be one of lms|es256
...
```
"""


class Mutations(unittest.TestCase):
    def faults(self, old="", new=""):
        self.assertIn(old, SOUND)
        try:
            results = check("doc.md", SOUND.replace(old, new, 1), TOOL)
        except Fault as fault:
            return str(fault)
        return "\n".join(fault for _, fault in results if fault)

    def sees(self, what, old, new):
        self.assertIn(what, self.faults(old, new))

    def test_sound(self):
        self.assertEqual(self.faults(), "")

    def test_output(self):
        self.sees("does not print\n    | tinypeft 0.1.1", "0.1.0", "0.1.1")
        self.sees("does not print\n    | 6", "...\n4\n5\n", "...\n4\n6\n")
        self.sees("does not print\n    | 3", "...\n4\n5\n", "...\n3\n5\n")
        self.sees("does not print\n    | 4", "4\n5\n", "4\n5\n6\n")
        self.sees("(nothing more)", "...\n4\n5\n", "2\n")

    def test_command(self):
        self.sees("ends with 1 instead of 0", "-q 42", "-q 43")
        self.sees("not reached", "-q 42", "-q 43")
        self.sees("ends with 2 instead of 0", "tinypeft --version",
                  "tinypeft keygen k --lenght 5")
        self.sees("ends with 2 instead of 1", "exit=2", "exit=1")
        self.sees("does not end", "mkdir gen", "exit 0")
        self.sees("a command without its end", "done\n", "")

    def test_c(self):
        self.sees("gcc", "== 2", "== 1")

    def test_form(self):
        self.sees("without a language", "```text", "```")
        self.sees("indented block", "# A document\n", "# A\n\n    make test\n")
        self.sees("name the file", "```text", "```yaml")
        self.sees("`text` that is code", "a is a letter", "$ ls")
        self.sees("no JSON", "42}", "42")
        self.sees("undefined: c", '"b"', "c")
        self.sees("begins with", "$ tinypeft --v", "tinypeft --v")

    def test_open_fence(self):
        with self.assertRaises(Fault):
            blocks("```sh\ntrue\n")


class Renew(unittest.TestCase):
    def test_what_is_printed_now(self):
        stale = SOUND.replace("0.1.0", "0.0.9").replace("\n4\n5\n", "\n4\n6\n")
        written = []
        check("doc.md", stale, TOOL, written.append)
        self.assertEqual(written, [SOUND])

    def test_lines(self):
        got = ["a", "b", "c", "d"]
        for expect, fresh in ((["x"], got), (["x", "..."], ["a", "..."]),
                              (["...", "x"], ["...", "d"]),
                              (["x", "...", "c", "...", "y"],
                               ["a", "...", "c", "...", "d"])):
            self.assertEqual(renew.renewed(expect, got), fresh)


class NotRun(unittest.TestCase):
    def test_names(self):
        for command, fault in (
                ("make demo test CI=true", None),
                ("make check-docs FILES='demo dema'", None),
                ("make dema", "no such target: dema"),
                ("scripts/demo build/release --shots 10", None),
                ("scripts/dema build/release", "no such file: scripts/dema"),
                ("scripts/demo build --shost 10", "no such option: --shost"),
                ("python3 tests/oracle/oracle.py x --only 3", None),
                ("python3 tests/oracle/oracle.py x --onyl 3",
                 "no such option: --onyl"),
                ("tinypeft plan m.tflite",
                 "commands of tinypeft are run, not listed")):
            self.assertEqual(listed.wrong(command), fault, command)

    def test_entries(self):
        entries = listed.entries("# x\nmake a\n    long\nmake b ...\n    net\n")
        self.assertEqual(listed.entry("make a  # note", entries), "make a")
        self.assertEqual(listed.entry("make b --c \\\n d", entries),
                         "make b ...")
        self.assertIsNone(listed.entry("make ab", entries))
        with self.assertRaises(Fault):
            listed.entries("make a\nmake b\n    why\n")

    def test_complete(self):
        text = {"a.md": "```sh\nmake a\n```\n", "b.md": "no code\n"}
        entries = {"make a": "long"}
        self.assertEqual(list(complete(["a.md"], text, entries)), [])
        self.assertIn("b.md: line 1: an indented block", list(complete(
            ["a.md"], {**text, "b.md": "    make b\n"}, entries))[0])
        self.assertEqual(list(complete([], text, entries)),
                         ["a.md: no test runs its blocks"])
        self.assertEqual(list(complete(["a.md"], text, {"make c": "long"})),
                         ["not-run.txt: no document shows: make c"])


class Parts(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(plain("a \\\n    b  # c"), "a b")

    def test_astray(self):
        for expect, got, line in (
                ([], [], None), (["a"], ["a"], None), (["..."], [], None),
                (["a", "..."], ["a", "b", "c"], None),
                (["...", "c"], ["c", "b", "c"], None),
                (["...", "b", "...", "b"], ["a", "b", "b"], None),
                (["...", "b", "...", "b"], ["a", "b"], "b"),
                (["a", "...", "a"], ["a"], "a"),
                (["a"], ["a", "b"], "(nothing more)")):
            self.assertEqual(session.astray(expect, got), line, (expect, got))


if __name__ == "__main__":
    # The document above needs nothing of the tree.
    with unittest.mock.patch.object(scratch, "tracked", return_value=[]):
        unittest.main()
