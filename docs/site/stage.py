#!/usr/bin/env python3
"""Lays the documents out for Sphinx, as they lie in the tree.

    stage.py FOLDER

README becomes the first page and gets the navigation; headers of the device
library become pages (api.py), and the manual page one (manual.py). A file that
a document links to and that is no document goes along.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

import api
import manual

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(!?\[[^]]*\]\()([^)\s]+)(\))")
HEADERS = "include/tinypeft"


def documents():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard",
                          "*.md"], cwd=ROOT, text=True, check=True,
                         stdout=subprocess.PIPE).stdout.splitlines()
    return sorted(name for name in out if (ROOT / name).is_file())


def sections(pages):
    """Headings, each with its pages; a page stands where it first fits."""
    found, left = [], set(pages)
    for line in (ROOT / "docs/site/navigation.txt").read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            found.append((line, []))
            continue
        pattern = re.escape(line.strip()).replace(r"\*", "[^/]*")
        fits = sorted(page for page in left if re.fullmatch(pattern, page))
        found[-1][1].extend(fits)
        left -= set(fits)
    return found


def contents(pages):
    """The navigation as toctrees."""
    for heading, names in sections(pages):
        if names:
            yield "\n".join(["```{toctree}", ":hidden:",
                             f":caption: {heading}", "",
                             *(name.removesuffix(".md") for name in names),
                             "```", ""])


def target(folder, name, link, staged):
    """Where a link of a document leads in the site."""
    path, mark, anchor = link.partition("#")
    if re.match(r"\w+:", link) or not path:
        return link
    full = (ROOT / name).parent.joinpath(path).resolve().relative_to(ROOT)
    if full.suffix == ".1":
        path += ".md"
    elif full.as_posix() == "README.md":
        path = path.removesuffix("README.md") + "index.md"
    elif full.as_posix() not in staged:
        if (ROOT / full).is_file():
            (folder / full).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / full, folder / full)
    return path + mark + anchor


def stage(folder):
    names = documents()
    shutil.rmtree(folder, ignore_errors=True)
    pages = {name: (ROOT / name).read_text() for name in names}
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        parts = re.split(r"(^ *```.*?^ *```$)", text, flags=re.M | re.S)
        parts[::2] = [LINK.sub(lambda m, n=name: m[1] + target(
            folder, n, m[2], pages) + m[3], part) for part in parts[::2]]
        pages[name] = "".join(parts)
    pages["docs/tinypeft.1.md"] = manual.page(ROOT / "docs/tinypeft.1")
    pages.update(api.pages(ROOT / HEADERS))
    index = pages.pop("README.md")
    listed = [name for name in pages if not name.startswith("api/")]
    pages["index.md"] = index + "\n" + "\n".join(
        contents(listed + ["api/index.md"]))
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    stage(Path(sys.argv[1]).resolve())
