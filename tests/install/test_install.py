#!/usr/bin/env python3
"""An installed and moved TinyPEFT serves a project that is not ours: by
find_package() on the host and for a Cortex-M4, and by pkg-config; so does the
tree by add_subdirectory(). The program says what the interpreter says. Usage: test_install.py BUILD."""
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/consumer"))

import consumer  # noqa: E402

BUILD = os.path.abspath(sys.argv.pop(1) if len(sys.argv) > 1
                        else "build/release")
MODEL = ROOT / "zoo/words/words.tflite"


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = Path(tempfile.mkdtemp(prefix="tinypeft install "))
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        consumer.run("cmake", "--install", BUILD, "--prefix", cls.dir / "first")
        cls.prefix = cls.dir / "moved/prefix"
        cls.prefix.parent.mkdir()
        (cls.dir / "first").rename(cls.prefix)
        cls.tool = cls.prefix / "bin/tinypeft"
        cls.work = cls.dir / "work"
        cls.work.mkdir()
        cls.expected = consumer.prepare(cls.tool, MODEL, 490, cls.work)

    def build(self, name, core, **settings):
        """The consumer's project; where its program is."""
        build = self.dir / name
        settings |= {"CMAKE_PREFIX_PATH": self.prefix, "MODEL": MODEL,
                     "WORK": self.work, "CORE": core,
                     "CMAKE_BUILD_TYPE": "Release"}
        consumer.run("cmake", "-S", consumer.HERE, "-B", build, "-G", "Ninja",
                     "-Werror=dev",
                     *(f"-D{key}={value}" for key, value in settings.items()))
        consumer.run("cmake", "--build", build, "--target", "program")
        return build / "program"

    def test_cmake(self):
        program = self.build("host", "portable",
                             PORT=consumer.HERE / "say_host.c")
        self.assertEqual(consumer.run(program), self.expected)

    def test_cmake_subdirectory(self):
        program = self.build("tree", "portable", TREE=ROOT,
                             PORT=consumer.HERE / "say_host.c")
        self.assertEqual(consumer.run(program), self.expected)

    def test_cmake_cross(self):
        if not consumer.has("m4"):
            self.skipTest("no compiler, or no emulator, for Cortex-M4")
        board = consumer.board("m4")
        program = self.build(
            "board", consumer.BOARDS["m4"].target,
            CMAKE_TOOLCHAIN_FILE=ROOT / "cmake/arm-none-eabi.cmake",
            TINYPEFT_CPU="m4", PORT=";".join(map(str, board.sources)),
            PORT_INCLUDE=ROOT, PORT_DEFINITIONS=";".join(board.definitions),
            PORT_OPTIONS=";".join(board.link))
        self.assertEqual(consumer.run_board(program), self.expected)

    def test_pkg_config(self):
        if not shutil.which("pkg-config"):
            self.skipTest("no pkg-config")
        found = next(self.prefix.rglob("pkgconfig"))

        def ask(what):
            # The folders have spaces in them: pkg-config escapes those.
            text = consumer.run("pkg-config", what, "tinypeft",
                                env={**os.environ, "PKG_CONFIG_PATH": found})
            return text.strip().replace("\\ ", "\0").split()
        flags = {what: [word.replace("\0", " ") for word in ask(what)]
                 for what in ("--cflags", "--libs", "--modversion")}
        self.assertIn(" ".join(flags["--modversion"]),
                      consumer.run(self.tool, "--version"))
        folder = ask("--variable=amalgam")[0].replace("\0", " ")
        self.assertTrue(Path(folder, "tinypeft.c").is_file(), folder)
        consumer.run(self.tool, "compile", MODEL, *consumer.ADAPTER, "--name",
                     consumer.NAME, "-o", self.work)
        program = self.work / "program"
        consumer.run("cc", *consumer.WARNINGS, *flags["--cflags"],
                     consumer.HERE / "main.c", consumer.HERE / "say_host.c",
                     *self.work.glob("*.c"), f"-I{self.work}",
                     *flags["--libs"], "-o", program)
        self.assertEqual(consumer.run(program), self.expected)

    def test_nothing_knows_where_it_was(self):
        for path in self.prefix.rglob("*"):
            if path.is_file() and path.suffix not in (".a", ""):
                data = path.read_bytes()
                for place in (ROOT, self.dir):
                    self.assertFalse(consumer.names(data, place), path)

    def test_what_there_is(self):
        for name in ("include/tinypeft/train.h", "share/doc/tinypeft/LICENSE",
                     "share/tinypeft/amalgam/tinypeft.c",
                     "share/tinypeft/amalgam/tinypeft/train.h",
                     "share/man/man1/tinypeft.1"):
            self.assertTrue((self.prefix / name).is_file(), name)


if __name__ == "__main__":
    consumer.main()
