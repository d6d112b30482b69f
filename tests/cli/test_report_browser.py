#!/usr/bin/env python3
"""tinypeft report opens in a browser without an error; skipped where there is
no Chromium. Usage: test_report_browser.py TINYPEFT."""
import shutil
import subprocess
import sys
import tempfile

from cli_case import HEAD, KWS, Case, main

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def console(page):
    """What the browser's console says of a page: warnings and errors."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={profile}", "--enable-logging=stderr",
             "--dump-dom", page.as_uri()],
            capture_output=True, text=True, timeout=120, check=False)
    lines = [x for x in done.stderr.splitlines() if "CONSOLE" in x]
    return done.returncode, done.stdout, lines


class Browser(Case):
    def test_opens(self):
        page = self.dir / "page.html"
        self.ok("report", KWS, "--adapter", "conv[2468]=lora:rank=4",
                "--adapter", HEAD, "--ram", "40K", "-o", page)
        code, dom, lines = console(page)
        self.assertEqual((code, lines), (0, []))
        self.assertIn("How to remake this page", dom)

    def test_a_bad_page_would_be_seen(self):
        page = self.dir / "bad.html"
        page.write_text("<p>x<script>nothing.here()</script>")
        self.assertNotEqual(console(page)[2], [])


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: no chromium")
        sys.exit(77)
    main()
