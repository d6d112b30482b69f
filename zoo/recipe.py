"""What all models of the zoo share: repeatable training, the conversion to
INT8, and TensorFlow Lite Micro's answers.

Import this before anything that imports tensorflow: what makes training give
the same bits twice is read when TensorFlow starts.
"""
import os

os.environ.update(TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="3",
                  CUDA_VISIBLE_DEVICES="-1")

# pylint: disable=wrong-import-position
import hashlib
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from tflite_micro import runtime

MOST_BYTES = 100 * 1024  # of a committed model
ARENA = 1 << 20


def repeatable(seed):
    """The same bits in every run: one thread adds in one order."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(seed)


def to_int8(model, samples):
    """The bytes of a .tflite with int8 input, output and activations.

    samples: float32 [n, ...], what the network sees in use; their ranges
    become the scales of its activations.
    """
    def representative():
        for x in samples:
            yield [x[np.newaxis].astype(np.float32)]

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
        return converter.convert()


def scales(content):
    """(scale, zero point) of the input and of the output."""
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    ends = (interpreter.get_input_details(0), interpreter.get_output_details(0))
    return [(float(p["scales"][0]), int(p["zero_points"][0]))
            for p in (end["quantization_parameters"] for end in ends)]


def quantise(x, scale, zero_point):
    """int8, the nearest of the scale's steps, halves to even."""
    q = np.rint(np.asarray(x, np.float64) / scale) + zero_point
    return np.clip(q, -128, 127).astype(np.int8)


def answers(content, samples):
    """TensorFlow Lite Micro's int8 outputs for int8 samples [n, ...]."""
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    out = []
    for x in samples:
        interpreter.set_input(x[np.newaxis], 0)
        interpreter.invoke()
        out.append(interpreter.get_output(0)[0].copy())
    return np.array(out)


def keep(path, content):
    """Writes the model, whole or not at all, and says its hash."""
    path = pathlib.Path(path)
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{path.name}: {len(content)} bytes, more than "
                         f"{MOST_BYTES}: make the network smaller")
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)
    print(f"{path.name}: {len(content)} bytes, sha256 "
          f"{hashlib.sha256(content).hexdigest()}")
