"""Keras models of one operator, as TensorFlow's converter writes them.

Each function draws a random legal configuration and returns the net and its
output. What the converter makes of it is counted from the file, not here."""
import numpy as np
import tensorflow as tf

from convert import L, Net

ACTIVATIONS = (None, None, "relu", "relu6", "n1")


def activated(net, x, kind):
    """A fused activation, in the ways that networks are written."""
    if kind is None:
        return x
    if kind == "n1":
        return net.via(lambda t: tf.minimum(tf.maximum(t, -1.0), 1.0), x)
    if kind == "relu6":
        return net(L.ReLU(6.0), x)
    return net(L.ReLU(), x)


def some_activation(net, x):
    return activated(net, x, net.draw.choice(ACTIVATIONS))


def map_shape(draw, least=3, most=12, channels=8):
    return (draw.randint(least, most), draw.randint(least, most),
            draw.randint(1, channels))


def random_shape(draw, most=400):
    return draw.shape(draw.randint(1, 3), most)


def dims(x):
    return tuple(x.shape[1:])


# --- with weights -------------------------------------------------------------

def window(draw, shape, dilated=True):
    """kernel, strides, dilation and padding that fit the map."""
    same = draw.chance(0.5)
    strides, dilation = draw.randint(1, 3), (1, 1)
    if dilated and draw.chance(0.3):
        strides = 1
        dilation = draw.choice([(2, 2), (1, 2), (2, 1), (3, 3)])
    most = [n if same else (n - 1) // d + 1
            for n, d in zip(shape, dilation)]
    return {"kernel_size": tuple(draw.randint(1, min(5, n)) for n in most),
            "strides": strides, "dilation_rate": dilation,
            "padding": "same" if same else "valid"}


def conv_2d(draw):
    net = Net(draw, map_shape(draw, 3, 14, 12))
    x = net(L.Conv2D(draw.randint(1, 16), use_bias=draw.chance(0.8),
                     **window(draw, net.shape)), net.x)
    if draw.chance(0.3):
        x = net(L.BatchNormalization(), x)
    return net, some_activation(net, x)


def depthwise_conv_2d(draw):
    shape = map_shape(draw, 3, 14, 10)
    found = window(draw, shape)
    net = Net(draw, shape, fixed=found["dilation_rate"] != (1, 1))
    x = net(L.DepthwiseConv2D(depth_multiplier=draw.choice([1, 1, 2, 3]),
                              use_bias=draw.chance(0.8), **found), net.x)
    if draw.chance(0.3):
        x = net(L.BatchNormalization(), x)
    return net, some_activation(net, x)


def fully_connected(draw):
    shape = draw.choice([(draw.choice([1, 7, 33, 64, 300]),)] * 2 +
                        [(draw.randint(2, 5), 12), (2, 3, 8)])
    net = Net(draw, shape, fixed=len(shape) > 1)
    x = net(L.Dense(draw.randint(1, 20), use_bias=draw.chance(0.8)), net.x)
    return net, some_activation(net, x)


# --- of two inputs ------------------------------------------------------------

def branch(net, x):
    """Something computed from x, of its shape and another range."""
    draw = net.draw
    kind = draw.choice(["conv", "dense", "tanh", "scale"])
    if kind == "conv" and len(x.shape) == 4:
        return net(L.Conv2D(x.shape[-1], 3, padding="same"), x)
    if kind == "tanh":
        return net.via(tf.tanh, x)
    if kind == "scale" or (net.open and len(x.shape) > 2):
        factor = draw.uniform(0.1, 3)
        return net.via(lambda t: t * factor, x)
    return net(L.Dense(x.shape[-1]), x)


def narrow(net, x):
    """x with some axes reduced to 1, so that it broadcasts."""
    axes = [i for i in range(1, len(x.shape)) if net.draw.chance(0.5)]
    if not axes:
        return x
    return net.via(lambda t: tf.reduce_mean(t, axes, keepdims=True), x)


