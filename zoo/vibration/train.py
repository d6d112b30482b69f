#!/usr/bin/env python3
"""The autoencoder: trained on sound machines, quantised, and what TensorFlow
Lite Micro makes of machines that it never saw. Writes vibration.tflite and the
samples in new/, and in tflm.bin its answers to new/1/faulty.bin."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

# pylint: disable=wrong-import-position
import recipe

import numpy as np
import tensorflow as tf

import features
import machine
import samples

KNOWN = range(1, 13)  # seeds of the machines that the base knows
NEW = range(101, 106)  # of those that it has to adapt to
SAMPLES = 240  # of each known machine
LOW, HIGH = -4.0, 127 / 32  # 8 bits in steps of 1/32


class OutputRange(tf.keras.layers.Layer):
    """Gives the output the scale of the input, so that a device compares the
    two byte by byte. The last layer's own requantisation takes it over."""

    def call(self, x):
        return tf.quantization.fake_quant_with_min_max_args(x, LOW, HIGH)


def network(x):
    dense = tf.keras.layers.Dense
    put = tf.keras.Input((features.BANDS,))
    code = dense(8, "relu")(dense(32, "relu")(put))
    out = dense(features.BANDS)(dense(32, "relu")(code))
    model = tf.keras.Model(put, OutputRange()(out))
    model.compile(tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(3e-3, 200 * len(x) // 64)),
        "mse")
    model.fit(x, x, batch_size=64, epochs=200, verbose=0)
    return model


def scores(content, x):
    """The mean squared error of each sample, in steps."""
    y = recipe.answers(content, x)
    return np.mean((x.astype(int) - y.astype(int)) ** 2, axis=1)


def report(name, content, sets):
    """What the base's scores find, by TensorFlow Lite Micro, and for comparison
    the squared distance from the mean of the samples to adapt to."""
    pair = [scores(content, sets[k]) for k in ("normal", "faulty")]
    mean = sets["adapt"].mean(axis=0)
    plain = [np.mean((sets[k] - mean) ** 2, axis=1)
             for k in ("normal", "faulty")]
    print(f"{name}: error {pair[0].mean():.1f}, AUC {samples.auc(*pair):.3f}; "
          f"distance from the mean: AUC {samples.auc(*plain):.3f}")


def main():
    recipe.repeatable(1)
    known = np.concatenate([
        samples.sound(machine.draw(s), np.random.default_rng([s, 1]), SAMPLES)
        for s in KNOWN])
    x = known.astype(np.float32) / 32
    ends = np.full((2, features.BANDS), [[LOW], [HIGH]], np.float32)
    content = recipe.to_int8(network(x), np.concatenate([ends, x[::8]]))
    recipe.keep(HERE / "vibration.tflite", content)
    for seed in KNOWN:
        report(f"known machine {seed}", content, samples.sets_of(seed, 2))
    for number, seed in enumerate(NEW, 1):
        sets = samples.sets_of(seed, 1)
        samples.write(HERE / f"new/{number}", sets)
        report(f"new machine {number}", content, sets)
        if number == 1:
            (HERE / "tflm.bin").write_bytes(
                recipe.answers(content, sets["faulty"]).tobytes())


if __name__ == "__main__":
    main()
