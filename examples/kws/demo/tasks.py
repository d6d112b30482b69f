"""What the demo lets the device learn: ten digits of a person, or the voices
of people that a model of the project's own has never heard."""
import dataclasses
import pathlib
import sys
import typing

import sources

TESTS = range(20)  # recordings 0..19 of each digit are for testing


@dataclasses.dataclass(frozen=True)
class Task:
    title: str  # "the device learns ..."
    model: pathlib.Path
    adapters: list
    epochs: int
    shots: int
    people: list
    # (person, path of the clips to learn from, of those to test with)
    write: typing.Callable


def digits(data, options):
    shots = options.shots or 5

    def write(speaker, train, test):
        indices = range(len(TESTS), len(TESTS) + shots)
        sources.write_clips(data, speaker, indices, train)
        sources.write_clips(data, speaker, TESTS, test)

    return Task(title="ten new words",
                model=data / "models/kws_ref_model.tflite",
                adapters=["conv[2468]=lora:rank=4", "fc11=head:classes=10"],
                epochs=options.epochs or 30, shots=shots,
                people=[options.speaker or "jackson"], write=write)


def words(root, options):
    """Every held-out voice of zoo/words, or the one that is named."""
    zoo = root / "zoo/words"
    if options.shots:
        sys.exit("demo: --shots is for the digits; a voice of zoo/words comes "
                 "with a fixed number of clips to learn from")
    people = sorted(p.name for p in (zoo / "voices").iterdir())
    if options.speaker and options.speaker not in people:
        sys.exit(f"demo: zoo/words has no voice {options.speaker}, only "
                 f"{', '.join(people)}")
    labels = (zoo / "labels.txt").read_text().split()

    def write(person, train, test):
        sources.write_features(zoo / "voices" / person, "train", train)
        sources.write_features(zoo / "voices" / person, "test", test)

    one = zoo / "voices" / people[0] / "train_y.bin"
    return Task(title=f"{len(labels)} known words in a new voice",
                model=zoo / "words.tflite",
                # What zoo/words/choose.py found with other people.
                adapters=["conv[2468]=lora:rank=4", "fc14=lora:rank=12"],
                epochs=options.epochs or 20,
                shots=one.stat().st_size // len(labels),
                people=[options.speaker] if options.speaker else people,
                write=write)


def choose(root, out, options):
    """The digits where their data is to be had, else the words; says why."""
    if not options.words:
        try:
            return digits(sources.look(root, out), options)
        except sources.Missing as why:
            print(f"demo: no recordings of people ({why}); so this runs on the "
                  "project's own model zoo/words and its held-out, "
                  "synthesised voices\n")
    return words(root, options)
