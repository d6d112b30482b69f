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


# The first entry that fits an operator counts.
DIFFERENCES = (
    Difference("FULLY_CONNECTED", shifts_left, 255,
               "a factor of 1 and more: TFLM shifts left first and wraps"),
    Difference("FULLY_CONNECTED", always, 1,
               "LiteRT rounds once, TFLM twice"),
    Difference("RELU6", scales_differ, 255,
               "TFLM clamps, but does not requantise"),
    Difference("RELU", scales_differ, 1,
               "LiteRT rounds the quotient of the scales to float32"),
    Difference("LEAKY_RELU", always, 1,
               "LiteRT rounds the quotient of the scales to float32"),
    Difference("LOGISTIC", coarse, 128,
               "a step of 8 and more: TFLM takes 0 for minus infinity"),
    Difference("LOGISTIC", always, 1,
               "LiteRT takes a table of float32, TFLM fixed point"),
    Difference("TANH", coarse, 128,
               "a step of 8 and more: TFLM takes 0 for minus infinity"),
    Difference("TANH", always, 1,
               "LiteRT takes a table of float32, TFLM fixed point"),
)


def largest(a, b):
    return float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64)),
                        initial=0))


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
        if values is None or have is None:
            found.append((op, float("inf")))
            continue
        want = np.stack([v[op.y.index] for v in values])
        have = np.frombuffer(have, want.dtype).reshape(want.shape)
        if have.tobytes() != want.tobytes():
            found.append((op, largest(have, want)))
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
