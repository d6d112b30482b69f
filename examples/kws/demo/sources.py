"""The demo's data: a model that ships, and recordings of people."""
import hashlib
import os
import pathlib
import struct
import sys
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
NEEDED = pathlib.Path(__file__).with_name("SHA256SUMS")


def find(root, out):
    """The data folder: $TINYPEFT_DATA, else ../shared/data, else downloaded
    and compared with the pinned SHA-256."""
    named = os.environ.get("TINYPEFT_DATA")
    beside = root.parent / "shared/data"
    for folder in [pathlib.Path(named)] if named else [beside]:
        if (folder / "models/kws_ref_model.tflite").exists():
            return folder
    try:
        return download(out / "data")
    except OSError as error:
        sys.exit("demo: no data: set TINYPEFT_DATA to a folder that has it, "
                 "or put it into ../shared/data, or connect to the internet "
                 f"for the public originals ({error}).")


def download(folder):
    for line in NEEDED.read_text().splitlines():
        digest, name = line.split()
        path = folder / name
        if path.exists():
            continue
        part = name.split("/")
        with urllib.request.urlopen(PUBLIC[part[0]] + part[1],
                                    timeout=30) as answer:
            content = answer.read()
        if hashlib.sha256(content).hexdigest() != digest:
            sys.exit(f"demo: {name} as published has another SHA-256 than "
                     "the one pinned in examples/kws/demo/SHA256SUMS")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
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
