#!/usr/bin/env python3
"""The perceptron for activities, once for each fold of people that are held out.
Writes har.tflite and har-1 to har-3, and in tflm_x.bin and tflm_y.bin 64 random
inputs and TensorFlow Lite Micro's answers of the first. Needs the data:
zoo/har/people.py says where from."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

# pylint: disable=wrong-import-position
import recipe

import numpy as np
import tensorflow as tf

import people

EPOCHS, BATCH = 30, 32
LOW, HIGH = -128 / 127, 1.0  # the input's range: steps of 1/127, zero point 0


def load(folder, who):
    rows, labels = [], []
    for person in who:
        for which in ("train", "test"):
            x, y = people.read(folder, person, which)
            rows += x
            labels += y
    return np.array(rows, np.float32), np.array(labels)


def network(x, y):
    """As tests/accuracy/mlp.c has it: SGD, the rate falls to 0."""
    layers, decay = tf.keras.layers, tf.keras.regularizers.L2(2.5e-4)
    model = tf.keras.Sequential([
        tf.keras.Input((people.FEATURES,)),
        layers.Dense(64, "relu", kernel_initializer="he_normal",
                     kernel_regularizer=decay),
        layers.Dense(people.ACTIVITIES, "softmax", kernel_regularizer=decay)])
    rate = tf.keras.optimizers.schedules.PolynomialDecay(
        0.02, EPOCHS * len(x) // BATCH, 0.0)
    model.compile(tf.keras.optimizers.SGD(rate, momentum=0.9),
                  "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return model


def right(content, folder, person):
    """Windows of the person's test set that get their label, and all."""
    rows, labels = people.read(folder, person, "test")
    x = np.array([np.frombuffer(people.quantise(r), np.int8) for r in rows])
    y = np.argmax(recipe.answers(content, x), axis=1)
    return int(np.sum(y == labels)), len(labels)


def make(folder, fold):
    """The fold's base, and what share of each stranger's windows it gets."""
    recipe.repeatable(1)
    strangers = people.held_out(fold)
    x, y = load(folder, [p for p in range(people.PEOPLE)
                         if p not in strangers])
    ends = np.full((2, people.FEATURES), [[LOW], [HIGH]], np.float32)
    content = recipe.to_int8(network(x, y), np.concatenate([ends, x[::8]]))
    recipe.keep(people.base(fold), content)
    score = [right(content, folder, p) for p in strangers]
    for person, (good, of) in zip(strangers, score):
        print(f"  person {person + 1}: {good} of {of}")
    return content, [100 * good / of for good, of in score]


def main():
    folder = people.find()
    if folder is None:
        print(f"har: skipped: {people.HOWTO}", file=sys.stderr)
        return 77
    made = [make(folder, fold) for fold in range(people.FOLDS)]
    for fold, (_, share) in enumerate(made):
        print(f"fold {fold}: mean {np.mean(share):.2f} %")
    print(f"all: mean {np.mean(sum((share for _, share in made), [])):.2f} %")
    random = np.random.default_rng(1).integers(
        -128, 128, (64, people.FEATURES)).astype(np.int8)
    (HERE / "tflm_x.bin").write_bytes(random.tobytes())
    (HERE / "tflm_y.bin").write_bytes(
        recipe.answers(made[0][0], random).tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
