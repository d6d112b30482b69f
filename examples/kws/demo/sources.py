"""The demo's data: a model that ships, and recordings of people; without them
the project's own model and voices."""
import hashlib
import http.client
import os
import pathlib
import struct
import sys
import threading
import urllib.request
import wave

# In this order: their position is part of each clip's dither seed.
SPEAKERS = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
PUBLIC = {
    "models": "https://raw.githubusercontent.com/mlcommons/tiny/1afd2c98/"
              "benchmark/training/keyword_spotting/trained_models/",
    "fsdd": "https://raw.githubusercontent.com/Jakobovski/"
            "free-spoken-digit-dataset/26eb9aaf/recordings/",
}
NO_ANSWER = (OSError, http.client.HTTPException)
PATIENCE = 5  # seconds, until there counts as no network
NEEDED = pathlib.Path(__file__).with_name("SHA256SUMS")


class Missing(Exception):
    """Why there is no data."""


def find(root, out):
    """The data folder; stops where there is none."""
    try:
        return look(root, out)
    except Missing as why:
        sys.exit("demo: no data: set TINYPEFT_DATA to a folder that has it, "
                 "or put it into ../shared/data, or connect to the internet "
                 f"for the public originals ({why}).")


def look(root, out):
    """The data folder: $TINYPEFT_DATA, else ../shared/data, else downloaded
    and compared with the pinned SHA-256."""
    named = os.environ.get("TINYPEFT_DATA")
    folder = pathlib.Path(named) if named else root.parent / "shared/data"
    if (folder / "models/kws_ref_model.tflite").exists():
        return folder
    try:
        return download(out / "data")
    except NO_ANSWER as error:
        raise Missing(f"nothing in {folder}, and the network says: {error}"
                      ) from error


def address(name):
    part, file = name.split("/")
    return PUBLIC[part] + file


def reach(name):
    """Raises one of NO_ANSWER unless the public original answers soon. In a
    thread: the search for a host's address has no time limit of its own."""
    failed = [OSError(f"no answer in {PATIENCE} s")]

    def ask():
        try:
            with urllib.request.urlopen(address(name), timeout=PATIENCE):
                failed[0] = None
        except NO_ANSWER as error:
            failed[0] = error

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if failed[0]:
        raise failed[0]


def download(folder):
    wanted = [line.split() for line in NEEDED.read_text().splitlines()]
    wanted = [(d, n) for d, n in wanted if not (folder / n).exists()]
    if wanted:
        reach(wanted[0][1])
    for digest, name in wanted:
        with urllib.request.urlopen(address(name), timeout=30) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != digest:
            sys.exit(f"demo: {name} as published has another SHA-256 than "
                     "the one pinned in examples/kws/demo/SHA256SUMS")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # What is there is not compared again, so it is there whole.
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)
    return folder


def write_clips(data, speaker, indices, path):
    """A clip file (examples/kws/README.md): every digit, these recordings."""
    seat = SPEAKERS.index(speaker)
    with open(path, "wb") as out:
        for digit in range(10):
            for index in indices:
                name = data / f"fsdd/{digit}_{speaker}_{index}.wav"
                with wave.open(str(name)) as sound:
                    samples = sound.readframes(sound.getnframes())
                    rate = sound.getframerate()
                seed = digit * 10000 + seat * 1000 + index + 1
                out.write(struct.pack("<4I", rate, len(samples) // 2, seed,
                                      digit) + samples)


def write_features(voice, part, path):
    """A clip file out of a voice of zoo/words: features, so rate 0."""
    x = (voice / f"{part}_x.bin").read_bytes()
    labels = (voice / f"{part}_y.bin").read_bytes()
    size = len(x) // len(labels)
    path.write_bytes(b"".join(
        struct.pack("<4I", 0, size, 0, label) + x[i * size:(i + 1) * size]
        for i, label in enumerate(labels)))
