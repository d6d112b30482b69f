#!/usr/bin/env python3
"""docs/tinypeft.1 is what scripts/man/man makes of the help texts, and sound.
Usage: test_man.py TINYPEFT. Exits with 77 where no formatter is there."""
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(sys.argv.pop(1)).resolve()
PAGE = ROOT / "docs/tinypeft.1"
LINTS = [lint for lint in (["mandoc", "-Tlint"], ["groff", "-ww", "-man", "-z"])
         if shutil.which(lint[0])]
# A version that is not released has no date.
PARDONED = "cannot parse date, using it verbatim: TH unreleased"


def complaints(page):
    """What the formatters at hand say of a page."""
    said = []
    for lint in LINTS:
        done = subprocess.run(lint, input=page, text=True, check=False,
                              capture_output=True)
        said += [line for line in (done.stdout + done.stderr).splitlines()
                 if PARDONED not in line]
    return said


class Manual(unittest.TestCase):
    def test_is_made_from_the_help_texts(self):
        made = subprocess.run([ROOT / "scripts/man/man", TOOL], text=True,
                              check=True, stdout=subprocess.PIPE).stdout
        self.assertEqual(PAGE.read_text(), made, "run `make man`")

    def test_is_sound(self):
        self.assertEqual(complaints(PAGE.read_text()), [])

    def test_an_unsound_page_would_be_seen(self):
        self.assertNotEqual(complaints(PAGE.read_text() + ".XX\n.RE\n.RE\n"),
                            [])

    def test_has_what_a_manual_has(self):
        text = PAGE.read_text()
        for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS",
                        "OPTIONS", "EXIT STATUS", "FILES", "EXAMPLES",
                        "SEE ALSO"):
            self.assertIn(f"\n.SH {heading}\n", text)


if __name__ == "__main__":
    if not LINTS:
        print("skipped: neither mandoc nor groff")
        sys.exit(77)
    unittest.main()
