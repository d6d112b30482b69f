"""Small networks in the ways that people build them in Keras."""
import functools

import tensorflow as tf

from convert import L, Net
from keras_ops import activated, map_shape

# --- layers -------------------------------------------------------------------


def conv(net, x, channels, k=3, stride=1, act="relu", same=True):
    """Convolution, at times batch normalisation, activation."""
    norm = net.draw.chance(0.6)
    x = net(L.Conv2D(channels, k, strides=stride, use_bias=not norm,
                     padding="same" if same else "valid"), x)
    return activated(net, net(L.BatchNormalization(), x) if norm else x, act)


def depthwise(net, x, k=3, stride=1, act="relu"):
    x = net(L.DepthwiseConv2D(k, strides=stride, padding="same",
                              use_bias=False), x)
    return activated(net, net(L.BatchNormalization(), x), act)


def swish(net, x):
    return net.via(lambda t: t * tf.nn.relu6(t + 3.0) * (1.0 / 6.0), x)


def hard_sigmoid(net, x):
    return net.via(lambda t: tf.nn.relu6(t + 3.0) * (1.0 / 6.0), x)


def gate(net, x):
    """Squeeze and excite."""
    c = x.shape[-1]
    g = net(L.GlobalAveragePooling2D(keepdims=True), x)
    g = conv(net, g, max(1, c // 2), 1)
    g = net(L.Conv2D(c, 1), g)
    g = (net(L.Activation("sigmoid"), g) if net.draw.chance(0.5)
         else hard_sigmoid(net, g))
    return net(L.Multiply(), x, g)


def classifier(net, x):
    draw = net.draw
    kind = draw.choice(["global", "global", "flatten", "pool", "conv", "map"])
    if kind == "map":
        return x
    if kind == "conv":
        x = net(L.GlobalAveragePooling2D(keepdims=True), x)
        x = net(L.Flatten(), net(L.Conv2D(draw.randint(2, 10), 1), x))
        return net(L.Softmax(), x)
    if kind == "pool":
        x = net(L.AveragePooling2D(x.shape[1:3]), x)
    x = net(L.GlobalAveragePooling2D() if kind == "global" else L.Flatten(), x)
    if draw.chance(0.3):
        x = net(L.Dense(16, activation="relu"), x)
    x = net(L.Dropout(0.2), x)
    x = net(L.Dense(draw.randint(2, 12)), x)
    return net(L.Softmax(), x) if draw.chance(0.6) else x


def image(draw, channels=3):
    side = draw.choice([8, 12, 16])
    return Net(draw, (side, side, draw.choice([1, channels])))


# --- networks of images -------------------------------------------------------

def ds_cnn(draw):
    net = Net(draw, (draw.choice([25, 49]), 10, 1))
    x = net(L.Conv2D(8, (10, 4), strides=2, padding="same"), net.x)
    x = net(L.ReLU(), net(L.BatchNormalization(), x))
    for _ in range(draw.randint(1, 3)):
        x = conv(net, depthwise(net, x), 8, 1)
    return net, classifier(net, x)


def mobilenet_v1(draw):
    net = image(draw)
    act = draw.choice(["relu", "relu6"])
    x = conv(net, net.x, 8, 3, 2, act)
    for _ in range(draw.randint(1, 3)):
        x = depthwise(net, x, 3, draw.randint(1, 2), act)
        x = conv(net, x, draw.choice([8, 12]), 1, act=act)
    return net, classifier(net, x)


def mobilenet_v2(draw):
    net = image(draw)
    x = conv(net, net.x, 8, 3, 2, "relu6")
    for _ in range(draw.randint(1, 3)):
        stride, c = draw.randint(1, 2), draw.choice([8, 8, 12])
        y = conv(net, x, 2 * x.shape[-1], 1, act="relu6")
        if stride == 2 and draw.chance(0.5):  # as keras.applications pads
            y = net(L.ZeroPadding2D(((0, 1), (0, 1))), y)
            y = net(L.DepthwiseConv2D(3, strides=2, use_bias=False), y)
            y = net(L.ReLU(6.0), net(L.BatchNormalization(), y))
        else:
            y = depthwise(net, y, 3, stride, "relu6")
        y = conv(net, y, c, 1, act=None)
        x = net(L.Add(), x, y) if y.shape == x.shape else y
    return net, classifier(net, x)


def mobilenet_v3(draw):
    net = image(draw)
    x = swish(net, conv(net, net.x, 8, 3, 2, None))
    for _ in range(draw.randint(1, 2)):
        y = swish(net, conv(net, x, 16, 1, act=None))
        y = gate(net, swish(net, depthwise(net, y, 5, act=None)))
        x = net(L.Add(), x, conv(net, y, 8, 1, act=None))
    return net, classifier(net, x)


def resnet(draw):
    net = image(draw)
    x = conv(net, net.x, 8)
    for _ in range(draw.randint(1, 3)):
        stride, c = draw.randint(1, 2), draw.choice([8, 12])
        y = conv(net, conv(net, x, c, 3, stride), c, act=None)
        if y.shape != x.shape:
            x = conv(net, x, c, 1, stride, None)
        x = net(L.ReLU(), net(L.Add(), x, y))
    return net, classifier(net, x)


def squeeze_excite(draw):
    net = image(draw)
    x = conv(net, net.x, draw.choice([4, 8]), 3, 2)
    return net, classifier(net, gate(net, x))


def inception(draw):
    net = image(draw)
    x = conv(net, net.x, 6)
    for _ in range(draw.randint(1, 2)):
        paths = [conv(net, x, draw.randint(2, 6), k) for k in (1, 3, 5)]
        pool = draw.choice([L.MaxPooling2D, L.AveragePooling2D])
        paths.append(conv(net, net(pool(3, 1, "same"), x), 4, 1))
        x = net(L.Concatenate(), *paths)
    return net, classifier(net, x)


def densenet(draw):
    net = image(draw)
    x = conv(net, net.x, 6, 3, 2)
    for _ in range(draw.randint(1, 3)):
        y = net(L.ReLU(), net(L.BatchNormalization(), x))
        x = net(L.Concatenate(), x, net(L.Conv2D(4, 3, padding="same"), y))
    return net, classifier(net, net(L.AveragePooling2D(2), x))


def unet(draw):
    net = image(draw)
    x = conv(net, net.x, 4)
    skips = []
    for _ in range(draw.randint(1, 2)):
        skips.append(x)
        x = conv(net, net(L.MaxPooling2D(2), x), 6)
    for skip in reversed(skips):
        x = net.via(functools.partial(tf.image.resize, method="nearest",
                                      size=skip.shape[1:3]), x)
        x = (net(L.Concatenate(), x, skip) if draw.chance(0.7) else
             net(L.Add(), conv(net, x, skip.shape[-1], 1), skip))
        x = conv(net, x, 4)
    y = net(L.Conv2D(draw.randint(1, 3), 1), x)
    return net, net(L.Activation("sigmoid"), y) if draw.chance(0.5) else y


def shuffle(draw):
    """Channels dealt anew between two groups, as in ShuffleNet."""
    net = image(draw)
    x = conv(net, net.x, 8, 3, 2)
    h, w, c = x.shape[1:]
    left = net.via(lambda t: t[..., :c // 2], x)
    right = depthwise(net, net.via(lambda t: t[..., c // 2:], x), act=None)
    x = net(L.Concatenate(), left, conv(net, right, c // 2, 1))
    x = net(L.Reshape((h, w, 2, c // 2)), x)
    x = net.via(lambda t: tf.transpose(t, [0, 1, 2, 4, 3]), x)
    return net, classifier(net, net(L.Reshape((h, w, c)), x))


def lenet(draw):
    net = Net(draw, map_shape(draw, 12, 18, 3))
    act = draw.choice(["relu", "tanh", "sigmoid"])
    x = net.x
    for channels in (4, 8):
        x = net(L.Conv2D(channels, 3, activation=act), x)
        pool = draw.choice([L.MaxPooling2D, L.AveragePooling2D])
        x = net(pool(2), x)
    x = net(L.Dense(16, activation=act), net(L.Flatten(), x))
    return net, net(L.Softmax(), net(L.Dense(10), x))


# --- of signals and vectors ---------------------------------------------------

def signal(draw, fixed=False):
    return Net(draw, (draw.choice([16, 32, 50]), draw.choice([1, 3, 6])),
               fixed)


def conv_1d(draw):
    net = signal(draw)
    x = net.x
    for _ in range(draw.randint(1, 3)):
        x = net(L.Conv1D(draw.choice([4, 8]), draw.randint(1, 5),
                         strides=draw.randint(1, 2),
                         padding=draw.choice(["same", "valid"])), x)
        x = net(L.ReLU(), net(L.BatchNormalization(), x))
        if draw.chance(0.3):
            pool = draw.choice([L.MaxPooling1D, L.AveragePooling1D])
            x = net(pool(2), x)
    x = net(draw.choice([L.GlobalAveragePooling1D, L.Flatten,
                         L.GlobalMaxPooling1D])(), x)
    return net, net(L.Softmax(), net(L.Dense(6), x))


def tcn(draw):
    """Dilated causal convolutions, each with the input around it."""
    net = signal(draw, fixed=True)
    x = net(L.Conv1D(8, 1), net.x)
    for dilation in (1, 2, 4)[:draw.randint(2, 3)]:
        y = net(L.Conv1D(8, 3, dilation_rate=dilation,
                         padding=draw.choice(["causal", "same"])), x)
        y = net(L.ReLU(), net(L.BatchNormalization(), y))
        x = net(L.Add(), x, y)
    x = net.via(lambda t: t[:, -1, :], x) if draw.chance(0.5) else x
    return net, net(L.Dense(5), x)


def gated_1d(draw):
    """tanh times sigmoid, twice."""
    net = signal(draw)
    x = net(L.Conv1D(4, 1), net.x)
    for _ in range(2):
        sides = [net(L.Activation(act), net(L.Conv1D(4, 3, padding="same"), x))
                 for act in ("tanh", "sigmoid")]
        x = net(L.Add(), x, net(L.Conv1D(4, 1), net(L.Multiply(), *sides)))
    return net, net(L.Dense(3), net(L.GlobalAveragePooling1D(), x))


def separable_1d(draw):
    net = signal(draw)
    x = net.x
    for _ in range(draw.randint(1, 2)):
        x = net(L.SeparableConv1D(8, 3, padding="same"), x)
        x = net(L.LeakyReLU(0.1), net(L.BatchNormalization(), x))
    x = net(L.GlobalAveragePooling1D(), x)
    return net, net(L.Dense(4), x)


def autoencoder(draw):
    n = draw.choice([32, 64, 128])
    net = Net(draw, (n,))
    x = net.x
    for width in (24, 8, 24):
        x = net(L.BatchNormalization(), net(L.Dense(width), x))
        x = net(L.ReLU(), x)
    return net, net(L.Dense(n), x)


def mlp(draw):
    net = Net(draw, (draw.choice([4, 12, 40]),))
    x = net.x
    for _ in range(draw.randint(1, 4)):
        x = net(L.Dense(draw.choice([4, 9, 24])), x)
        x = net(draw.choice([L.ReLU(), L.ReLU(6.0), L.LeakyReLU(0.2),
                             L.Activation("tanh"),
                             L.Activation("sigmoid")]), x)
    return net, net(L.Softmax(), net(L.Dense(4), x))


def siamese(draw):
    """Differences and products of two branches of one input."""
    net = Net(draw, (8, 8, 2))
    a, b = conv(net, net.x, 4), conv(net, net.x, 4, act="relu6")
    x = net(L.Concatenate(), net(L.Subtract(), a, b),
            net(L.Multiply(), a, b), net(L.Add(), a, b))
    return net, classifier(net, x)


ALL = (ds_cnn, mobilenet_v1, mobilenet_v2, mobilenet_v3, resnet,
       squeeze_excite, inception, densenet, unet, shuffle, lenet, conv_1d,
       tcn, gated_1d, separable_1d, autoencoder, mlp, siamese)
