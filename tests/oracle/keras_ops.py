"""Keras models of one operator, as TensorFlow's converter writes them."""
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


def random_shape(draw, least=1):
    return draw.shape(draw.randint(least, 3), 400)


# --- with weights ------------------------------------------------------------

def window(draw, shape, dilated=True):
    """kernel, strides, dilation, padding that fit the map."""
    kernel = tuple(draw.randint(1, min(5, n)) for n in shape[:2])
    strides, dilation = draw.randint(1, 3), 1
    if dilated and draw.chance(0.25):
        strides, dilation = 1, 2
    if any((k - 1) * dilation + 1 > n for k, n in zip(kernel, shape)):
        kernel = (1, min(3, shape[1]) if dilation == 1 else 1)
    return {"kernel_size": kernel, "strides": strides,
            "dilation_rate": dilation, "padding": draw.choice(["same",
                                                                "valid"])}


def conv_2d(draw):
    net = Net(draw, map_shape(draw, 3, 14, 12))
    x = net(L.Conv2D(draw.randint(1, 16), use_bias=draw.chance(0.8),
                     **window(draw, net.shape)), net.x)
    if draw.chance(0.3):
        x = net(L.BatchNormalization(), x)
    return net, some_activation(net, x)


def depthwise_conv_2d(draw):
    net = Net(draw, map_shape(draw, 3, 14, 10))
    shape = window(draw, net.shape)
    x = net(L.DepthwiseConv2D(depth_multiplier=draw.choice([1, 1, 2, 3]),
                              use_bias=draw.chance(0.8), **shape), net.x)
    if draw.chance(0.3):
        x = net(L.BatchNormalization(), x)
    return net, some_activation(net, x)


def fully_connected(draw):
    shape = draw.choice([(draw.choice([1, 7, 33, 64, 300]),),
                         (draw.randint(2, 5), 12)])
    net = Net(draw, shape)
    x = net(L.Dense(draw.randint(1, 20), use_bias=draw.chance(0.8)), net.x)
    return net, some_activation(net, x)


ALL = (conv_2d, depthwise_conv_2d, fully_connected)
