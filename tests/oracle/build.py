"""Models into files: KIND-INDEX.tflite and, as raw bytes, samples KIND-INDEX.x.

Runs in processes that need TensorFlow; those that judge do without it."""
import pathlib

import keras_nets
import keras_ops
import nets
import ops
from draw import Draw
from convert import quantised
from model import Model
from reader import File

SAMPLES = 8


def by_hand(fill):
    def make(draw):
        m = Model()
        fill(m, draw)
        return m.bytes()
    return make


def by_keras(plan):
    return lambda draw: quantised(*plan(draw))


KINDS = {**{f.__name__: by_hand(f) for f in ops.ALL},
         **{name: by_hand(f) for name, f in nets.ALL.items()},
         **{"keras_" + f.__name__: by_keras(f) for f in keras_ops.ALL},
         **{"keras_net_" + f.__name__: by_keras(f) for f in keras_nets.ALL}}


def samples(draw, file):
    """Real ones in the range of the bytes that they become."""
    became = [op.y for op in file.ops
              if op.x is file.input and op.code == "QUANTIZE"]
    x = became[0] if became else file.input
    quant = (x.scale, x.zero) if x.scales else (1 / 32, 0)
    return draw.samples(file.input.shape, file.input.type, quant, SAMPLES)


def build(job):
    """Returns what went wrong, or None."""
    folder, seed, kind, index = job
    draw = Draw(f"{seed}/{kind}/{index}")
    try:
        content = KINDS[kind](draw)
    except Exception as error:  # the converter raises what it likes
        return f"{type(error).__name__}: {error}"
    stem = pathlib.Path(folder) / f"{kind}-{index}"
    stem.with_suffix(".tflite").write_bytes(content)
    x = samples(draw, File(content))
    stem.with_suffix(".x").write_bytes(b"".join(s.tobytes() for s in x))
    return None
