"""Small networks of several operators, as converters leave them in files.

Scales follow from one another so that values neither vanish nor saturate
through the layers.
"""
import tflite

from draw import f32
from ops import cut, linear, out_size, requantized, reshaped

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)


# --- layers ------------------------------------------------------------------

def mild(draw, fused=NONE):
    """Scale and zero point as calibration finds them."""
    zero_based = fused in (RELU, RELU6) and draw.chance(0.8)
    return draw.power(-6, -2), -128 if zero_based else draw.randint(-60, 60)


def like(x):
    return x.scale, x.zp


def conv(m, draw, x, oc, k=3, stride=1, fused=None, same=True, depth=False,
         quant=None):
    """CONV_2D; with `depth` DEPTHWISE_CONV_2D to a multiple of the channels."""
    _, h, w, ic = x.shape
    fused = draw.choice([NONE, RELU, RELU6]) if fused is None else fused
    y_shape = (1, out_size(h, k, stride, 1, same),
               out_size(w, k, stride, 1, same), oc)
    more = {"DepthMultiplier": oc // ic} if depth else {}
    return linear(m, draw, "DEPTHWISE_CONV_2D" if depth else "CONV_2D", x,
                  (1, k, k, oc) if depth else (oc, k, k, ic),
                  3 if depth else 0, y_shape, k * k * (1 if depth else ic),
                  quant or mild(draw, fused), Padding=0 if same else 1,
                  StrideH=stride, StrideW=stride, DilationHFactor=1,
                  DilationWFactor=1, FusedActivationFunction=fused, **more)


def dense(m, draw, x, oc, fused=NONE, keep=False, quant=None):
    n = x.shape[-1] if keep else x.size
    y_shape = (*x.shape[:-1], oc) if keep else (1, oc)
    return linear(m, draw, "FULLY_CONNECTED", x, (oc, n), 0, y_shape, n,
                  quant or mild(draw, fused), KeepNumDims=keep,
                  FusedActivationFunction=fused)


def binary(m, draw, code, a, b, fused=NONE):
    base = a.scale * b.scale * 60 if code == "MUL" else max(a.scale, b.scale)
    y = m.tensor(a.shape if a.size >= b.size else b.shape,
                 f32(base * 2.0 ** draw.uniform(0, 1)), mild(draw, fused)[1])
    return m.op(code, [a, b], y, code.capitalize() + "Options",
                FusedActivationFunction=fused)


def value(m, draw, code, x, quant=None, options=None, **fields):
    """A function of one value."""
    fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
    quant = quant or fixed.get(code) or (
        f32(x.scale * 2.0 ** draw.uniform(-0.5, 0.5)), mild(draw, RELU)[1])
    if code == "LEAKY_RELU":
        options, fields = "LeakyReluOptions", {"Alpha": f32(draw.random())}
    return m.op(code, [x], m.tensor(x.shape, *quant), options, **fields)


def mean(m, draw, x, axes, keep):
    dims = [1 if i in axes else n for i, n in enumerate(x.shape)
            if keep or i not in axes]
    quant = draw.choice([like(x), (f32(x.scale * 0.6), draw.randint(-60, 60))])
    return m.op("MEAN", [x, m.ints(axes)], m.tensor(dims, *quant),
                "ReducerOptions", KeepDims=keep)


def pool(m, x, code, k, stride, same):
    _, h, w, c = x.shape
    y = m.tensor((1, out_size(h, k, stride, 1, same),
                  out_size(w, k, stride, 1, same), c), *like(x))
    return m.op(code, [x], y, "Pool2DOptions", Padding=0 if same else 1,
                StrideH=stride, StrideW=stride, FilterHeight=k, FilterWidth=k)


def padded(m, draw, x, top, left, bottom, right):
    _, h, w, c = x.shape
    sides = [[0, 0], [top, bottom], [left, right], [0, 0]]
    y = m.tensor((1, h + top + bottom, w + left + right, c), *like(x))
    return m.op("PAD", [x, m.ints(sides)], y, "PadOptions")


def joined(m, parts, axis=-1):
    """All of one scale; those that differ are requantised first."""
    first = parts[0]
    parts = [p if like(p) == like(first) else requantized(m, None, p,
                                                          like(first))
             for p in parts]
    shape = list(first.shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    return m.op("CONCATENATION", parts, m.tensor(shape, *like(first)),
                "ConcatenationOptions", Axis=axis)


def softmax(m, x):
    return m.op("SOFTMAX", [x], m.tensor(x.shape, 1 / 256, -128),
                "SoftmaxOptions", Beta=1.0)


# --- the ends ----------------------------------------------------------------

def start(m, draw, shape):
    """The input: int8, or float or uint8 with a QUANTIZE."""
    kind = draw.choice(["int8", "int8", "int8", "float32", "uint8"])
    scale, zp = mild(draw)
    if kind == "int8":
        return m.tensor(shape, scale, zp)
    if kind == "float32":
        x = m.tensor(shape, dtype=kind)
    else:
        x = m.tensor(shape, scale, zp + 128, dtype=kind)
    return m.op("QUANTIZE", [x], m.tensor(shape, scale, zp))


def finish(m, draw, x):
    kind = draw.choice(["int8", "int8", "int8", "float32", "uint8"])
    if kind == "float32":
        m.op("DEQUANTIZE", [x], m.tensor(x.shape, dtype=kind))
    elif kind == "uint8":
        m.op("QUANTIZE", [x], m.tensor(x.shape, x.scale, x.zp + 128,
                                       dtype=kind))


def image(m, draw, most=12):
    return start(m, draw, (1, draw.randint(4, most), draw.randint(4, most),
                           draw.randint(1, 6)))


def classifier(m, draw, x):
    """From a map to scores, the ways that converters write it."""
    _, h, w, _ = x.shape
    classes = draw.randint(2, 12)
    kind = draw.choice(["mean", "means", "pool", "flatten", "conv", "none",
                        "none", "none"])
    if kind == "none":  # every byte of the map is compared
        return x
    if kind == "mean":
        x = mean(m, draw, x, [1, 2], False)
    elif kind == "means":
        x = mean(m, draw, mean(m, draw, x, [2], False), [1], False)
    elif kind == "pool" and h == w:
        x = pool(m, x, "AVERAGE_POOL_2D", h, draw.randint(1, 2), False)
    elif kind == "conv":
        x = mean(m, draw, x, [1, 2], True)
        x = conv(m, draw, x, classes, 1, fused=NONE)
        return softmax(m, reshaped(m, x, (1, classes)))
    x = reshaped(m, x, (1, x.size))
    x = dense(m, draw, x, classes)
    return softmax(m, x) if draw.chance(0.5) else x


# --- networks ----------------------------------------------------------------

def residual(m, draw):
    """Blocks around which the input goes: as it is, or by a 1x1."""
    x = conv(m, draw, image(m, draw), draw.randint(2, 10))
    for _ in range(draw.randint(1, 3)):
        stride, oc = draw.randint(1, 2), draw.choice([x.shape[3], 8])
        y = conv(m, draw, x, oc, 3, stride, draw.choice([RELU, RELU6]))
        y = conv(m, draw, y, oc, 3, 1, NONE)
        if y.shape != x.shape or draw.chance(0.2):
            x = conv(m, draw, x, oc, 1, stride, NONE)
        x = binary(m, draw, draw.choice(["ADD", "ADD", "SUB"]),
                   *draw.sample([x, y], 2), draw.choice([NONE, RELU]))
        if draw.chance(0.3):
            x = value(m, draw, "RELU", x,
                      draw.choice([None, like(x)]))
    finish(m, draw, classifier(m, draw, x))


def separable(m, draw):
    x = image(m, draw)
    for _ in range(draw.randint(1, 4)):
        c = x.shape[3]
        x = conv(m, draw, x, c * draw.choice([1, 1, 2, 3]), 3,
                 draw.randint(1, 2), depth=True)
        x = conv(m, draw, x, draw.randint(2, 12), 1)
    finish(m, draw, classifier(m, draw, x))


def inverted(m, draw):
    """MobileNet V3: expand, depthwise, squeeze and excite, project, add."""
    x = conv(m, draw, image(m, draw, 8), 4)
    for _ in range(draw.randint(1, 2)):
        c = x.shape[3]
        y = conv(m, draw, x, 2 * c, 1, fused=NONE)
        y = value(m, draw, "HARD_SWISH", y)
        y = conv(m, draw, y, 2 * c, 3, depth=True)
        y = gated(m, draw, y)
        y = conv(m, draw, y, c, 1, fused=NONE)
        x = binary(m, draw, "ADD", x, y)
    finish(m, draw, classifier(m, draw, x))


def gated(m, draw, x):
    """x times a gate for each channel, or for each pixel."""
    c = x.shape[3]
    if draw.chance(0.25):
        g = conv(m, draw, x, 1, 1, fused=NONE)
    elif draw.chance(0.5):
        g = mean(m, draw, x, [1, 2], True)
        g = conv(m, draw, g, max(1, c // 2), 1, fused=RELU)
        g = conv(m, draw, g, c, 1, fused=NONE)
    else:
        g = mean(m, draw, x, [1, 2], False)
        g = dense(m, draw, g, max(1, c // 2), RELU)
        g = dense(m, draw, g, c)
        g = reshaped(m, g, draw.choice([(1, 1, 1, c), (c,)]))
    if draw.chance(0.7):
        g = value(m, draw, "LOGISTIC", g)
    else:  # x + 3, cut to 0..6, over 6
        three = m.tensor((), 3 / 100, 0, data=100)
        g = binary(m, draw, "ADD", g, three, RELU6)
        sixth = m.tensor((1,), 1 / 600, 0, data=[100])
        g = m.op("MUL", [g, sixth], m.tensor(g.shape, 1 / 256, -128),
                 "MulOptions")
    return binary(m, draw, "MUL", *draw.sample([x, g], 2))


def squeeze_excite(m, draw):
    x = conv(m, draw, image(m, draw), draw.randint(2, 12))
    for _ in range(draw.randint(1, 2)):
        x = gated(m, draw, x)
    finish(m, draw, x if draw.chance(0.5) else classifier(m, draw, x))


def branches(m, draw):
    """Parallel paths, concatenated."""
    x = conv(m, draw, image(m, draw), draw.randint(2, 8))
    for _ in range(draw.randint(1, 2)):
        paths = [conv(m, draw, x, draw.randint(1, 5), k) for k in
                 draw.sample([1, 3, 5], draw.randint(1, 3))]
        if draw.chance(0.6):
            code = draw.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"])
            paths.append(pool(m, x, code, 3, 1, True))
        if draw.chance(0.4):
            paths.append(x)
        draw.shuffle(paths)
        x = joined(m, paths)
    finish(m, draw, classifier(m, draw, x))


def up_and_down(m, draw):
    """A small U: down by strides, up by nearest neighbour, skips between."""
    side, c = draw.choice([4, 8]), draw.randint(2, 6)
    x = conv(m, draw, start(m, draw, (1, side, side, draw.randint(1, 3))), c)
    skips = []
    for _ in range(draw.randint(1, 2)):
        skips.append(x)
        x = (conv(m, draw, x, c, 3, 2) if draw.chance(0.5) else
             pool(m, x, "MAX_POOL_2D", 2, 2, False))
        x = conv(m, draw, x, c)
    for skip in reversed(skips):
        shape = (1, *skip.shape[1:3], x.shape[3])
        x = m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.ints(shape[1:3])],
                 m.tensor(shape, *like(x)), "ResizeNearestNeighborOptions",
                 HalfPixelCenters=draw.randint(0, 1))
        x = (joined(m, [x, skip]) if draw.chance(0.6) else
             binary(m, draw, "ADD", x, skip))
        x = conv(m, draw, x, c)
    finish(m, draw, x)


def fused(m, draw):
    """What passes merge, and what looks like it but must stay apart: PAD,
    convolution, RELU, with second readers and other scales between."""
    x = image(m, draw)
    if draw.chance(0.5):
        x = value(m, draw, "LEAKY_RELU", x)
    for _ in range(draw.randint(1, 3)):
        k = draw.randint(1, 3)
        y = padded(m, draw, x, *(draw.randint(0, 2) for _ in range(4)))
        if y.shape[1] < k or y.shape[2] < k:
            break
        depth = draw.chance(0.4)
        z = conv(m, draw, y, y.shape[3] * 2 if depth else 4, k,
                 draw.randint(1, 2), same=draw.chance(0.3), depth=depth)
        code = draw.choice(["RELU", "RELU6", None])
        if code:
            z = value(m, draw, code, z, draw.choice([None, like(z)]))
        if draw.chance(0.3):  # the padded map is read twice
            w = mean(m, draw, y, [1, 2], True)
            w = conv(m, draw, w, z.shape[3], 1)
            z = binary(m, draw, draw.choice(["ADD", "MUL", "SUB"]), z, w)
        x = z
    if draw.chance(0.3):
        x = value(m, draw, draw.choice(["RELU", "RELU6"]), x, like(x))
    finish(m, draw, x)


def shapes(m, draw):
    """Keras' Flatten and Permute: SHAPE, STRIDED_SLICE, PACK, RESHAPE;
    TRANSPOSE, EXPAND_DIMS, SQUEEZE."""
    x = conv(m, draw, image(m, draw, 8), draw.randint(1, 6))
    order = [0, *draw.sample([1, 2, 3], 3)]
    if draw.chance(0.6):
        x = m.op("TRANSPOSE", [x, m.ints(order)],
                 m.tensor([x.shape[i] for i in order], *like(x)),
                 "TransposeOptions")
    if draw.chance(0.5):
        part = [1, *(draw.randint(1, n) for n in x.shape[1:])]
        x = cut(m, draw, x, part)
    shape = m.op("SHAPE", [x], m.tensor((4,), dtype="int32"), "ShapeOptions",
                 OutType=tflite.TensorType.INT32)
    batch = m.op("STRIDED_SLICE", [shape, m.ints([0]), m.ints([1]),
                                   m.ints([1])],
                 m.tensor((), dtype="int32"), "StridedSliceOptions",
                 ShrinkAxisMask=1)
    rest = m.ints(draw.choice([-1, x.size]))
    wish = m.op("PACK", [batch, rest], m.tensor((2,), dtype="int32"),
                "PackOptions", ValuesCount=2)
    x = m.op("RESHAPE", [x, wish], m.tensor((1, x.size), *like(x)),
             "ReshapeOptions")
    if draw.chance(0.5):
        x = dense(m, draw, x, draw.randint(2, 9), draw.choice([NONE, RELU]))
    if draw.chance(0.5):
        y = m.tensor((1, 1, x.size), *like(x))
        x = m.op("EXPAND_DIMS", [x, m.ints(1)], y, "ExpandDimsOptions")
        x = dense(m, draw, x, draw.randint(2, 9), keep=True)
        x = m.op("SQUEEZE", [x], m.tensor((1, x.size), *like(x)),
                 "SqueezeOptions", SqueezeDims=[1])
    finish(m, draw, softmax(m, x) if draw.chance(0.5) else x)


def mlp(m, draw):
    """Fully connected layers: classifiers, autoencoders."""
    x = start(m, draw, (1, draw.choice([3, 16, 100, 640])))
    n = x.size
    for _ in range(draw.randint(1, 4)):
        x = dense(m, draw, x, draw.choice([2, 8, 33, 64]),
                  draw.choice([NONE, RELU, RELU6, RELU_N1_TO_1]))
        if draw.chance(0.3):
            code = draw.choice(["TANH", "LOGISTIC", "LEAKY_RELU", "RELU",
                                "HARD_SWISH"])
            x = value(m, draw, code, x)
    kind = draw.choice(["classes", "scores", "same size"])
    if kind == "same size":
        x = dense(m, draw, x, n)
    else:
        x = dense(m, draw, x, draw.randint(2, 12))
        x = softmax(m, x) if kind == "classes" else x
    finish(m, draw, x)


def unary(m, draw, x):
    """Some operator that keeps the shape [1, n, n, 4]."""
    kind = draw.choice(["conv", "depthwise", "dense", "value", "value",
                        "pool", "gate", "pad and cut", "turn", "resize",
                        "join and cut"])
    if kind in ("conv", "depthwise"):
        return conv(m, draw, x, 4, depth=kind == "depthwise")
    if kind == "dense":
        return dense(m, draw, x, 4, draw.choice([NONE, RELU]), keep=True)
    if kind == "value":
        code = draw.choice(["RELU", "RELU6", "LEAKY_RELU", "LOGISTIC", "TANH",
                            "HARD_SWISH", "QUANTIZE"])
        return value(m, draw, code, x)
    if kind == "pool":
        return pool(m, x, draw.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]), 3,
                    1, True)
    if kind == "gate":
        return gated(m, draw, x)
    if kind == "turn":
        return m.op("TRANSPOSE", [x, m.ints([0, 2, 1, 3])],
                    m.tensor(x.shape, *like(x)), "TransposeOptions")
    if kind == "pad and cut":
        return cut(m, draw, padded(m, draw, x, 1, 0, 2, 1), x.shape)
    if kind == "join and cut":
        return cut(m, draw, joined(m, [x, x], draw.randint(1, 3)), x.shape)
    _, h, w, c = x.shape
    y = m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.ints([2 * h, 2 * w])],
             m.tensor((1, 2 * h, 2 * w, c), *like(x)),
             "ResizeNearestNeighborOptions")
    return pool(m, y, "MAX_POOL_2D", 2, 2, False)


def tangle(m, draw):
    """Each operator reads any tensor so far, and the output holds them all:
    whatever is overwritten too early shows."""
    n = draw.randint(2, 5)
    made = [start(m, draw, (1, n, n, 4))]
    for _ in range(draw.randint(3, 14)):
        x = draw.choice(made[-4:] if draw.chance(0.6) else made)
        if draw.chance(0.3):
            x = binary(m, draw, draw.choice(["ADD", "SUB", "MUL"]), x,
                       draw.choice(made), draw.choice([NONE, RELU]))
        else:
            x = unary(m, draw, x)
        made.append(x)
    draw.shuffle(made)
    while len(made) > 1:  # TensorFlow Lite Micro joins ten at most
        made = [joined(m, made[i:i + 8]) for i in range(0, len(made), 8)]
    finish(m, draw, made[0])


ALL = {"net_" + net.__name__: net for net in
       (residual, separable, inverted, squeeze_excite, branches, up_and_down,
        fused, shapes, mlp, tangle)}
