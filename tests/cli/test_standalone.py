#!/usr/bin/env python3
"""compile --standalone: a folder that any compiler takes as it is, wherever it
lies, for the host and for boards; the program says what the interpreter says.
Usage: test_standalone.py TINYPEFT."""
import shutil
import sys

from cli_case import ROOT, TOOL, Case

sys.path.insert(0, str(ROOT / "tests/consumer"))

import consumer  # noqa: E402

WORDS = ROOT / "zoo/words/words.tflite"
MACHINES = ROOT / "zoo/vibration/vibration.tflite"
SOURCES = ["consumer.c", "consumer_weights.c", "tinypeft.c"]


class Standalone(Case):
    def make(self, target="portable"):
        """A folder that was moved since; what its program must print."""
        tool = shutil.copy(TOOL, self.dir / "elsewhere")
        made, folder = self.dir / "made/deep", self.dir / "moved"
        consumer.run(tool, "compile", WORDS, *consumer.ADAPTER, "--target",
                     target, "--name", consumer.NAME, "--standalone", "-o",
                     made)
        made.rename(folder)
        self.assertEqual(sorted(p.name for p in folder.glob("*.c")), SOURCES)
        expected = consumer.prepare(TOOL, WORDS, 490, self.dir)
        shutil.copy(consumer.HERE / "main.c", self.dir)
        return folder, expected

    def build(self, folder, *command):
        program = self.dir / "program"
        consumer.run(*command, *consumer.WARNINGS, f"-I{folder}",
                     f"-I{self.dir}", *folder.glob("*.c"), self.dir / "main.c",
                     "-o", program)
        return program

    def test_host(self):
        folder, expected = self.make()
        for compiler in ("cc", "clang-14"):
            if shutil.which(compiler):
                program = self.build(folder, compiler,
                                     consumer.HERE / "say_host.c")
                self.assertEqual(consumer.run(program), expected)

    def board(self, cpu):
        if not consumer.has(cpu):
            self.skipTest(f"no compiler, or no emulator, for {cpu}")
        folder, expected = self.make(consumer.BOARDS[cpu].target)
        program = self.build(folder, *consumer.board_command(cpu))
        self.assertEqual(consumer.run_board(program), expected)

    def test_m0(self):
        self.board("m0")

    def test_m4(self):
        self.board("m4")

    def test_rv32(self):
        self.board("rv32")

    def test_no_include_path(self):
        """As in the src of an Arduino sketch."""
        folder, _ = self.make()
        source = self.file("main.c", b'#include "moved/consumer.h"\n'
                           b'#include "moved/tinypeft/update.h"\n'
                           b"int main(void) { return 0; }\n")
        for path in (source, *folder.glob("*.c")):
            consumer.run("cc", *consumer.WARNINGS, "-c", path, "-o",
                         self.dir / "object.o")

    def test_cplusplus(self):
        """A C++ program includes the headers."""
        if not shutil.which("g++"):
            self.skipTest("no C++ compiler")
        folder, _ = self.make()
        source = self.file("main.cpp", b'#include "consumer.h"\n'
                           b'#include "tinypeft/update.h"\n'
                           b"static consumer_memory memory;\nint main() {\n"
                           b"    tp_train_config c = TP_TRAIN_DEFAULTS;\n"
                           b"    return c.batch == 0 ||\n"
                           b"           consumer_open(&memory).model == nullptr;"
                           b"\n}\n")
        consumer.run("g++", "-std=c++11", "-pedantic", "-Wall", "-Wextra",
                     "-Werror", f"-I{folder}", "-c", source, "-o",
                     self.dir / "main.o")


class Folder(Case):
    def contents(self, name):
        folder = self.dir / name
        return {p.relative_to(folder): p.read_bytes()
                for p in folder.rglob("*") if p.is_file()}

    def test_two_models_and_twice_the_same(self):
        for name in ("a", "b"):
            self.ok("compile", WORDS, "--standalone", "-o", name)
            text = self.ok("compile", MACHINES, "--standalone", "-o", name)
            self.assertIn("tinypeft.c", text)
        self.assertEqual(self.contents("a"), self.contents("b"))
        consumer.run("cc", *consumer.WARNINGS, "-fsyntax-only", "-Ia",
                     *self.dir.glob("a/*.c"), cwd=self.dir)
        for path, data in self.contents("a").items():
            self.assertFalse(consumer.names(data, ROOT), path)

    def test_the_library_is_that_of_make_amalgam(self):
        self.ok("compile", WORDS, "--standalone", "--name", "words", "-o", "a")
        consumer.run(ROOT / "scripts/amalgam/amalgam", self.dir / "b")
        for name in ("words.h", "words.c", "words_weights.c"):
            (self.dir / "a" / name).unlink()
        self.assertEqual(self.contents("a"), self.contents("b"))

    def test_the_model_is_the_same_without(self):
        self.ok("compile", WORDS, "--standalone", "-o", "with")
        self.ok("compile", WORDS, "-o", "without")
        for path, data in self.contents("without").items():
            with_it = self.contents("with")[path].decode()
            self.assertEqual(with_it.replace(" --standalone", ""),
                             data.decode())
        self.assertEqual(len(self.contents("without")), 3)

    def test_nothing_is_half_written(self):
        self.fails(2, "--standalone: --output DIR is missing", "compile", WORDS,
                   "--standalone", "--dump=plan")
        part = self.file("part.tflite", WORDS.read_bytes()[:20000])
        self.fails(1, "part.tflite: ", "compile", part, "--standalone", "-o",
                   "new/folder")
        self.fails(2, "new/tinypeft.h is a file of the device library, too",
                   "compile", WORDS, "--standalone", "--name", "tinypeft", "-o",
                   "new")
        self.file("tinypeft", b"a file, no folder")
        self.fails(1, "tinypeft: is not a folder", "compile", WORDS,
                   "--standalone", "-o", self.dir)


if __name__ == "__main__":
    consumer.main()
