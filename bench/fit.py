#!/usr/bin/env python3
"""Makes compiler/plan/cost.def from what bench/kernels.c measured.

    bench/fit.py MEASURED COST.DEF

For each kernel: weights >= 0 of its terms such that the squares of the
relative errors are least (Lawson and Hanson's algorithm). Prints the largest
error over the shapes of each kernel; fails where a row was not measured.
"""
import pathlib
import re
import sys

UNIT = 256  # weights are in 2^-8 instructions
ROW = re.compile(r"^TP_COST\((\w+), (\w+),[^)]*\)", re.M)


def solve(a, b):
    """x of a x = b by elimination; a column without a pivot gives 0."""
    n = len(b)
    m = [row[:] + [v] for row, v in zip(a, b)]
    for i in range(n):
        top = max(range(i, n), key=lambda r: abs(m[r][i]))
        m[i], m[top] = m[top], m[i]
        if abs(m[i][i]) < 1e-9:
            m[i] = [0.0] * (n + 1)
            m[i][i] = 1.0
        for r in range(n):
            if r != i:
                f = m[r][i] / m[i][i]
                m[r] = [x - f * y for x, y in zip(m[r], m[i])]
    return [m[i][n] / m[i][i] for i in range(n)]


def nonnegative(rows, wanted):
    """Least squares with x >= 0."""
    n = len(rows[0])
    normal = [[sum(r[i] * r[j] for r in rows) for j in range(n)]
              for i in range(n)]
    right = [sum(r[i] * w for r, w in zip(rows, wanted)) for i in range(n)]
    x, free = [0.0] * n, []
    for _ in range(10 * n):
        slope = [right[i] - sum(normal[i][j] * x[j] for j in range(n))
                 for i in range(n)]
        rest = [i for i in range(n) if i not in free and slope[i] > 1e-7]
        if not rest:
            break
        free.append(max(rest, key=lambda i: slope[i]))
        while True:
            s = solve([[normal[i][j] for j in free] for i in free],
                      [right[i] for i in free])
            if min(s) >= 0:
                break
            step = min(x[i] / (x[i] - v) for i, v in zip(free, s)
                       if v <= 0 < x[i] or v < 0)
            for i, v in zip(free, s):
                x[i] += step * (v - x[i])
            free = [i for i in free if x[i] > 1e-12]
        x = [0.0] * n
        for i, v in zip(free, s):
            x[i] = v
    return x


def fit(cases):
    """Weights of one kernel in 2^-8, and its largest relative error."""
    size = [max(t[i] / n for n, t in cases) or 1
            for i in range(len(cases[0][1]))]
    rows = [[v / n / s for v, s in zip(t, size)] for n, t in cases]
    x = nonnegative(rows, [1.0] * len(rows))
    weights = [round(UNIT * v / s) for v, s in zip(x, size)]
    while len(weights) > 1 and weights[-1] == 0:
        weights.pop()
    errors = [abs(sum(w * v for w, v in zip(weights, t)) / UNIT / n - 1)
              for n, t in cases]
    return weights, max(errors)


def main():
    measured, table = map(pathlib.Path, sys.argv[1:3])
    cases = {}
    for line in measured.read_text().splitlines():
        name, *numbers = line.split()
        n, *terms = map(int, numbers)
        cases.setdefault(name, []).append((n, terms))
    worst = []

    def row(match):
        kernel, terms = match.groups()
        if kernel not in cases:
            sys.exit(f"fit: {kernel} has a row in {table}, but no case in "
                     "bench/shapes.c")
        weights, error = fit(cases[kernel])
        worst.append(error)
        print(f"{kernel:28} {len(cases[kernel]):3} shapes, largest error "
              f"{100 * error:5.1f} %")
        text = f"TP_COST({kernel}, {terms}, "
        line = text + ", ".join(map(str, weights)) + ")"
        if len(line) > 80:
            line = text.rstrip() + "\n        " + ", ".join(
                map(str, weights)) + ")"
        return line

    table.write_text(ROW.sub(row, table.read_text()))
    print(f"{len(worst)} kernels, largest error {100 * max(worst):.1f} %")


if __name__ == "__main__":
    main()
