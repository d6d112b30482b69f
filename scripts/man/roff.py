"""Text as requests of roff, for mandoc and groff alike."""
import itertools
import re
import textwrap


def text(words):
    """Running text; nothing in it is taken for a request."""
    words = words.replace("\\", r"\e").replace("'", r"\(aq")
    words = re.sub(r"(?<!\w)-(?=[-\w])|(?<=\d)-(?=\d)", r"\\-", words)
    return re.sub(r"^(?=\.)", r"\&", words, flags=re.M)


def dashed(words):
    """What is typed: every hyphen is a minus."""
    return text(words).replace(r"\-", "-").replace("-", r"\-")


def filled(words):
    """Running text in lines of a length that mandoc likes."""
    return map(text, wrap(words, 66))


def wrap(words, width, **how):
    return textwrap.wrap(words, width, break_long_words=False,
                         break_on_hyphens=False, **how)


def exact(lines):
    """Commands for copying: long ones continued earlier than in the help
    texts, for they are indented here, and no option parted from its value."""
    body = []
    for line in re.sub(r" *\\\n *", " ", "\n".join(lines)).split("\n"):
        glued = re.sub(r"( --?[\w-]+) (?!-)(?=\S)", "\\1\0", line)
        body += " \\\n".join(wrap(glued, 66, subsequent_indent="    ")).split(
            "\n")
    return [".PP", ".RS 4", ".nf", *(dashed(line.replace("\0", " "))
                                     for line in body), ".fi", ".RE"]


def tagged(rows, width=None):
    for name, words in rows:
        yield ".TP" if width is None else f".TP {width}"
        name = dashed(name).replace("|", r"|\:")
        yield rf"\fB{name}\fR"
        yield from filled(words)


def paragraphs(words):
    """Running text, and in it tables, whose lines are indented."""
    for part in words.strip().split("\n\n"):
        for table, lines in itertools.groupby(
                part.split("\n"), lambda line: line.startswith("  ")):
            lines = list(lines)
            yield ".PP"
            if table:
                yield from [".nf", *map(text, lines), ".fi"]
            else:
                yield from filled("\n".join(lines))
