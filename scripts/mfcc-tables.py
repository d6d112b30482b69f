#!/usr/bin/env python3
"""Prints examples/kws/frontend/mfcc_tables.h: every constant of the front end.

    scripts/mfcc-tables.py > examples/kws/frontend/mfcc_tables.h
    scripts/mfcc-tables.py --check examples/kws/frontend/mfcc_tables.h

Sources: Kaiser window and sinc (resampler), HTK Book 3.4 equation 5.13 (mel
scale), MLPerf Tiny keyword spotting (frame, band and quantisation numbers).
"""
import math
import sys

RATE, FRAME, FFT, BANDS, COEFFICIENTS = 16000, 480, 512, 40, 10
LOW_HZ, HIGH_HZ, OUTPUT_SCALE = 20.0, 4000.0, 0.5847029
TAPS, KAISER_BETA = 41, 5.0


def bessel_i0(x):
    """Modified Bessel function of order 0, by its power series."""
    total = term = 1.0
    for k in range(1, 60):
        term *= (x / (2 * k)) ** 2
        total += term
    return total


def interpolator():
    """Half-band low pass of gain 2 in the centre: h[0], h[1], h[3], .."""
    half = TAPS // 2

    def tap(m):
        window = bessel_i0(KAISER_BETA * math.sqrt(1 - (m / half) ** 2))
        sinc = 1.0 if m == 0 else math.sin(math.pi * m / 2) / (math.pi * m / 2)
        return window * sinc if m == 0 or m % 2 else 0.0

    taps = [tap(m) for m in range(half + 1)]
    gain = taps[0] + 2 * sum(taps[1:])
    return [2 * t / gain for t in [taps[0]] + taps[1::2]]


def mel(hz):
    return 1127.0 * math.log1p(hz / 700.0)


def mel_position(k):
    """Where FFT bin k lies, counted in centres of bands: 0 is LOW_HZ."""
    step = (mel(HIGH_HZ) - mel(LOW_HZ)) / (BANDS + 1)
    return (mel(k * RATE / FFT) - mel(LOW_HZ)) / step


def table(what, name, values, fraction_bits):
    integers = [math.floor(v * 2 ** fraction_bits + 0.5) for v in values]
    assert all(-2**31 <= i < 2**31 for i in integers)
    print(f"/* {what} */")
    print(f"static const int32_t {name}[{len(integers)}] = {{")
    line = "   "
    for n, i in enumerate(integers):
        item = f" {i}" + ("," if n + 1 < len(integers) else "};")
        if len(line) + len(item) > 80:
            print(line)
            line = "   "
        line += item
    print(line + "\n")


def header():
    print("/* Constants of the speech front end. Made by "
          "scripts/mfcc-tables.py; do not\n * edit. README.md here says what "
          "each one is for. */")
    print("#ifndef KWS_MFCC_TABLES_H\n#define KWS_MFCC_TABLES_H\n")
    print("#include <stdint.h>\n\n/* clang-format off */\n")
    table("Interpolator, Q14: centre, then taps at distance 1, 3, .. 19.",
          "interpolator_q14", interpolator(), 14)
    table("First half of a periodic Hann window of 480, Q30: symmetric.",
          "hann_q30", [0.5 - 0.5 * math.cos(2 * math.pi * n / FRAME)
                       for n in range(FRAME // 2 + 1)], 30)
    table("cos(2 pi k / 512), a quarter turn, Q30.", "cos_q30",
          [math.cos(2 * math.pi * k / FFT) for k in range(FFT // 4 + 1)], 30)
    table("Bins 1 to 127 on the mel scale, in bands, Q24.", "mel_q24",
          [mel_position(k) for k in range(1, FFT // 4)], 24)
    unit = 2 / math.sqrt(2 * BANDS) * math.log(2) / OUTPUT_SCALE
    table("cos(pi j / 80) times 2 / sqrt(80) * ln 2 / output scale, Q30.",
          "dct_q30", [unit * math.cos(math.pi * j / (2 * BANDS))
                      for j in range(BANDS + 1)], 30)
    print("/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        import contextlib
        import io
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            header()
        sys.exit(text.getvalue() != open(sys.argv[2]).read())
    header()
