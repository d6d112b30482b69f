"""Keras models with random weights, quantised by TensorFlow's converter."""
import numpy as np
import tensorflow as tf

L = tf.keras.layers
INTERFACES = ("int8",) * 3 + ("float32", "uint8")
CALIBRATION = 6  # samples that ranges are taken from


class Net:
    """A functional Keras model in the making. Layers are applied by calling
    the net: `x = net(L.ReLU(), x)`."""

    def __init__(self, draw, shape, fixed=False):
        """`shape` is without the batch. At times the size of the batch is left
        open: then the converter computes shapes at run time. `fixed` where it
        makes operators of that which TensorFlow Lite Micro lacks."""
        self.draw, self.shape = draw, tuple(shape)
        self.open = not fixed and draw.chance(0.15)
        self.x = tf.keras.Input(self.shape,
                                batch_size=None if self.open else 1)

    def __call__(self, layer, *xs):
        return layer(xs[0] if len(xs) == 1 else list(xs))

    def via(self, function, *xs):
        """Through a function of TensorFlow that Keras has no layer for."""
        return self(L.Lambda(function if len(xs) == 1 else
                             lambda ts: function(*ts)), *xs)

    def const(self, shape, spread=1.0):
        values = self.draw.array.normal(0, spread, shape)
        return tf.constant(values.astype(np.float32))


def fill(draw, model):
    """Weights such that values neither vanish nor explode; the ranges of
    channels lie apart, so that scales a channel differ."""
    for layer in model.layers:
        made = []
        for w in layer.weights:
            shape, kind = tuple(w.shape), w.name.split("/")[-1]
            normal = draw.array.normal(0, 1, shape)
            if kind.endswith("kernel"):
                fan = max(1, int(np.prod(shape[:-1])))
                if "Depthwise" in type(layer).__name__ or "depth" in kind:
                    fan = int(np.prod(shape[:-2]))
                w_new = normal * np.sqrt(1.6 / fan)
                if draw.chance(0.6):
                    w_new *= 2.0 ** draw.array.uniform(-2, 2, shape[-1])
            elif kind in ("gamma", "moving_variance"):
                w_new = draw.array.uniform(0.4, 1.8, shape)
            else:
                w_new = normal * 0.3
            made.append(w_new.astype(np.float32))
        layer.set_weights(made)


def samples(draw, shape):
    """Inputs as the converter is shown them."""
    middle, spread = draw.choice([(0, 1), (0.5, 0.3), (-3, 2), (0, 0.05),
                                  (10, 40)])
    return [draw.array.normal(middle, spread, (1, *shape)).astype(np.float32)
            for _ in range(CALIBRATION)]


def converter(net, model):
    if net.open:
        return tf.lite.TFLiteConverter.from_keras_model(model)
    spec = tf.TensorSpec((1, *net.shape), tf.float32)
    call = tf.function(lambda x: model(x, training=False))
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [call.get_concrete_function(spec)])


def quantised(net, y):
    """The bytes of the .tflite file that computes y from the net's input."""
    draw = net.draw
    model = tf.keras.Model(net.x, y)
    fill(draw, model)
    shown = samples(draw, net.shape)
    c = converter(net, model)
    c.optimizations = [tf.lite.Optimize.DEFAULT]
    c.representative_dataset = lambda: ([x] for x in shown)
    c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    c.inference_input_type = tf.dtypes.as_dtype(draw.choice(INTERFACES))
    c.inference_output_type = tf.dtypes.as_dtype(draw.choice(INTERFACES))
    # Files from before TensorFlow 2.5 are the old quantiser's, which gives
    # depthwise weights no single scale.
    old = draw.chance(0.1)
    c.experimental_new_quantizer = not old
    one = not old and draw.chance(0.25)
    c._experimental_disable_per_channel = one
    c._experimental_disable_per_channel_quantization_for_dense_layers = (
        one or draw.chance(0.25))
    return bytes(c.convert())
