"""What a device would compute of a measurement: 64 levels in int8.

Frames of 2048 samples, half over each other, a Hann window, the mean of their
squared spectra (Welch 1967, IEEE Transactions on Audio and Electroacoustics 15,
70-73), summed in bands that widen with frequency, in decibels. One step is half
a decibel.
"""
import numpy as np

from machine import RATE

FRAME = 2048
BANDS = 64
STEPS = 2  # a decibel
ZERO = -7  # decibels that are 0

WINDOW = np.hanning(FRAME + 1)[:FRAME]


def edges():
    """First bins of the bands and the end: 10 Hz to 6400, a bin at least."""
    f = 100 * ((64.0 ** (np.arange(BANDS + 1) / BANDS)) - 1) + 10
    bins = np.rint(f * FRAME / RATE).astype(int)
    for i in range(1, len(bins)):
        bins[i] = max(bins[i], bins[i - 1] + 1)
    return np.minimum(bins, FRAME // 2)


def levels(x):
    """int8 [BANDS] of one measurement."""
    starts = range(0, len(x) - FRAME + 1, FRAME // 2)
    frames = np.stack([x[s:s + FRAME] for s in starts]) * WINDOW
    power = np.mean(np.abs(np.fft.rfft(frames)) ** 2, axis=0) / FRAME
    band = np.add.reduceat(power, edges()[:-1])
    q = np.rint(STEPS * (10 * np.log10(band + 1e-12) - ZERO))
    return np.clip(q, -128, 127).astype(np.int8)
