"""A second as a microphone hears it: a word somewhere in it, and noise."""
import numpy as np
from scipy.signal import lfilter

from speech import RATE

KINDS = ["none", "white", "pink", "hum", "babble"]
SNR_DB = (5, 25)
VOICES_OF_BABBLE = 4


def pink(rng):
    """About -3 dB an octave: low passes three octaves apart, of equal power."""
    total = np.zeros(RATE)
    for corner in (20, 160, 1280, 10240):
        pole = np.exp(-2 * np.pi * corner / RATE)
        white = rng.standard_normal(2 * RATE)
        total += lfilter([np.sqrt(1 - pole * pole)], [1, -pole], white)[RATE:]
    return total


def hum(rng):
    """The mains, 50 or 60 Hz, with seven harmonics that fall off."""
    base = rng.choice([50.0, 60.0])
    t = np.arange(RATE) / RATE
    return sum(rng.uniform(0.3, 1) / k *
               np.sin(2 * np.pi * (base * k * t + rng.uniform()))
               for k in range(1, 9))


def babble(rng, others):
    """Other words, one upon another."""
    total = np.zeros(RATE)
    for i in rng.integers(len(others), size=VOICES_OF_BABBLE):
        sound = np.resize(others[i], RATE)
        total += np.roll(sound, rng.integers(RATE))
    return total


def noise(kind, rng, others):
    if kind == "babble":
        return babble(rng, others)
    if kind == "white":
        return rng.standard_normal(RATE)
    return {"pink": pink, "hum": hum}[kind](rng)


def second(sound, rng, others):
    """int16 [16000]: the word up to 0.1 s off the middle, one kind of noise
    5 to 25 dB below the word's mean power, or none, at some level.
    others: words that babble is made of, those of the same set."""
    out = np.zeros(RATE)
    sound = sound[:RATE]
    slack = (RATE - len(sound)) // 2
    shift = rng.integers(-RATE // 10, RATE // 10, endpoint=True)
    start = slack + int(np.clip(shift, -slack, slack))
    out[start:start + len(sound)] = sound
    kind = rng.choice(KINDS)
    if kind != "none":
        added = noise(kind, rng, others)
        power = np.mean(sound ** 2) * 10 ** (-rng.uniform(*SNR_DB) / 10)
        out += added * np.sqrt(power / np.mean(added ** 2))
    level = 10 ** rng.uniform(-1.5, 0) * 32767 / np.abs(out).max()
    return np.rint(out * level).astype(np.int16)
