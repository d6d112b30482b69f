"""Spoken words, synthesised by espeak-ng: who speaks, what, and who is held
out.

A variant of espeak-ng is a throat: formants, breath, pitch. A language is what
the throat has learned to say. Together they are a voice.
"""
import hashlib
import re
import shutil
import subprocess

import numpy as np
from scipy.signal import resample_poly

VERSION = "1.51"  # another one has other variants, and other bytes
RATE = 16000
# The classes, in the model's order.
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go",
         "start", "back"]
ENGLISH = ["en-029", "en-gb", "en-gb-scotland", "en-gb-x-gbclan",
           "en-gb-x-gbcwmd", "en-gb-x-rp", "en-us", "en-us-nyc"]
# Spelling rules of another language would make other words of these, so they
# are given as sounds: each English sound as the nearest that these languages
# have, which is what a foreign accent is. espeak-ng then says them its way.
ACCENTS = ["cs", "de", "el", "es", "fr", "hi", "id", "it", "nl", "pl", "pt",
           "ro", "ru", "sv", "tr"]
SOUNDS = dict(zip(WORDS, ["jEs", "no", "ap", "daun", "lEft", "rait", "On",
                          "Of", "stOp", "go", "start", "bak"]))
ENDINGS = ["", ".", "!", "?"]  # intonations
PARTS = ["held out", "choosing", "training", "training", "training"]


def espeak(*arguments):
    return subprocess.run(["espeak-ng", *arguments], check=True,
                          capture_output=True).stdout


def check():
    """Stops where there is no espeak-ng; warns of another version."""
    if not shutil.which("espeak-ng"):
        raise SystemExit("words: espeak-ng is not installed; on Debian and "
                         "Ubuntu: apt-get install espeak-ng")
    if f" {VERSION} " not in espeak("--version").decode():
        print(f"words: not espeak-ng {VERSION}: the bytes will be others than "
              "the committed ones")


def family(variant):
    """Variants of one family, such as steph, steph2, may be much alike."""
    return re.sub(r"\d+$", "", variant).lower()


def part(variant):
    """What a variant is for. Its name decides, before anything is trained."""
    digest = hashlib.sha256(family(variant).encode()).digest()
    return PARTS[digest[0] % len(PARTS)]


def variants():
    """Every variant that is installed, by name; of those with the same sound
    the first. Sound that is not the same twice would not be repeatable."""
    listed = espeak("--voices=variant").decode()
    names = re.findall(r"!v/(.*?)\s*(?:\(.*\))?$", listed, re.M)
    heard = {}
    for name in sorted(names):
        once, twice = (speak("en-us", name, "yes", 50, 150) for _ in range(2))
        if once != twice:
            raise SystemExit(f"words: {name} does not sound the same twice")
        heard.setdefault(once, name)
    return sorted(heard.values())


def speak(language, variant, text, pitch, speed):
    """int16 samples as bytes, at 22,050 Hz, behind the 44 bytes of a head."""
    return espeak("-v", f"{language}+{variant}", "-p", str(pitch), "-s",
                  str(speed), "--stdout", text)[44:]


def word(language, variant, index, rng, pitch, speed):
    """One word, said once: float64 at 16 kHz, largest value 1, no silence at
    its ends. pitch, speed: (lowest, highest) of espeak-ng's numbers."""
    text = WORDS[index]
    if language in ACCENTS:
        text = f"[[{SOUNDS[text]}]]"
    said = speak(language, variant, text + str(rng.choice(ENDINGS)),
                 rng.integers(*pitch, endpoint=True),
                 rng.integers(*speed, endpoint=True))
    sound = np.frombuffer(said, "<i2").astype(np.float64)
    sound = resample_poly(sound, 320, 441)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    sound = sound[loud[0]:loud[-1] + 1]
    return sound / np.abs(sound).max()
