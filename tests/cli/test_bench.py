#!/usr/bin/env python3
"""How the bench gives regions to steps, and its cycles, against sums by hand.

    tests/cli/test_bench.py TINYPEFT
"""
import pathlib
import sys
import tempfile
import unittest
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import count  # noqa: E402
import cycles  # noqa: E402
import elf  # noqa: E402
from elf import Function, Instruction  # noqa: E402

NONE = 2**64 - 1


class FakeProgram:
    """Instructions of two bytes each, from (name, operands)."""

    def __init__(self, code, functions=()):
        self.instructions = {
            2 * i: Instruction(2 * i, 2, *line) for i, line in enumerate(code)}
        self.functions = list(functions)

    def outermost(self, functions):
        return functions

    def returns(self, function):
        return [i.address + 2 for i in self.instructions.values()
                if i.name == "bl" and function.address <= i.address <
                function.address + function.size]


def step(counts, taken=()):
    return count.Step("", "", "", 0, "", Counter(counts), Counter(taken))


class Cycles(unittest.TestCase):
    def spent(self, code, times=1, taken=()):
        program = FakeProgram(code)
        return cycles.estimate(
            program, step({a: times for a in program.instructions}, taken))

    def test_loads(self):
        self.assertEqual(self.spent([("ldr", "r0, [r1, #4]")])[0], 2)
        self.assertEqual(self.spent([("ldr.w", "r0, [r1], #4"),
                                     ("ldrsb.w", "r2, [r3, r4]")])[0], 3)
        # The second one's address is what the first one loads.
        self.assertEqual(self.spent([("ldr", "r0, [r1, #4]"),
                                     ("ldrb", "r2, [r0, #0]")])[0], 4)
        self.assertEqual(self.spent([("ldrd", "r0, r1, [r2]")])[0], 3)
        self.assertEqual(self.spent([("ldmia.w", "r0!, {r1, r4-r7}")])[0], 6)
        self.assertEqual(self.spent([("pop", "{r4, r5, pc}")])[0], 6)
        self.assertEqual(self.spent([("str", "r0, [r1, #4]")])[0], 1)

    def test_others(self):
        self.assertEqual(self.spent([("smlad", "r0, r1, r2, r0"),
                                     ("smull", "r0, r1, r2, r3"),
                                     ("bls.n", "40")])[0], 3)
        self.assertEqual(self.spent([("sdiv", "r0, r1, r2")])[0], 7)
        loop = [("subs", "r0, #1"), ("bne.n", "0")]
        self.assertEqual(self.spent(loop, 10, {2: 9})[0], 20 + 9 * 2)

    def test_flash(self):
        """64 lines fit and 65 do not; 6 cycles at least for each then, of
        which eight additions need no more and four long ones do."""
        line = [("adds", "r0, #1")] * 8
        self.assertEqual(self.spent(line * 64, 5), (2560, 2560))
        self.assertEqual(self.spent(line * 66, 5), (2640, 2640))
        program = FakeProgram(line * 66)
        every_second = step({a: 5 for a in program.instructions if a % 4 == 0})
        self.assertEqual(cycles.estimate(program, every_second),
                         (66 * 20, 66 * 30))


SOURCE = """
static void infer(const tp_ctx *ctx, const void *x, void *y) {
    /* 0 a: conv 1x2 -> 1x3, 6 MAC,
     * y = 1 * (q + 0) */
    tp_a_ref(&a_op, x);
    tp_b_ref(&a_op2, x);
    /* 1 c: softmax 1x3 -> 1x3 */
    tp_c_ref(&c_op, x,
        y);
}
"""


class Linked(unittest.TestCase):
    def test_whose(self):
        for part, name, file, kind in (
                ("runtime", "tp_train_begin", None, "FUNC"),
                ("runtime", "walk", "conv2d.c", "FUNC"),
                ("library", "memcpy", None, "FUNC"),
                ("library", "__aeabi_uldivmod", None, "FUNC"),
                ("generated", "step", "kws_fa.c", "FUNC"),
                ("constants", "params", "kws_fa.c", "OBJECT"),
                ("constants", "kws_fa_conv2_packed", None, "OBJECT"),
                ("port", "tp_qemu_start", None, "FUNC"),
                ("port", "load", "bench-kws_fa.c", "FUNC"),
                ("port", "main", None, "FUNC")):
            self.assertEqual(elf.whose(name, file, kind, "kws_fa"), part)


class Regions(unittest.TestCase):
    """infer at 0 to 9: three calls, the last one a jump. It is called from 20,
    kernels are at 40. After the first call a jump goes behind the second."""

    def setUp(self):
        code = [("nop", "")] * 40
        code[1] = code[3] = ("bl", "40")
        code[11] = ("bl", "0")
        self.program = FakeProgram(
            code, [Function(0, 10, "infer", "m.c"),
                   Function(20, 10, "tp_bench_infer", None),
                   Function(30, 10, "tp_bench_sample", None)])

    def counted(self, regions):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m.c"
            path.write_text(SOURCE)
            counting = count.Counting(self.program, path)
        counting.add([count.Region(m, [(b, n, NONE, 0) for b, n in blocks])
                      for m, blocks in regions])
        return counting.steps[0]

    def test_steps(self):
        steps = self.counted([
            (None, [([60], 100)]),
            (20, [([20, 22], 1)]),
            (0, [([0, 2], 1), ([40, 42], 7)]),
            (4, [([4], 1)]),  # and a jump, no call: still this step
            (8, [([8], 1), ([40], 3)]),
            (4, [([4, 6], 1), ([50], 5)]),
            (24, [([24, 26], 1)])])
        self.assertEqual([s.counts.total() for s in steps],
                         [2 + 14, 1 + 1 + 3, 2 + 5])
        self.assertEqual([(s.layer, s.kernel, s.macs) for s in steps],
                         [("a", "tp_a_ref", 6), ("a", "tp_b_ref", 0),
                          ("c", "tp_c_ref", 0)])

    def test_a_step_is_missing(self):
        with self.assertRaises(SystemExit):
            self.counted([(20, [([20, 22], 1)]),
                          (0, [([0, 2], 1), ([40, 42], 7)]),
                          (24, [([24, 26], 1)])])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
