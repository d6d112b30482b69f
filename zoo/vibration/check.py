#!/usr/bin/env python3
"""Looks at simulated machines as an analyst looks at real ones: are faults where
theory has them? Ends with 1 where one is not.

Knocks: the spectrum of the envelope above 3 kHz must have its rate among the
three strongest peaks below 400 Hz (Randall and Antoni 2011, as in machine.py).
The rates are derived here from the cage alone: an outer race meets n balls as the
cage turns, an inner race as the shaft turns past it, a ball both races at every
turn of its own. Shaft: the line of its speed must rise with unbalance, that of
twice the speed with misalignment.
"""
import sys

import numpy as np

import machine

SEEDS = range(301, 311)
WINDOW = np.hanning(machine.LENGTH)
HZ = np.fft.rfftfreq(machine.LENGTH, 1 / machine.RATE)
SHAFT = {"unbalance": 1, "misalignment": 2}


def spectrum(x):
    return np.abs(np.fft.rfft(x * WINDOW))


def envelope(x):
    half = np.fft.rfft(x)
    half[HZ < 3000] = 0
    whole = np.zeros(len(x), complex)
    whole[:len(half)] = 2 * half
    size = np.abs(np.fft.ifft(whole))
    return size - size.mean()


def peaks_of(low):
    """Frequencies of the three strongest values that no neighbour exceeds."""
    top = [i for i in range(2, len(low) - 2) if low[i] == low[i - 2:i + 3].max()]
    return np.sort(HZ[sorted(top, key=lambda i: low[i])[-3:]])


def expected(m, fault):
    """Knocks in a turn of the shaft."""
    cage = (1 - m.ratio) / 2
    spin = (1 - cage) * (1 - m.ratio) / m.ratio  # rolls within the inner race
    return {"outer": m.balls * cage, "inner": m.balls * (1 - cage),
            "ball": 2 * spin, "tooth": 1}[fault]


def mean_of(m, seed, fault, severity, view):
    r = np.random.default_rng([seed, 3])
    return sum(spectrum(view(machine.measure(m, r, fault, severity)))
               for _ in range(8)) / 8


def main():
    wrong = 0
    for seed in SEEDS:
        m = machine.draw(seed)
        speed = m.speed * (1 - m.slip * 0.65)  # at the mean load
        for fault, (_, most) in machine.FAULTS.items():
            if fault in SHAFT:
                near = np.abs(HZ - SHAFT[fault] * speed) < 2.5
                lines = [mean_of(m, seed, fault, severity, np.asarray)[near]
                         for severity in (0, most)]
                found = lines[1].max() / lines[0].max()
                good, text = found > 2, f"line {found:.1f} times as high"
            else:
                low = mean_of(m, seed, fault, most, envelope)[HZ < 400]
                peaks = peaks_of(low)
                rate = expected(m, fault) * speed
                good = np.min(np.abs(peaks - rate)) < 0.02 * rate + 1
                text = f"{rate:.1f} Hz expected, peaks at {peaks.round(1)}"
            wrong += not good
            print(f"machine {seed}, {fault}: {text}{'' if good else '  WRONG'}")
    print(f"{wrong} of {len(SEEDS) * len(machine.FAULTS)} are not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
