"""Where LiteRT's reference kernels give other bytes than TensorFlow Lite Micro.

Models are taken apart: each operator is run alone in TensorFlow Lite Micro on
what LiteRT feeds it, so that every difference is one operator's own. It has to
be in the table, and no larger than it says. SPEC.md, 8, has the reasons at
length."""
import collections

import numpy as np

from interpreters import ask, inside, tflm
from reader import File, cut_out

Difference = collections.namedtuple("Difference", "code when most why")


def scales_differ(op):
    return op.x.scale != op.y.scale or op.x.zero != op.y.zero


def always(op):
    return True


def shifts_left(op):
    x, w = op.inputs[:2]
    return float(x.scale) * float(max(w.scales)) >= float(op.y.scale)


def coarse(op):
    return op.x.scale >= 8


def rather_coarse(op):
    return op.x.scale >= 4


# The first entry that fits an operator counts.
DIFFERENCES = (
    Difference("FULLY_CONNECTED", shifts_left, 255,
               "sums scaled by 1 and more leave 32 bits, each in its own way"),
    Difference("FULLY_CONNECTED", always, 1,
               "LiteRT multiplies in double and rounds once, TFLM twice"),
    Difference("RELU6", scales_differ, 255,
               "TFLM clamps, but does not requantise"),
    Difference("RELU", scales_differ, 1,
               "LiteRT rounds the quotient of the scales to float32"),
    Difference("MUL", always, 1,
               "LiteRT rounds the quotient of the scales to float32"),
    Difference("LEAKY_RELU", always, 1,
               "LiteRT rounds the quotient of the scales to float32"),
    Difference("LOGISTIC", coarse, 128,
               "a step of 8 and more: TFLM takes 0 for minus infinity"),
    Difference("LOGISTIC", rather_coarse, 5,
               "a step of 4 and more: TFLM takes a single one for infinity"),
    Difference("LOGISTIC", always, 1,
               "LiteRT takes a table of float32, TFLM fixed point"),
    Difference("TANH", coarse, 128,
               "a step of 8 and more: TFLM takes 0 for minus infinity"),
    Difference("TANH", always, 1,
               "LiteRT takes a table of float32, TFLM fixed point"),
)


def largest(answers, values):
    """Between the bytes of one interpreter and the other's arrays; infinite
    where there are none, or they have other shapes."""
    if answers is None or len(answers) != sum(v.nbytes for v in values):
        return float("inf")
    want = np.concatenate([v.reshape(-1) for v in values])
    have = np.frombuffer(answers, want.dtype)
    return float(np.max(np.abs(have.astype(np.float64) - want)))


def of_operators(content, samples):
    """(operator, largest difference) of those that differ. An operator that
    does not run alone differs without bound."""
    values = inside(content, samples)
    found = []
    for at, op in enumerate(File(content).ops):
        if op.y.type not in ("int8", "uint8", "float32"):
            continue
        alone, fed = cut_out(content, at)
        have, _ = ask(tflm, alone, [[v[i] for i in fed] for v in values or []])
        most = largest(have, [v[op.y.index] for v in values or []])
        if most > 0:
            found.append((op, most))
    return found


def explain(content, samples):
    """(entries of the table by their place with the largest difference, what
    the table does not explain)."""
    entries, unknown = {}, []
    differing = of_operators(content, samples)
    for op, most in differing:
        place = next((i for i, d in enumerate(DIFFERENCES)
                      if d.code == op.code and d.when(op)), None)
        if place is None or most > DIFFERENCES[place].most:
            unknown.append(f"{op.code} by {most:g}")
        else:
            entries[place] = max(most, entries.get(place, 0))
    if not differing:
        unknown.append("no operator alone")
    return entries, unknown
