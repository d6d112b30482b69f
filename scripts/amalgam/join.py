"""Sources as one text: each behind the headers that it includes."""
import pathlib
import re

import assembly
import names

INCLUDE = re.compile(r'^#include "([^"]+)"\n', re.M)
# Where clang-format lets a function begin that other files call.
FUNCTION = re.compile(r"^(?!static |typedef |return )"
                      r"(?=[a-z]\w*[ \w*]*\btp_\w+\([^;{}]*\) \{$)", re.M)
SYSTEM = re.compile(r"^#include <((?:std\w+|string|limits)\.h)>\n", re.M)


def place(name):
    """What an include names, from the root."""
    api = name.startswith("tinypeft/")
    return pathlib.Path("include", name) if api else pathlib.Path(name)


def tuned(options, text):
    """Compiled with options of its own."""
    flags = ", ".join(f'"{o[2:] if o.startswith("-f") else o[1:]}"'
                      for o in options)
    return ("#ifdef TP_TUNED\n#pragma GCC push_options\n"
            f"#pragma GCC optimize({flags})\n#endif\n{text}"
            "#ifdef TP_TUNED\n#pragma GCC pop_options\n#endif\n")


def only_on(machines, text):
    test = " || ".join(f"defined(TP_MACHINE_{m.upper()})" for m in machines)
    return f"#if {test}\n{text}#endif\n"


class Joined:
    """Headers of `known` are there already; of the C library's those that all
    machines have are included first, once."""

    def __init__(self, root, known=()):
        self.root = root
        self.done = set(known)
        self.system = set()
        self.parts = []

    def _read(self, path):
        """Its text, what it includes being there, but for tables: those are put
        in."""
        text = (self.root / path).read_text()
        self.system.update(SYSTEM.findall(text))

        def included(match):
            if match[1].endswith(".def"):
                return (self.root / place(match[1])).read_text()
            self.header(place(match[1]))
            return ""
        return INCLUDE.sub(included, SYSTEM.sub("", text)).strip("\n") + "\n"

    def header(self, path):
        if path not in self.done:
            self.done.add(path)
            self._add(path, self._read(path))

    def source(self, source, new):
        """With the names of `new` for its own."""
        if source.path.suffix == ".S":
            text = assembly.statement(self.root, source.path)
        else:
            text = names.rename(self._read(source.path), new)
            text = FUNCTION.sub("TP_APART ", text)
        if source.options:
            text = tuned(source.options, text)
        if source.machines:
            text = only_on(source.machines, text)
        self._add(source.path, text)

    def _add(self, path, text):
        self.parts.append(f"/* from {path.as_posix()} */\n{text}")

    def includes(self):
        return "".join(f"#include <{name}>\n" for name in sorted(self.system))
