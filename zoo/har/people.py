"""What phones measured while people did one of six things: UCI HAR by person,
22 of them, 265 features. Standard library only. The data are not part of this
tree: HOWTO says where they are looked for and where they come from."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEOPLE, FOLDS, FEATURES, ACTIVITIES = 22, 4, 265, 6
HOWTO = """no UCI HAR: it is looked for as har/subject-01 to har/subject-22, each with
train_x.txt, train_y.txt, test_x.txt and test_y.txt, in the folder that
TINYPEFT_DATA names, else in ../shared/data. Their numbers (CC BY 4.0) come from
https://github.com/giuliobilli01/HAR-recognition-federated-learning at e5de289b,
where a file is called train/subject-1/Xtrain.csv: take those of 265 columns"""


def held_out(fold):
    """People from 0 whom this fold's base does not know, as in
    tests/accuracy/people.h."""
    return range(fold, PEOPLE, FOLDS)


def base(fold):
    """The base of a fold; that of the first is the model of the zoo."""
    name = f"har-{fold}.tflite" if fold > 0 else "har.tflite"
    return pathlib.Path(__file__).resolve().parent / name


def find():
    """The folder, or None."""
    named = os.environ.get("TINYPEFT_DATA")
    folder = (pathlib.Path(named) if named else ROOT.parent / "shared/data")
    last = folder / f"har/subject-{PEOPLE:02}/test_x.txt"
    return folder / "har" if last.exists() else None


def read(folder, person, which):
    """(rows of features within [-1, 1], labels from 0) of `train` or `test` of
    a person from 0."""
    base = folder / f"subject-{person + 1:02}"
    values = [float(v) for v in (base / f"{which}_x.txt").read_text().split()]
    labels = [int(float(v)) - 1
              for v in (base / f"{which}_y.txt").read_text().split()]
    rows = [values[i:i + FEATURES] for i in range(0, len(values), FEATURES)]
    if len(rows) != len(labels) or len(rows[-1]) != FEATURES:
        raise SystemExit(f"{base}/{which}: {len(values)} values do not make "
                         f"{len(labels)} windows of {FEATURES}")
    return rows, labels


def quantise(row):
    """int8 in steps of 1/127, halves away from zero."""
    return bytes(max(-128, min(127, int(abs(v) * 127 + 0.5) *
                               (1 if v > 0 else -1))) & 255 for v in row)
