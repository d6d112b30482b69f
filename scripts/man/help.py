"""The parts of a help text of tinypeft; a text of another form is refused."""
import re
from types import SimpleNamespace

HELP_COLUMN = 26  # of what an option does


def rows(lines, column=None):
    """Names and what they mean: a name stands at column 2; what is behind two
    spaces or on a line at `column` and beyond explains it."""
    found = []
    for line in lines:
        entry = re.match(r"  (\S.*?)(?:  +(.*))?$", line)
        indent = len(line) - len(line.lstrip())
        if indent == 2 and entry:
            found.append([entry[1], entry[2] or ""])
        elif column and indent >= column or not column and indent > 2:
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        elif indent > 2 and not found[-1][1]:
            found[-1][0] += line.strip()  # choices that take two lines
        else:
            raise ValueError(f"no row of a table: {line!r}")
    return [tuple(row) for row in found]


def parts(text):
    """What stands between empty lines, each a list of lines."""
    return [part.split("\n") for part in text.strip("\n").split("\n\n")]


def take(found, beginning):
    """The part that begins so; it is removed."""
    for part in found:
        if part[0].startswith(beginning):
            found.remove(part)
            return part
    raise ValueError(f"no part begins with {beginning!r}")


def overview(text):
    found = parts(text)
    version, summary = re.match(r"tinypeft (\S+): (.*)",
                                found.pop(0)[0]).groups()
    take(found, "usage: ")
    commands = rows(found.pop(0))
    adapters = take(found, "Adapter kinds")
    examples = take(found, "Examples:")
    codes = take(found, "Exit codes:")
    if found:
        raise ValueError(f"not understood: {found}")
    return SimpleNamespace(
        version=version, summary=summary,
        commands=[row for row in commands if re.fullmatch(r"[a-z]+", row[0])],
        adapters_intro=adapters[:2], adapters=rows(adapters[2:]),
        codes=rows(codes[1:]), examples=[line[2:] for line in examples[1:]])


def page(text):
    found = parts(text)
    summary = found.pop(0)[0]
    usage = found.pop(0)[0]
    options = rows(found.pop(0), HELP_COLUMN)
    examples = take(found, "Examples:")
    if any(part[0].startswith("Adapter kinds") for part in found):
        take(found, "Adapter kinds")
    return SimpleNamespace(
        summary=summary, usage=usage, options=options,
        notes="\n\n".join("\n".join(part) for part in found),
        examples=[line[2:] for line in examples[1:]])
