#!/usr/bin/env python3
"""What `make docs` does before and after Sphinx: it lays out every document,
and finds what is broken in a site. Sphinx itself comes from PyPI: not here."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))
import api  # pylint: disable=wrong-import-position
import check  # pylint: disable=wrong-import-position
import stage  # pylint: disable=wrong-import-position

HEADER = """/* Counts things.
 *
 *     tp_count(&n);
 */
#ifndef TINYPEFT_COUNT_H
#define TINYPEFT_COUNT_H

#define TP_MOST 7 /* things */

/* Counts one more, up to `TP_MOST`.
 *   n  [in, out] a * b
 * TP_ERR_FULL  there are TP_MOST */
TP_MUST_CHECK tp_status tp_count(uint32_t *n);

/* --- others --------------------------------------------------------------- */

typedef struct tp_thing {
    int a;

    int b;
} tp_thing;

#endif
"""
PAGE = """# count.h

Counts things.

```text
    tp_count(&n);
```

## `TP_MOST`

```c
#define TP_MOST 7 /* things */
```

## `tp_count()`

Counts one more, up to `TP_MOST`.

```text
  n  [in, out] a * b
TP_ERR_FULL  there are TP_MOST
```

```c
TP_MUST_CHECK tp_status tp_count(uint32_t *n);
```

## Others

### `tp_thing`

```c
typedef struct tp_thing {
    int a;

    int b;
} tp_thing;
```
"""


class Stage(unittest.TestCase):
    def test_navigation_names_every_document(self):
        pages = set(stage.documents()) - {"README.md"}
        named = {name for _, names in stage.sections(pages) for name in names}
        self.assertEqual(pages - named, set(),
                         "add them to docs/site/navigation.txt")

    def test_a_page_without_a_place_is_left_out(self):
        listed = stage.sections(["docs/porting.md", "docs/nowhere.md"])
        self.assertEqual([p for _, names in listed for p in names],
                         ["docs/porting.md"])

    def test_links(self):
        with tempfile.TemporaryDirectory() as folder:
            def lead(name, link):
                return stage.target(Path(folder), name, link, {"SPEC.md"})
            self.assertEqual(lead("docs/a.md", "../README.md#x"),
                             "../index.md#x")
            self.assertEqual(lead("docs/a.md", "../SPEC.md"), "../SPEC.md")
            self.assertEqual(lead("docs/a.md", "tinypeft.1"), "tinypeft.1.md")
            self.assertEqual(lead("a.md", "https://x.org/#y"),
                             "https://x.org/#y")
            self.assertEqual(lead("README.md", "LICENSE"), "LICENSE")
            self.assertTrue((Path(folder) / "LICENSE").is_file())

    def test_headers(self):
        self.assertEqual(api.page("count.h", HEADER).strip(), PAGE.strip())


class Check(unittest.TestCase):
    def site(self, **pages):
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.redirect_stdout(io.StringIO()) as out:
            for name, text in pages.items():
                (Path(folder) / f"{name}.html").write_text(text)
            return check.main(folder), out.getvalue()

    def test_sound(self):
        self.assertEqual(
            self.site(a='<a href="b.html#x">', b='<p id="x"><a href="#x">'),
            (False, "2 pages, 2 links, 0 broken\n"))

    def test_broken(self):
        for text, fault in (
                ('<a href="c.html">', "leads nowhere: c.html"),
                ('<img src="c.svg">', "leads nowhere: c.svg"),
                ('<a href="#y">', "no such place: #y"),
                ('<a href="b.html#y">', "no such place: b.html#y"),
                ('<script src="https://cdn.org/x.js">', "fetches https://"),
                ('<link href="//cdn.org/x.css">', "fetches //cdn.org")):
            failed, said = self.site(a=text, b='<p id="x">')
            self.assertTrue(failed, text)
            self.assertIn(fault, said)

    def test_an_empty_site_is_no_site(self):
        self.assertTrue(self.site()[0])


if __name__ == "__main__":
    unittest.main()
