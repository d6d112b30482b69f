#!/usr/bin/env python3
"""Counts a site's pages, and what is broken in it.

    check.py SITE

A link or a picture leads to a file of the site, an anchor is on its page, and
nothing is fetched from a network. Ends with 1 where something is not so.
"""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src",
           "source": "src", "object": "data"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.fetched = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get("id"))
        if tag == "a":
            self.ids.add(attrs.get("name"))
            self.links.append(attrs.get("href") or "")
        elif tag in FETCHED and attrs.get(FETCHED[tag]):
            self.fetched.append(attrs[FETCHED[tag]])


def broken(path, page, pages):
    for link in page.fetched:
        if urlsplit(link).scheme not in ("", "data") or link.startswith("//"):
            yield f"fetches {link}"
    for link in page.links + page.fetched:
        parts = urlsplit(link)
        if parts.scheme or not link:
            continue
        full = path.parent / unquote(parts.path) if parts.path else path
        full = full.resolve()
        if not full.is_file():
            yield f"leads nowhere: {link}"
        elif parts.fragment and full in pages and unquote(
                parts.fragment) not in pages[full].ids:
            yield f"no such place: {link}"


def main(site):
    pages = {path.resolve(): Page(path.read_text())
             for path in sorted(Path(site).rglob("*.html"))}
    faults = [f"{path.relative_to(Path(site).resolve())}: {fault}"
              for path, page in pages.items()
              for fault in broken(path, page, pages)]
    links = sum(len(p.links) + len(p.fetched) for p in pages.values())
    print(*faults, f"{len(pages)} pages, {links} links, {len(faults)} broken",
          sep="\n")
    return bool(faults) or not pages


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
