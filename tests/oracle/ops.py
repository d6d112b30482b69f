"""Models of one operator: a random legal configuration of each.

Each function fills a Model with the operator it is named for. Where an operator
needs two inputs that are computed, both are made from the model's one input
by slices and requantisation.
"""
import numpy as np

from draw import ACTIVATIONS, f32
from model import Model


def quantized(m, draw, shape, quant=None, **more):
    scale, zp = quant or draw.quant()
    return m.tensor(shape, scale, zp, **more)


# --- convolutions, fully connected -------------------------------------------

def out_size(n, k, stride, dilation, same):
    extent = (k - 1) * dilation + 1
    return -(-n // stride) if same else (n - extent) // stride + 1


def window(draw, largest, dilated):
    """(n, k, stride, dilation) of one axis: fits without padding too."""
    k = draw.choice([1, 2, 3, 3, 4, 5][:largest])
    dilation = draw.choice([1, 1, 2, 3]) if dilated else 1
    extent = (k - 1) * dilation + 1
    return extent + draw.randint(0, 7), k, draw.randint(1, 3), dilation


WILD = (-34, 20)  # a factor of 0 at one end, left shifts at the other
TIES = (-26, -18)


def weights(m, draw, shape, axis, factor, products, reach):
    """Weights on scales that make s_x * s_w / s_y 2^x, x in `reach`; None: the
    sums fill the output's range. `factor` is s_y / s_x."""
    channels = shape[axis]
    ratio = (draw.power(*reach) if reach else
             draw.power(-7.5, -5.5) / np.sqrt(products))
    spread = (2.0 ** draw.array.uniform(-3, 3, channels)
              if draw.chance(0.6) else np.ones(1))
    least = 1e-30 * max(1.0, factor)  # s_x * s_w stays a float32
    scale = np.maximum(ratio * factor * spread, least).astype(np.float32)
    data = draw.int8(shape)
    if len(scale) > 1:
        dead = draw.array.random(channels) < 0.1
        scale[dead] = 10 * least
        np.moveaxis(data, axis, 0)[dead] = 0
    if reach == TIES:
        data[:] = 0
    return m.tensor(shape, scale, axis=axis if len(scale) > 1 else 0,
                    data=data)


def bias(m, draw, w, x_scale, y_scale, channels, products, reach):
    limit = 2 ** 31 - 1 - 255 * 128 * products
    most = min(limit, draw.choice([100 * products, 100 * products, 5000,
                                   1 << 20, limit]))
    data = draw.array.integers(-most, most + 1, channels)
    if reach == TIES:
        # Half-way between two bytes, as near as integers come: the last bits
        # of the factor, and how TensorFlow Lite computes it, decide.
        steps = draw.array.integers(-127, 127, channels) + 0.5
        data = np.rint(steps * y_scale / (x_scale * w.scales().astype(float)))
        data = np.clip(data, -limit, limit)
    scale = (np.float32(x_scale) * w.scales()).astype(np.float32)
    return m.tensor((channels,), scale, dtype="int32", data=data)


def linear(m, draw, code, x, w_shape, axis, y_shape, products, quant=None,
           **options):
    """The three operators with weights, from x on. Without `quant`, the
    output's, scales at random."""
    y_scale, y_zp = quant or draw.quant()
    reach = None if quant else draw.choice([None] * 6 + [WILD, TIES])
    w = weights(m, draw, w_shape, axis, y_scale / x.scale, products, reach)
    ends = [x, w]
    # LiteRT wants a bias, so networks mostly have one.
    if reach == TIES or draw.chance(0.98 if quant else 0.85):
        ends.append(bias(m, draw, w, x.scale, y_scale, w_shape[axis], products,
                         reach))
    elif code != "DEPTHWISE_CONV_2D" and draw.chance(0.5):
        # On depthwise ones TensorFlow Lite Micro crashes on an absent third.
        ends.append(None)
    table = {"CONV_2D": "Conv2DOptions", "FULLY_CONNECTED":
             "FullyConnectedOptions"}.get(code, "DepthwiseConv2DOptions")
    options.setdefault("FusedActivationFunction", draw.choice(ACTIVATIONS))
    return m.op(code, ends, m.tensor(y_shape, y_scale, y_zp), table,
                **options)


def convolution(m, draw, depthwise):
    same = draw.chance(0.5)
    (h, k_h, s_h, d_h), (w, k_w, s_w, d_w) = (window(draw, 6, True),
                                              window(draw, 6, True))
    ic = draw.randint(1, 20)
    multiplier = draw.randint(1, 4)
    oc = ic * multiplier if depthwise else draw.randint(1, 20)
    x = quantized(m, draw, (1, h, w, ic))
    y_shape = (1, out_size(h, k_h, s_h, d_h, same),
               out_size(w, k_w, s_w, d_w, same), oc)
    options = {"DepthMultiplier": multiplier} if depthwise else {}
    linear(m, draw, "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", x,
           (1, k_h, k_w, oc) if depthwise else (oc, k_h, k_w, ic),
           3 if depthwise else 0, y_shape,
           k_h * k_w * (1 if depthwise else ic),
           Padding=0 if same else 1, StrideH=s_h, StrideW=s_w,
           DilationHFactor=d_h, DilationWFactor=d_w, **options)


def conv_2d(m, draw):
    convolution(m, draw, False)


def depthwise_conv_2d(m, draw):
    convolution(m, draw, True)


def fully_connected(m, draw):
    n = draw.choice([1, 7, 16, 33, 64, 1024, 4096])
    oc = draw.randint(1, 20)
    rows = draw.choice([1, 1, draw.randint(2, 6)])
    keep = draw.chance(0.3)
    if keep:
        outer = draw.choice([(rows,), (1, rows), (rows, 2)])
        shape, y_shape = (*outer, n), (*outer, oc)
    elif n % 2 == 0 and draw.chance(0.3):  # flattens
        shape, y_shape = (rows, 1, 2, n // 2), (rows, oc)
    else:
        shape, y_shape = (rows, n), (rows, oc)
    x = quantized(m, draw, shape)
    linear(m, draw, "FULLY_CONNECTED", x, (oc, n), 0, y_shape, n,
           KeepNumDims=keep)


# --- two computed inputs from one --------------------------------------------

def cut(m, draw, x, shape):
    """A slice of x of this shape, at random places, at times backwards."""
    begin, end, stride = [], [], []
    for whole, part in zip(x.shape, shape):
        first = draw.randint(0, whole - part)
        back = part > 1 and draw.chance(0.3)
        last = first + part - 1
        begin.append(last if back else first)
        end.append(first - 1 if back else last + 1)
        stride.append(-1 if back else 1)
    # An end of -1 would count from the end; the mask takes all that is left.
    mask = sum(1 << i for i, n in enumerate(end) if n < 0)
    y = m.tensor(shape, x.scale, x.zp)
    return m.op("STRIDED_SLICE", [x] + [m.ints(v) for v in
                                        (begin, end, stride)], y,
                "StridedSliceOptions", EndMask=mask)


def requantized(m, draw, x, quant):
    return m.op("QUANTIZE", [x], m.tensor(x.shape, *quant))


def reshaped(m, x, shape):
    if x.shape == tuple(shape):
        return x
    return m.op("RESHAPE", [x, m.ints(list(shape))],
                m.tensor(shape, x.scale, x.zp), "ReshapeOptions")


def operand(m, draw, x, dims):
    """A tensor that broadcasts to x's shape, made from x or constant."""
    lead = 0
    while lead < len(dims) - 1 and dims[lead] == 1 and draw.chance(0.5):
        lead += 1
    t = cut(m, draw, x, dims)
    near = (f32(x.scale * 2.0 ** draw.uniform(-2, 2)), draw.zp())
    return reshaped(m, requantized(m, draw, t, near), dims[lead:])


def eltwise(m, draw, code):
    shape = draw.shape(draw.choice([1, 2, 3, 4, 4]), 300)
    x = quantized(m, draw, shape)
    narrow = [draw.choice([0, 0, 1, 2]) for _ in shape]
    a_dims = tuple(1 if k == 1 else n for k, n in zip(narrow, shape))
    b_dims = tuple(1 if k == 2 else n for k, n in zip(narrow, shape))
    kind = draw.choice(["two", "two", "same", "left", "right"])
    if kind == "same":
        a = b = x
    elif kind == "two":
        a, b = operand(m, draw, x, a_dims), operand(m, draw, x, b_dims)
    else:
        fixed = draw.choice([b_dims, (1,), (), shape])
        r = draw.choice([1, 4, 4, 4, 24])
        c = quantized(m, draw, fixed, data=draw.int8(fixed),
                      quant=(f32(x.scale * 2.0 ** draw.uniform(-r, r)),
                             draw.zp()))
        a, b = (c, x) if kind == "left" else (x, c)
    product = code == "MUL"
    wide = a.scale * b.scale * 100 if product else max(a.scale, b.scale)
    reach = (-14, 33) if draw.chance(0.15) else (-2, 2)
    y = m.tensor(np.broadcast_shapes(a.shape, b.shape),
                 f32(wide * 2.0 ** draw.uniform(*reach)), draw.zp())
    q_a, q_b = draw.randint(-128, 127) - a.zp, draw.randint(-128, 127) - b.zp
    q_b = q_a if a is b else q_b
    if product:
        y.scale = draw.tie(y.scale, a.scale * q_a * b.scale * q_b, q_a * q_b)
    else:
        y.scale = draw.tie(y.scale, a.scale * q_a + b.scale * (
            -q_b if code == "SUB" else q_b))
    m.op(code, [a, b], y, code.capitalize() + "Options",
         FusedActivationFunction=draw.choice(ACTIVATIONS))


def add(m, draw):
    eltwise(m, draw, "ADD")


def sub(m, draw):
    eltwise(m, draw, "SUB")


def mul(m, draw):
    eltwise(m, draw, "MUL")


def concatenation(m, draw):
    shape = draw.shape(draw.randint(1, 4), 200)
    x = quantized(m, draw, shape)
    axis = draw.randrange(len(shape))
    parts, total = [], 0
    for i in range(draw.randint(2, 4)):
        n = draw.randint(1, shape[axis])
        dims = (*shape[:axis], n, *shape[axis + 1:])
        if i > 0 and draw.chance(0.2):
            part = quantized(m, draw, dims, (x.scale, x.zp),
                             data=draw.int8(dims))
        elif n == shape[axis] and draw.chance(0.5):
            part = x
        else:
            part = cut(m, draw, x, dims)
        parts.append(part)
        total += n
    y = m.tensor((*shape[:axis], total, *shape[axis + 1:]), x.scale, x.zp)
    m.op("CONCATENATION", parts, y, "ConcatenationOptions",
         Axis=axis - draw.choice([0, len(shape)]))


# --- pools, MEAN, SOFTMAX ----------------------------------------------------

def pool(m, draw, code):
    same = draw.chance(0.5)
    (h, k_h, s_h, _), (w, k_w, s_w, _) = (window(draw, 6, False),
                                          window(draw, 6, False))
    if same and draw.chance(0.3):  # a window larger than the map
        h, w = draw.randint(1, 4), draw.randint(1, 4)
    c = draw.randint(1, 20)
    x = quantized(m, draw, (1, h, w, c))
    y = m.tensor((1, out_size(h, k_h, s_h, 1, same),
                  out_size(w, k_w, s_w, 1, same), c), x.scale, x.zp)
    m.op(code, [x], y, "Pool2DOptions", Padding=0 if same else 1,
         StrideH=s_h, StrideW=s_w, FilterHeight=k_h, FilterWidth=k_w,
         FusedActivationFunction=draw.choice(ACTIVATIONS))


def average_pool_2d(m, draw):
    pool(m, draw, "AVERAGE_POOL_2D")


def max_pool_2d(m, draw):
    pool(m, draw, "MAX_POOL_2D")


def mean(m, draw):
    shape = draw.shape(draw.choice([1, 2, 3, 4, 4, 4, 5]), 2000)
    if draw.chance(0.1):
        shape = (1, draw.randint(10, 130), draw.randint(10, 130), 3)
    rank = len(shape)
    axes = draw.sample(range(rank), draw.randint(1, rank))
    if rank == 4 and draw.chance(0.3):
        axes = [1, 2]
    keep = draw.chance(0.5)
    dims = [1 if i in axes else n for i, n in enumerate(shape)
            if keep or i not in axes]
    x = quantized(m, draw, shape)
    reach = (-10, 10) if draw.chance(0.3) else (-3, 1)
    y = m.tensor(dims, f32(x.scale * 2.0 ** draw.uniform(*reach)), draw.zp())
    # The mean of a sample whose values are all the same, or any mean.
    y.scale = draw.tie(y.scale, x.scale * draw.choice(
        [127 - x.zp, -128 - x.zp, draw.randint(1, 999) * y.size / x.size]))
    listed = [i - draw.choice([0, 0, rank]) for i in axes]
    if draw.chance(0.1):
        listed.append(axes[0])  # twice is once
    m.op("MEAN", [x, m.ints(listed)], y, "ReducerOptions", KeepDims=keep)


def reduce_max(m, draw):
    """Of axes that follow each other, those of 1 aside."""
    shape = draw.shape(draw.choice([1, 2, 3, 4, 4]), 2000)
    rank = len(shape)
    first = draw.randrange(rank)
    axes = list(range(first, draw.randint(first + 1, rank)))
    axes += [i for i, n in enumerate(shape) if n == 1 and i not in axes and
             draw.chance(0.5)]
    keep = draw.chance(0.5)
    dims = [1 if i in axes else n for i, n in enumerate(shape)
            if keep or i not in axes]
    x = quantized(m, draw, shape)
    draw.shuffle(axes)
    m.op("REDUCE_MAX", [x, m.ints([i - draw.choice([0, rank]) for i in axes])],
         m.tensor(dims, x.scale, x.zp), "ReducerOptions", KeepDims=keep)


def softmax(m, draw):
    # With more, TensorFlow Lite Micro stops where all are alike.
    cols = draw.choice([1, 2, 10, draw.randint(1, 40), 100, 255])
    if draw.chance(0.05):
        cols = draw.choice([300, 1001])
    rows = draw.choice([(), (1,), (draw.randint(1, 4),), (1, 2, 3)])
    reach = (-28, 8) if draw.chance(0.2) else (-8, 0)
    x = m.tensor((*rows, cols), draw.power(*reach), draw.zp())
    beta = draw.choice([1.0, 1.0, 0.5, 2.0, f32(draw.uniform(0.05, 4))])
    m.op("SOFTMAX", [x], m.tensor(x.shape, 1 / 256, -128), "SoftmaxOptions",
         Beta=beta)


# --- functions of one value --------------------------------------------------

def bytes_shape(draw):
    return draw.choice([(1, 256), (1, 16, 16, 1), (2, 130), (257,), (3,)])


def function(m, draw, code, x_quant, y_quant, options=None, **fields):
    x = m.tensor(bytes_shape(draw), *x_quant)
    m.op(code, [x], m.tensor(x.shape, *y_quant), options, **fields)


def near(draw, quant):
    """The same, one close by, one far off."""
    scale, zp = quant
    reach = draw.choice([0, 1, 2, 2, 6])
    if reach == 0:
        return quant
    units = draw.randint(1, 255)
    return draw.tie(f32(scale * 2.0 ** draw.uniform(-reach, reach)),
                    scale * units, units), draw.zp()


def relu(m, draw):
    x = draw.quant()
    function(m, draw, "RELU", x, near(draw, x))


def relu6(m, draw):
    x = draw.quant()
    function(m, draw, "RELU6", x, near(draw, x))


def leaky_relu(m, draw):
    x = draw.quant()
    alpha = f32(draw.choice([0.01, 0.1, 0.2, 0.3, draw.random()]))
    function(m, draw, "LEAKY_RELU", x, near(draw, x), "LeakyReluOptions",
             Alpha=alpha)


def q4_input(draw):
    reach = (-27.9, 29) if draw.chance(0.15) else (-12, 5)
    return draw.power(*reach), draw.zp()


def logistic(m, draw):
    function(m, draw, "LOGISTIC", q4_input(draw), (1 / 256, -128))


def tanh(m, draw):
    function(m, draw, "TANH", q4_input(draw), (1 / 128, 0))


def hard_swish(m, draw):
    x = (draw.power(-8, 1), draw.zp())
    function(m, draw, "HARD_SWISH", x, near(draw, x), "HardSwishOptions")


def quantize(m, draw):
    """Between bytes; and a float interface around a byte model."""
    kind = draw.choice(["i8", "u8", "to u8", "float"])
    shape = bytes_shape(draw)
    q = draw.quant()
    if kind == "float":
        x = m.tensor(shape, dtype="float32")
        t = m.op("QUANTIZE", [x], m.tensor(shape, *q), "QuantizeOptions")
        t = requantized(m, draw, t, near(draw, q))
        m.op("DEQUANTIZE", [t], m.tensor(shape, dtype="float32"),
             "DequantizeOptions")
        return
    unsigned = (f32(q[0]), draw.randint(0, 255))
    x = m.tensor(shape, *(unsigned if kind == "u8" else q),
                 dtype="uint8" if kind == "u8" else "int8")
    y_scale, y_zp = near(draw, q)
    y = m.tensor(shape, y_scale, draw.randint(0, 255) if kind == "to u8"
                 else y_zp, dtype="uint8" if kind == "to u8" else "int8")
    m.op("QUANTIZE", [x], y, "QuantizeOptions")


# --- movements ---------------------------------------------------------------

def moved(m, draw, shape):
    """x behind a RELU: a model that only renames its input is refused, as there
    is nothing to compile."""
    quant = (draw.scale(), draw.randint(-128, 0))
    x = m.tensor(shape, *quant)
    return m.op("RELU", [x], m.tensor(shape, *quant))


def reshape(m, draw):
    x = moved(m, draw, draw.shape(draw.randint(1, 4), 400))
    flat = [n for n in (1, 2, 3, 4, 6, 8) if x.size % n == 0]
    first = draw.choice(flat)
    shape = draw.choice([(x.size,), (first, x.size // first),
                         (1, first, x.size // first, 1)])
    wish = list(shape)
    if draw.chance(0.4):
        wish[draw.randrange(len(wish))] = -1
    y = m.tensor(shape, x.scale, x.zp)
    if draw.chance(0.5):
        m.op("RESHAPE", [x, m.ints(wish)], y, "ReshapeOptions", NewShape=wish)
    else:
        m.op("RESHAPE", [x], y, "ReshapeOptions", NewShape=wish)


def squeeze(m, draw):
    shape = tuple(draw.choice([1, n]) for n in draw.shape(4, 400))
    x = moved(m, draw, shape)
    ones = [i for i, n in enumerate(shape) if n == 1]
    gone = draw.sample(ones, draw.randint(0, len(ones)))
    dims = [n for i, n in enumerate(shape)
            if (i not in gone if gone else n != 1)]
    m.op("SQUEEZE", [x], m.tensor(dims, x.scale, x.zp), "SqueezeOptions",
         SqueezeDims=[i - draw.choice([0, 4]) for i in gone])


def expand_dims(m, draw):
    x = moved(m, draw, draw.shape(draw.randint(1, 3), 400))
    rank = len(x.shape)
    at = draw.randint(0, rank)
    y = m.tensor((*x.shape[:at], 1, *x.shape[at:]), x.scale, x.zp)
    axis = at - draw.choice([0, rank + 1])
    m.op("EXPAND_DIMS", [x, m.ints(draw.choice([axis, [axis]]))], y,
         "ExpandDimsOptions")


def padded(m, draw, code):
    x = quantized(m, draw, draw.shape(draw.randint(1, 4), 400))
    pads = [(draw.choice([0, 0, 1, 2]), draw.choice([0, 0, 1, 3]))
            for _ in x.shape]
    y = m.tensor([a + n + b for n, (a, b) in zip(x.shape, pads)], x.scale,
                 x.zp)
    ends = [x, m.ints(pads)]
    if code == "PADV2":
        ends.append(m.tensor(draw.choice([(), (1,)]), x.scale, x.zp,
                             data=draw.randint(-128, 127)))
    m.op(code, ends, y, {"PAD": "PadOptions", "PADV2": "PadV2Options"}[code])


def pad(m, draw):
    padded(m, draw, "PAD")


def padv2(m, draw):
    padded(m, draw, "PADV2")


def transpose(m, draw):
    x = moved(m, draw, draw.shape(draw.randint(1, 5), 400))
    order = list(range(len(x.shape)))
    draw.shuffle(order)
    y = m.tensor([x.shape[i] for i in order], x.scale, x.zp)
    m.op("TRANSPOSE", [x, m.ints(order)], y, "TransposeOptions")


def resize_nearest_neighbor(m, draw):
    h, w, c = draw.randint(1, 16), draw.randint(1, 16), draw.randint(1, 6)
    x = quantized(m, draw, (1, h, w, c))
    size = [draw.choice([2 * n, draw.randint(1, 30)]) for n in (h, w)]
    corners, centers = draw.choice([(0, 0), (0, 1), (1, 0)])
    m.op("RESIZE_NEAREST_NEIGHBOR", [x, m.ints(size)],
         m.tensor((1, *size, c), x.scale, x.zp),
         "ResizeNearestNeighborOptions", AlignCorners=corners,
         HalfPixelCenters=centers)


def strided_slice(m, draw):
    """begin, end, strides and masks at random; NumPy says what they take."""
    x = moved(m, draw, draw.shape(draw.randint(1, 4), 2000))
    while True:
        take, spec, masks = [], [], [0, 0, 0]
        for i, n in enumerate(x.shape):
            step = draw.choice([1, 1, 2, 3, -1, -2])
            begin, end = draw.randint(0, n // 2), draw.randint(n // 2, n + 2)
            if step < 0:
                begin, end = min(end, n - 1), begin - 1
            begin = min(begin, n - 1) - draw.choice([0, n])
            end = end - n if 0 <= end < n and draw.chance(0.5) else end
            bits = [draw.chance(0.2), draw.chance(0.3), draw.chance(0.2)]
            if bits[2]:
                bits[:2], step, end = [False, False], 1, begin + 1
                take.append(begin)
            else:
                take.append(slice(None if bits[0] else begin,
                                  None if bits[1] else end, step))
            spec.append((begin, end, step))
            masks = [mask | bit << i for mask, bit in zip(masks, bits)]
        dims = np.empty(x.shape, np.int8)[tuple(take)].shape
        if np.prod(dims) > 0:
            break
    y = m.tensor(dims, x.scale, x.zp)
    m.op("STRIDED_SLICE", [x] + [m.ints(list(v)) for v in zip(*spec)], y,
         "StridedSliceOptions", BeginMask=masks[0], EndMask=masks[1],
         ShrinkAxisMask=masks[2])


ALL = (conv_2d, depthwise_conv_2d, fully_connected, add, sub, mul,
       average_pool_2d, max_pool_2d, mean, reduce_max, softmax, reshape,
       squeeze, expand_dims, quantize, relu, relu6, pad, padv2, transpose,
       concatenation, resize_nearest_neighbor, logistic, tanh, hard_swish,
       leaky_relu, strided_slice)


def make(op, draw):
    m = Model()
    op(m, draw)
    return m
