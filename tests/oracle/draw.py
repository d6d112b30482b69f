"""Random numbers as the generators need them."""
import random

import numpy as np

ACTIVATIONS = (0, 0, 1, 2, 3)  # NONE, RELU, RELU_N1_TO_1, RELU6


def f32(x):
    return float(np.float32(x))


class Draw(random.Random):
    """Everything follows from the seed, a text."""

    def __init__(self, seed):
        super().__init__(seed)
        self.array = np.random.default_rng(self.getrandbits(64))

    def chance(self, p):
        return self.random() < p

    def power(self, low, high):
        """A scale 2^x that float32 holds, x even in [low, high]."""
        return f32(2.0 ** self.uniform(low, high))

    def scale(self):
        """Mostly what calibration gives, at times far from it."""
        return self.power(-24, 16) if self.chance(0.1) else self.power(-9, 1)

    def tie(self, scale, real, units=0):
        """An output scale near `scale` at which `real` lies half-way between
        two bytes, as far as float32 can tell: there the last bits of the
        arithmetic decide. Where real is so many `units`, at times the first of
        the two roundings that a factor below 1 takes is the tie, and decides
        what the second one gives."""
        steps = abs(real) / scale
        if not 0.5 < steps < 1e6 or self.chance(0.4):
            return scale
        half = np.floor(steps) + 0.5
        if units and self.chance(0.5):
            shift = np.frexp(half / abs(units))[1]
            half -= 2.0 ** (shift - 1) if shift < 0 else 0
        return f32(abs(real) / half)

    def zp(self):
        return self.choice([-128, 127, 0, self.randint(-128, 127),
                            self.randint(-128, 127)])

    def quant(self):
        return self.scale(), self.zp()

    def int8(self, shape):
        """Bytes, some of them -128 and 127."""
        x = self.array.integers(-128, 128, shape)
        ends = self.array.random(shape)
        return np.where(ends < 0.03, -128, np.where(ends > 0.97, 127, x))

    def shape(self, rank, most):
        """Dimensions of at most `most` elements together."""
        dims = []
        for _ in range(rank):
            dims.append(self.randint(1, max(1, min(most, 9))))
            most //= dims[-1]
        self.shuffle(dims)
        return tuple(dims)

    def samples(self, shape, kind, quant, n):
        """Inputs for a model: a ramp, the ends of the range, noise. Real ones
        cover what the bytes of `quant`, scale and zero point, stand for."""
        low = 0 if kind == "uint8" else -128
        ramp = np.resize(np.arange(low, low + 256), shape)
        self.array.shuffle(ramp.reshape(-1))
        flat = self.choice([low, low + 255])
        noise = [self.int8(shape) - (-128 - low) for _ in range(n - 2)]
        made = [ramp, np.full(shape, flat), *noise]
        if kind == "float32":
            return [self._real(x, *quant) for x in made]
        return [x.astype(kind).reshape(shape) for x in made]

    def _real(self, x, scale, zero):
        """Half of them ties in the quantisation, some out of range."""
        part = self.array.uniform(-0.5, 0.5, x.shape)
        part[self.array.random(x.shape) < 0.5] = 0.5
        wide = self.array.choice([1, 1, 1, 2], x.shape)
        return ((x - zero + part) * wide * scale).astype(np.float32)
