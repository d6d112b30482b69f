"""The people whose samples are committed, and their files."""
import hashlib

import corpus
import recipe
import speech

LEARN, TEST = 5, 10  # clips of a word


def people(part, each):
    """(language, variant): the first of a part's variants by their hash,
    `each` with an English accent and as many with that of another language."""
    def digest(variant):
        return hashlib.sha256(variant.encode()).digest()

    chosen = sorted(part, key=digest)[:2 * each]
    for i, variant in enumerate(chosen):
        accents = speech.ENGLISH if i < each else speech.ACCENTS
        yield accents[digest(variant)[1] % len(accents)], variant


def write(content, folder, language, variant):
    """train_x, train_y, test_x, test_y, and TensorFlow Lite Micro's answers to
    the last; returns those and what would be right."""
    folder.mkdir(parents=True, exist_ok=True)
    for what, takes in (("train", LEARN), ("test", TEST)):
        x, y = corpus.person(language, variant, takes, what)
        x.tofile(folder / f"{what}_x.bin")
        y.tofile(folder / f"{what}_y.bin")
    told = recipe.answers(content, x)
    told.tofile(folder / "test_tflm.bin")
    return told, y
