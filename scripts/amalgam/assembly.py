"""A file of assembly as an __asm__ statement of C.

All of these end up in one assembler's input, so labels and constants get the
file's name in front (and stay out of the table of symbols, where they could
meet a static function of C), and macros are forgotten behind it.
"""
import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"\n', re.M)
LABEL = re.compile(r"^([A-Za-z_]\w*):", re.M)
CONSTANT = re.compile(r"^ *\.(?:equ|set) +(\w+)", re.M)
GLOBAL = re.compile(r"\.global +(\w+)")
MACRO = re.compile(r"^\.macro +(\w+)", re.M)


def whole(root, path):
    """With what it includes, without comments."""
    text = (root / path).read_text()
    text = INCLUDE.sub(lambda m: whole(root, m[1]), text)
    return COMMENT.sub("", text)


def statement(root, path):
    text = whole(root, path)
    local = set(LABEL.findall(text)) | set(CONSTANT.findall(text))
    local -= set(GLOBAL.findall(text))
    prefix = f".L{path.parent.name}_{path.stem}_"
    text = re.sub(r"(?<![\\.\w])[A-Za-z_]\w*",
                  lambda m: prefix + m[0] if m[0] in local else m[0], text)
    lines = [".pushsection .text", *text.splitlines(),
             *(f".purgem {name}" for name in MACRO.findall(text)),
             ".popsection"]
    lines = [" ".join(line.split()) for line in lines if line.strip()]
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    body = "\n".join(f'    "{line}\\n"' for line in quoted)
    return f"__asm__(\n{body});\n"
