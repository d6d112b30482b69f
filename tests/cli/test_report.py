#!/usr/bin/env python3
"""tinypeft report: the page is sound HTML with sound SVG, refers to nothing
outside and says what the plan says. test_report_browser.py opens it.
Usage: test_report.py TINYPEFT."""
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from cli_case import AD, HEAD, KWS, Case, main

VOID = {"meta", "link", "br"}


class Checker(HTMLParser):
    """Every tag that is opened is closed, in order; ids are unique."""

    def __init__(self):
        super().__init__()
        self.open, self.faults, self.ids, self.anchors = [], [], [], []
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if attrs.get("href", "").startswith("#"):
            self.anchors.append(attrs["href"][1:])
        for name in ("src", "href"):
            if not attrs.get(name, "#").startswith(("#", "data:")):
                self.faults.append(f"refers to {attrs[name]}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")


class Report(Case):
    def report(self, *arguments, model=KWS, name="page.html"):
        page = self.dir / name
        self.ok("report", model, *arguments, "-o", page)
        return page.read_text()

    def lora(self, *more):
        return self.report("--adapter", "conv[2468]=lora:rank=4", "--adapter",
                           HEAD, *more)

    def check(self, text):
        checker = Checker()
        checker.feed(text)
        checker.close()
        self.assertEqual(checker.faults, [])
        self.assertEqual(checker.open, [])
        self.assertEqual(len(checker.ids), len(set(checker.ids)))
        self.assertLessEqual(set(checker.anchors), set(checker.ids))
        self.assertNotIn("script", checker.tags)
        self.assertNotRegex(text, r"url\(|@import")
        pictures = re.findall(r"<svg.*?</svg>", text, re.S)
        for picture in pictures:
            ElementTree.fromstring(picture)
        return checker, pictures

    def test_page_of_every_sort(self):
        for arguments, model, pictures in (
                (["--adapter", "*=bitfit"], KWS, 3),
                (["--adapter", "*=lora:rank=2"], AD, 3),
                ([], KWS, 1)):
            checker, found = self.check(self.report(*arguments, model=model))
            self.assertEqual(len(found), pictures)
            self.assertIn("remake", checker.ids)

    def test_says_what_the_plan_says(self):
        text = self.lora("--ram", "48K", "--state", "accumulate")
        self.assertIn("--state accumulate", text)
        self.check(text)
        ram = int(re.search(r"<b>([\d,]+)</b> <i>bytes</i><span>RAM: arena",
                            text)[1].replace(",", ""))
        self.assertLessEqual(ram, 48 * 1024)
        self.assertIn("--ram 49152", text)  # the command that remakes it
        # A schedule under a budget computes something again; every rectangle
        # of the map lies within the arena.
        self.assertIn("_again", text)
        arena = int(re.search(r"<td>arena</td><td class=\"r\">([\d,]+)",
                              text)[1].replace(",", ""))
        tips = re.findall(r"([\d]+) bytes at (\d+), steps", text)
        self.assertGreater(len(tips), 30)
        for size, at in tips:
            self.assertLessEqual(int(size) + int(at), arena)

    def test_front_is_that_of_plan(self):
        """All plans that `tinypeft plan` finds, and this one."""
        text = self.lora("--shots", 5)
        found = json.loads(self.ok("plan", KWS, "--classes", 10, "--shots", 5,
                                   "--json"))["choices"]
        part = text[text.index('id="front"'):text.index('id="cost"')]
        self.check(text)
        self.assertEqual(part.count("<circle"), len(found) + 1)
        rows = re.findall(r"<tr>?(?: class=\"picked\">)?<td>(.*?)</tr>", part)
        cells = [[re.sub("<.*?>", "", c).replace(",", "")
                  for c in row.split("</td>")][:7] for row in rows]
        self.assertEqual(
            cells[1:],
            [[c["family"], c["state"], *(str(c[key]) for key in (
                "ram", "flash", "delta", "infer_cost", "update_cost"))]
             for c in found if c["on_front"]])
        ram = re.search(r"<b>([\d,]+)</b> <i>bytes</i><span>RAM: arena", text)
        self.assertEqual(cells[0][:3], ["this plan", "momentum",
                                        ram[1].replace(",", "")])
        self.assertIn(f"RAM {ram[1]},", part)
        self.assertEqual(part.count('r="9.0"'), 1)
        self.assertIn("--shots 5 --classes 10", part)

    def test_regions_are_drawn(self):
        text = self.report("--adapter", HEAD, "--region",
                           "dtcm=0x20000000+8K", "--region",
                           "sram=0x30000000+64K")
        self.check(text)
        self.assertRegex(text, r"<text[^>]*>dtcm</text>")
        self.assertRegex(text, r"<text[^>]*>sram</text>")
        self.assertIn("--region dtcm=0x20000000+8K", text)

    def test_bytes_are_the_same_again(self):
        self.assertEqual(self.lora(), self.lora())

    def test_texts_are_escaped(self):
        model = self.dir / "a<b>&'x.tflite"
        shutil.copy(KWS, model)
        text = self.report("--adapter", HEAD, model=model)
        self.check(text)
        self.assertNotIn("a<b>", text)
        self.assertIn("a&#60;b&#62;&#38;&#39;x.tflite", text)

    def test_energy_is_what_was_given(self):
        plain = self.lora()
        slow = self.lora("--target", "cortex-m33", "--energy", "mhz=1")
        self.assertIn("at 80 MHz", plain)
        self.assertIn("on a cortex-m33 at 1 MHz", slow)

    def test_json_adds_up(self):
        told = json.loads(self.ok("report", KWS, "--adapter", "*=bitfit",
                                  "--batch", "4", "--updates", "10", "--shots",
                                  "3", "--json"))
        size = told["bytes"]
        self.assertEqual(size["ram"],
                         size["arena"] + size["adapter"] + size["train"])
        adapt = told["adaptation"]
        self.assertAlmostEqual(
            adapt["mj"] * 1000,
            10 * told["update"]["uj"] + adapt["store_uj"], delta=1)
        self.assertGreater(told["update"]["instructions"],
                           4 * told["sample"]["instructions"])
        for radio in adapt["instead_of_sending"]:
            one = 490 * radio["uj_a_byte"] / 1000
            self.assertAlmostEqual(radio["send_mj"], 36 * one, places=3)
            self.assertAlmostEqual(radio["break_even_samples"] * one,
                                   adapt["mj"], delta=one)
        infer = json.loads(self.ok("report", KWS, "--json"))
        self.assertNotIn("adaptation", infer)

    def test_refusals(self):
        page = self.dir / "none.html"
        self.fails(2, "--output FILE.html is missing", "report", KWS)
        self.fails(2, "'nope=1' is no key=value", "report", KWS,
                       "--energy", "nope=1", "-o", page)
        self.fails(2, "no such core; there are: cortex-m0plus", "report", KWS,
                   "--target", "z80", "-o", page)
        self.fails(2, "no number of bytes", "report", KWS, "--ram", "24Q",
                       "-o", page)
        self.fails(1, "Nearest that fits: --ram", "report", KWS,
                       "--adapter", HEAD, "--ram", "1K", "-o", page)
        self.assertFalse(page.exists())


if __name__ == "__main__":
    main()