def binary(draw, function):
    net = Net(draw, random_shape(draw))
    kind = draw.choice(["two", "narrow", "narrow", "constant", "scalar",
                        "two" if function is tf.subtract else "same"])
    if kind in ("two", "narrow"):
        a, b = net.x, branch(net, net.x)
        if kind == "narrow":
            b = narrow(net, b)
        pair = [b, a] if draw.chance(0.5) else [a, b]
        x = net.via(function, *pair)
    elif kind == "same":
        x = net.via(lambda t: function(t, t), net.x)
    else:
        shape = [n if draw.chance(0.6) else 1 for n in net.shape]
        c = net.const(() if kind == "scalar" else shape[draw.randrange(
            len(shape)):])
        left = draw.chance(0.3)
        x = net.via(lambda t: function(c, t) if left else function(t, c),
                    net.x)
    return net, some_activation(net, x)


def add(draw):
    return binary(draw, tf.add)


def sub(draw):
    return binary(draw, tf.subtract)


def mul(draw):
    return binary(draw, tf.multiply)


def concatenation(draw):
    net = Net(draw, random_shape(draw, 200))
    axis = draw.randint(1, len(net.shape))
    parts = [net.x] + [branch(net, net.x)
                       for _ in range(draw.randint(1, 3))]
    draw.shuffle(parts)
    if draw.chance(0.3) and not net.open:
        c = net.const((1, *net.shape))
        return net, net.via(lambda *ts: tf.concat([*ts, c], axis), *parts)
    return net, net(L.Concatenate(axis=axis), *parts)


# --- pools, MEAN, SOFTMAX -----------------------------------------------------

def pool(draw, layer, whole):
    net = Net(draw, map_shape(draw, 3, 12, 10))
    if draw.chance(0.2):
        return net, net(whole(keepdims=draw.chance(0.5)), net.x)
    w = window(draw, net.shape, dilated=False)
    x = net(layer(w["kernel_size"], w["strides"], w["padding"]), net.x)
    return net, some_activation(net, x) if draw.chance(0.5) else x


def average_pool_2d(draw):
    return pool(draw, L.AveragePooling2D, L.GlobalAveragePooling2D)


def max_pool_2d(draw):
    net = Net(draw, map_shape(draw, 3, 12, 10))
    w = window(draw, net.shape, dilated=False)
    x = net(L.MaxPooling2D(w["kernel_size"], w["strides"], w["padding"]),
            net.x)
    return net, some_activation(net, x) if draw.chance(0.5) else x


def mean(draw):
    net = Net(draw, random_shape(draw))
    rank = len(net.shape)
    axes = sorted(draw.sample(range(1, rank + 1), draw.randint(1, rank)))
    keep = draw.chance(0.5)
    x = branch(net, net.x) if draw.chance(0.3) else net.x
    return net, net.via(lambda t: tf.reduce_mean(t, axes, keepdims=keep), x)


def reduce_max(draw):
    """Global maximum pools, and any axes that follow each other."""
    kind = draw.choice(["1d", "2d", "any"])
    if kind == "any":
        net = Net(draw, random_shape(draw))
        first = draw.randint(1, len(net.shape))
        axes = list(range(first, draw.randint(first, len(net.shape)) + 1))
        layer = L.Lambda(lambda t: tf.reduce_max(t, axes))
    else:
        net = Net(draw, map_shape(draw)[0 if kind == "2d" else 1:])
        layer = (L.GlobalMaxPooling2D if kind == "2d" else
                 L.GlobalMaxPooling1D)(keepdims=draw.chance(0.5))
    x = net(layer, branch(net, net.x) if draw.chance(0.5) else net.x)
    dense = len(x.shape) == 2 and draw.chance(0.5)
    return net, net(L.Dense(4), x) if dense else x


def softmax(draw):
    net = Net(draw, draw.choice([(draw.randint(2, 40),), (3, 10), (2, 2, 5),
                                 (200,)]))
    beta = draw.choice([1.0, 1.0, 3.0])
    x = net.via(lambda t: t * beta, net.x) if beta != 1 else net.x
    return net, net(L.Softmax(), x)


# --- functions of one value ---------------------------------------------------

def function(draw, layer):
    net = Net(draw, random_shape(draw))
    x = branch(net, net.x) if draw.chance(0.4) else net.x
    return net, net(layer, x)


def relu(draw):
    return function(draw, L.ReLU())


def relu6(draw):
    return function(draw, L.ReLU(6.0))


