"""The network: a DS-CNN in the shape of MLPerf Tiny's keyword spotter."""
import numpy as np
from tensorflow import keras

from features import SCALE, SHAPE, ZERO_POINT

CHANNELS = 64
BLOCKS = 4
EPOCHS = 12
BATCH = 64
RATE = 2e-3


def real(x):
    """Float features of the front end's int8."""
    return (x.astype(np.float32) - ZERO_POINT) * np.float32(SCALE)


def layers(classes):
    def normal(layer):
        return [layer, keras.layers.BatchNormalization(),
                keras.layers.ReLU()]

    yield from normal(keras.layers.Conv2D(CHANNELS, (10, 4), (2, 2), "same",
                                          use_bias=False))
    yield keras.layers.Dropout(0.2)
    for _ in range(BLOCKS):
        yield from normal(keras.layers.DepthwiseConv2D(
            (3, 3), padding="same", use_bias=False))
        yield from normal(keras.layers.Conv2D(CHANNELS, 1, use_bias=False))
    yield keras.layers.Dropout(0.4)
    yield keras.layers.AveragePooling2D((25, 5))
    yield keras.layers.Flatten()
    yield keras.layers.Dense(classes, activation="softmax")


def trained(x, y, classes, seen):
    """The network after its training on int8 features x, labels y; `seen` is
    called with its accuracy after each epoch."""
    model = keras.Sequential([keras.Input(SHAPE), *layers(classes)])
    steps = EPOCHS * -(-len(x) // BATCH)
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(RATE, steps)),
        loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(real(x), y, BATCH, EPOCHS, verbose=0, callbacks=[
        keras.callbacks.LambdaCallback(on_epoch_end=seen)])
    return model
