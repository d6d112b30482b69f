"""The manual page as a page of the site: what `man` shows, by its headings."""
import re
import subprocess
import textwrap


def page(source):
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-P-c", "-P-b", "-P-u", "-P-o",
         "-rLL=80n", str(source)],
        text=True, check=True, stdout=subprocess.PIPE).stdout
    out = ["# Manual page", "", "`man tinypeft`, where it is installed; "
           "`man -l docs/tinypeft.1` in the tree.", ""]
    parts = re.split(r"^(?=[A-Z][A-Z ]+\n)", shown, flags=re.M)[1:]
    parts[-1] = parts[-1].rstrip().rpartition("\n")[0]  # the page's foot
    for part in parts:
        heading, _, body = part.partition("\n")
        out += [f"## {heading.capitalize()}", ""]
        for piece in re.split(r"^(?=   [a-z]+\n)", body, flags=re.M):
            name, _, rest = piece.partition("\n")
            if re.fullmatch(r"   [a-z]+", name):
                out += [f"### tinypeft {name.strip()}", ""]
                piece = rest
            if piece.strip():
                out += ["```text", textwrap.dedent(piece).strip("\n"),
                        "```", ""]
    return "\n".join(out)