def leaky_relu(draw):
    return function(draw, L.LeakyReLU(draw.choice([0.01, 0.1, 0.2, 0.3,
                                                   draw.random()])))


def hard_swish(draw):
    return function(draw, L.Lambda(
        lambda t: t * tf.nn.relu6(t + 3.0) * (1.0 / 6.0)))


def logistic(draw):
    return function(draw, L.Activation("sigmoid"))


def tanh(draw):
    return function(draw, L.Activation("tanh"))


# --- movements ----------------------------------------------------------------

def moved(draw, shape, function):
    """A movement next to something that computes: before it, behind, both."""
    net = Net(draw, shape)
    where = draw.choice(["before", "behind", "both"])
    x = net.x if where == "behind" else branch(net, net.x)
    x = net.via(function, x)
    if where != "before":
        x = net(L.ReLU(), x) if draw.chance(0.5) else net.via(tf.tanh, x)
    return net, x


def pads(draw, rank):
    return [[0, 0]] + [[draw.choice([0, 0, 1, 2]), draw.choice([0, 0, 1, 3])]
                       for _ in range(rank)]


def pad(draw):
    shape = random_shape(draw, 200)
    sides = pads(draw, len(shape))
    return moved(draw, shape, lambda t: tf.pad(t, sides))


def padv2(draw):
    shape = random_shape(draw, 200)
    sides, fill = pads(draw, len(shape)), draw.choice([-10.0, 1.0, -0.5, 6.0])
    return moved(draw, shape,
                 lambda t: tf.pad(t, sides, constant_values=fill))


def transpose(draw):
    shape = draw.shape(draw.randint(2, 4), 300)
    order = list(range(1, len(shape) + 1))
    draw.shuffle(order)
    return moved(draw, shape, lambda t: tf.transpose(t, [0, *order]))


def reshape(draw):
    shape = random_shape(draw, 300)
    n = int(np.prod(shape))
    first = draw.choice([k for k in (1, 2, 3, 4, 6) if n % k == 0])
    layer = draw.choice([L.Flatten(), L.Reshape((first, n // first)),
                         L.Reshape((-1, 1)), L.Reshape((1, n))])
    return moved(draw, shape, layer)


def squeeze(draw):
    shape = tuple(draw.choice([1, n]) for n in draw.shape(3, 200))
    ones = [i + 1 for i, n in enumerate(shape) if n == 1]
    gone = draw.sample(ones, draw.randint(0, len(ones)))
    return moved(draw, shape, lambda t: tf.squeeze(t, gone) if gone else t)


def expand_dims(draw):
    shape = random_shape(draw, 200)
    axis = draw.randint(1, len(shape) + 1)
    return moved(draw, shape, lambda t: tf.expand_dims(t, axis))


def strided_slice(draw):
    shape = random_shape(draw, 600)
    spec = [slice(None)]
    for n in shape:
        first, last = draw.randint(0, n // 2), draw.randint(n // 2 + 1, n)
        step = draw.choice([1, 1, 2, 3])
        spec.append(draw.choice([slice(first, last, step), slice(None),
                                 slice(first - n, None, step)]))
    if len(shape) > 1 and draw.chance(0.3):
        spec[-1] = draw.randrange(shape[-1])
    if draw.chance(0.15):
        spec.insert(1, tf.newaxis)
    return moved(draw, shape, lambda t: t[tuple(spec)])


def resize_nearest_neighbor(draw):
    shape = map_shape(draw, 1, 8, 6)
    size = [draw.choice([2 * n, 3 * n, draw.randint(1, 16)])
            for n in shape[:2]]
    corners, centers = draw.choice([(0, 0), (0, 1), (1, 0)])
    return moved(draw, shape, lambda t: tf.raw_ops.ResizeNearestNeighbor(
        images=t, size=size, align_corners=bool(corners),
        half_pixel_centers=bool(centers)))


ALL = (conv_2d, depthwise_conv_2d, fully_connected, add, sub, mul,
       concatenation, average_pool_2d, max_pool_2d, mean, reduce_max, softmax,
       relu, relu6, leaky_relu, hard_swish, logistic, tanh, pad, padv2,
       transpose, reshape, squeeze, expand_dims, strided_slice,
       resize_nearest_neighbor)
