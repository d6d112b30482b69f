"""Pages about the device library's interface, from its headers' comments."""
import re

SKIP = re.compile(r'#(if|ifdef|ifndef|endif|else|include|error|undef)\b|'
                  r'#define TINYPEFT_\w+_H$|extern "C"|/\* clang-format')
INTRO = """# The device library's headers

All that a firmware includes, with the comments as they stand there. Generated C
includes these and nothing else.

"""


def escape(words):
    """A line of a comment: names of C as code, nothing else as markup."""
    parts = re.split(r"(`[^`]+`|\b(?:tp|TP)_\w+(?:\(\))?)", words)
    for i, part in enumerate(parts):
        parts[i] = (f"`{part.strip('`')}`" if i % 2 else
                    re.sub(r"([*_<>`\[\]#$|~\\])", r"\\\1", part))
    return "".join(parts)


def prose(lines):
    """A comment as Markdown: what is aligned by hand, lists of arguments and
    of errors, stays as it is."""
    out, exact = [], []

    def flush():
        if exact:
            out.extend(["", "```text", *exact, "```", ""])
            exact.clear()
    for line in lines:
        if line.startswith("  ") and (exact or line.strip()) or re.search(
                r"\S {2,}\S", line):
            exact.append(line)
        else:
            flush()
            out.append(escape(line))
    flush()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def comment_lines(text):
    body = re.sub(r"^/\*+ ?|\s*\*+/$", "", text.strip())
    return [re.sub(r"^ \* ?", "", line) for line in body.split("\n")]


def chunks(text):
    """Top-level comments and declarations in turn."""
    at = 0
    lines = text.split("\n")
    while at < len(lines):
        line = lines[at]
        if SKIP.match(line) or not line.strip() or line == "}":
            while line.endswith("\\"):
                at += 1
                line = lines[at]
            at += 1
        elif line.startswith("/*"):
            first = at
            while "*/" not in lines[at]:
                at += 1
            at += 1
            yield "comment", "\n".join(lines[first:at])
        else:
            first, depth = at, 0
            while at < len(lines) and (lines[at].strip() or depth) and not (
                    SKIP.match(lines[at]) and at > first):
                depth += lines[at].count("{") - lines[at].count("}")
                at += 1
            yield "code", "\n".join(lines[first:at]).rstrip()


def title(code):
    """What a declaration declares."""
    for pattern, form in (
            (r"^#define (\w+)", "{}"), (r"^\} (\w+);", "{}"),
            (r"^typedef (?:struct|enum|union) (\w+)", "{}"),
            (r"^typedef .*\(\*(\w+)\)", "{}"), (r"\b(tp_\w+)\(", "{}()"),
            (r"^(?:extern )?const \w+ (\w+)", "{}")):
        found = re.search(pattern, code, re.M)
        if found:
            return form.format(found[1])
    return None


def page(name, text):
    out, level, said = [f"# {name}", ""], "##", None
    for kind, part in chunks(text):
        section = re.match(r"/\* --- (.*?) -*(?:\s*\*/|\n)", part)
        if kind == "comment" and section:
            out += [f"## {section[1].strip(' -').capitalize()}", ""]
            level, said = "###", None
            rest = comment_lines(part)[1:]
            out += [prose(rest), ""] if any(rest) else []
        elif kind == "comment":
            if len(out) == 2 and said is None:
                out += [prose(comment_lines(part)), ""]
            else:
                said = prose(comment_lines(part))
        else:
            heading = title(part)
            if heading:
                out += [f"{level} `{heading}`", ""]
            out += [said, ""] if said else []
            out += ["```c", part, "```", ""]
            said = None
    return "\n".join(out)


def pages(folder):
    found = {f"api/{path.name}.md": page(path.name, path.read_text())
             for path in sorted(folder.glob("*.h"))}
    toc = "\n".join(["```{toctree}", ":maxdepth: 1", "",
                     *(name[4:-3] for name in found), "```", ""])
    return {**found, "api/index.md": INTRO + toc}
