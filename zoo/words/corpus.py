"""Sets of samples: many voices to train and test on, one person to adapt to."""
import zlib

import numpy as np

import noise
import speech
from features import features

CHUNK = 1000  # seconds of sound in memory at once


def draws(*key):
    """A generator of random numbers that belongs to the key."""
    return np.random.default_rng([zlib.crc32(str(k).encode()) for k in key])


class Corpus:
    """Samples of words: x int8 [n, 49, 10, 1], y uint8 [n]."""

    def __init__(self, name):
        self.name = name
        self.sounds, self.labels = [], []

    def say(self, language, variant, index, pitch=(20, 80), speed=(110, 200),
            take=0):
        rng = draws(self.name, language, variant, index, take)
        self.sounds.append(speech.word(language, variant, index, rng, pitch,
                                       speed))
        self.labels.append(index)

    def samples(self, copies):
        """Each word with noise of its own, so many times over."""
        rng = draws(self.name, "noise")
        order = [i for i in range(len(self.sounds)) for _ in range(copies)]
        parts = []
        for k in range(0, len(order), CHUNK):
            seconds = [noise.second(self.sounds[i], rng, self.sounds)
                       for i in order[k:k + CHUNK]]
            parts.append(features(seconds, 1 + k))
        return (np.concatenate(parts),
                np.array(self.labels, np.uint8)[order])


def crowd(name, languages, variants, takes=1, copies=1):
    """Every word by every voice of these."""
    corpus = Corpus(name)
    for variant in variants:
        for language in languages:
            for index in range(len(speech.WORDS)):
                for take in range(takes):
                    corpus.say(language, variant, index, take=take)
    return corpus.samples(copies)


def person(language, variant, takes, what):
    """One person, who keeps near a pitch and a pace: every word `takes` times,
    none said twice in the same way. what: "train" or "test"."""
    rng = draws("person", language, variant)
    pitch, speed = rng.integers(30, 71), rng.integers(130, 181)
    corpus = Corpus(f"person {what}")
    for index in range(len(speech.WORDS)):
        for take in range(takes):
            corpus.say(language, variant, index, (pitch - 8, pitch + 8),
                       (speed - 20, speed + 20), take)
    return corpus.samples(1)
