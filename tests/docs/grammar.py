"""Is a grammar in EBNF (ISO 14977) closed: no symbol missing, none unused?"""
import re

NAME = r"[a-z][a-z-]*"


def fault(text, known):
    """`known` are symbols that the prose defines."""
    bare = re.sub(r"\(\*.*?\*\)|\"[^\"]*\"", " ", text, flags=re.S)
    if bare.count(";") != bare.count("="):
        return "a rule without its end"
    defined = re.findall(rf"({NAME})\s*=", bare)
    used = set(re.findall(NAME, re.sub(rf"{NAME}\s*=", " ", bare)))
    missing = used - set(defined) - set(known)
    unused = set(defined[1:]) - used
    if missing or unused:
        return (f"undefined: {', '.join(sorted(missing)) or 'none'}; "
                f"unused: {', '.join(sorted(unused)) or 'none'}")
    return None
