"""Writes what commands print now into a document that shows their output."""
from blocks import steps


def renewed(expect, got):
    """The lines to show in place of `expect`: as many before the first "..."
    and behind the last one as there were. What stands between two is as it was:
    nobody can tell which lines are meant."""
    if "..." not in expect:
        return got
    first = expect.index("...")
    last = len(expect) - 1 - expect[::-1].index("...")
    tail = len(expect) - 1 - last
    return (got[:first] + expect[first:last + 1] +
            (got[len(got) - tail:] if tail else []))


def document(text, found, out):
    """The document with the outputs that are in `out`; a command without one,
    because it was not run or not reached, stays as it is."""
    lines = text.split("\n")
    for number, block in reversed(list(enumerate(found))):
        if block.language != "console":
            continue
        fresh = []
        for at, step in enumerate(steps(block)):
            fresh += ["$ " + step.command]
            printed = out / f"{number}.{at}"
            fresh += (renewed(step.expect, printed.read_text().splitlines())
                      if printed.exists() else step.expect)
        first = block.line - 1
        last = first + block.text.count("\n")
        lines[first:last] = "\n".join(fresh).split("\n")
    return "\n".join(lines)
