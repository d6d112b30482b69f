"""Names that mean something in one file only: found, and made different.

Enough of C for this tree, which is laid out by clang-format and compiled before
and after: what is not seen here is an error of the compiler.
"""
import re

TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|'
                   r'[A-Za-z_]\w*|\d[\w.]*|\s+|.', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', re.S | re.M)
DEFINE = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)', re.M)
WORD = re.compile(r'[A-Za-z_]\w*\Z')


def statements(text):
    """What stands outside of all functions: lists of tokens, a function's
    without its body."""
    out, depth, function = [], 0, False
    for token in TOKEN.findall(DIRECTIVE.sub("", text)):
        if token.isspace() or token.startswith("/*"):
            continue
        if token == "{" and depth == 0:
            function = ")" in out and "=" not in out
        depth += token == "{"
        if depth == 0 or not function:
            out.append(token)
        depth -= token == "}"
        if depth == 0 and (token == ";" or token == "}" and function):
            yield out
            out, function = [], False


def declared(tokens):
    """The names that one statement gives to its file alone."""
    words = [t for t in tokens if WORD.match(t)]
    if tokens[0] == "enum":
        yield from (b for a, b in zip(tokens, tokens[1:])
                    if a in "{," and WORD.match(b))
    elif tokens[0] == "typedef":
        pointer = re.match(r"[^{]*\(\*?(\w+)\)", " ".join(tokens))
        yield pointer[1] if pointer else words[-1]
    elif tokens[0] == "static":
        end = min(tokens.index(t) for t in "([={;" if t in tokens)
        yield tokens[end - 1]


def local_names(text):
    """Macros, types, constants, objects and functions of a .c file."""
    names = set(DEFINE.findall(text))
    for tokens in statements(text):
        names.update(declared(tokens))
    return names


def members(tokens):
    """Which tokens name members of structs: where they are declared (in front
    of one of ; , [ : and of a function pointer's bracket) and used."""
    out, depth, before, last = set(), 0, ["", ""], None
    for i, token in enumerate(tokens):
        if token.isspace() or token.startswith("/*"):
            continue
        if before[1] in (".", "->"):
            out.add(i)
        if depth and last is not None and token in tuple(";,[:)"):
            out.add(last)
        opens = token == "{" and (depth or "struct" in before)
        depth += bool(opens) - (token == "}" and depth > 0)
        last = i if WORD.match(token) else None
        arrow = before[1] == "-" and token == ">"
        before = [before[1], "->" if arrow else token]
    return out


def rename(text, new):
    """With other names for what `new` maps; not for members of structs, nor in
    comments and strings."""
    tokens = TOKEN.findall(text)
    skip = members(tokens)
    return "".join(t if i in skip else new.get(t, t)
                   for i, t in enumerate(tokens))


def clashes(names_of):
    """Of {file: names}: {file: {name: another}} for those in several files."""
    seen, twice = set(), set()
    for names in names_of.values():
        twice |= names & seen
        seen |= names
    return {path: {name: f"{path.parent.name}_{path.stem}_{name}"
                   for name in names & twice}
            for path, names in names_of.items()}
