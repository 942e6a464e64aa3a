"""Random operators with fixed seeds, judged by distribution; and Philox4x32-10 number by number."""
import struct

import numpy as np

from case import Case

ONNX_TYPES = {np.float32: 1, np.float64: 11, np.float16: 10, np.int32: 6, np.int64: 7, np.uint8: 2, np.bool_: 9}
MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


# The generator's published answers.
assert philox((0, 0, 0, 0), (0, 0)) == [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
assert philox((MASK,) * 4, (MASK,) * 2) == [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]


def uniform_f32(seed, count):
    """Element i takes word i % 4 of the block whose counter is i / 4 (and 1 above 64 bits); 23 of its bits."""
    bits = struct.unpack('<Q', struct.pack('<d', seed))[0]
    words = [w for block in range(-(-count // 4)) for w in philox((block, 0, 1, 0), (bits & MASK, bits >> 32))]
    return (np.array(words[:count]) & (2**23 - 1)).astype(np.float32) / 2**23


def kolmogorov(sample, cdf):
    """The largest distance between the sample's distribution and cdf, times the square root of its size."""
    x = np.sort(sample.astype(np.float64).ravel())
    n, below = x.size, cdf(x)
    return max((np.arange(1, n + 1) / n - below).max(), (below - np.arange(n) / n).max()) * np.sqrt(n)


def normal_cdf(mean, scale):
    from math import erf
    return lambda x: np.array([0.5 * (1 + erf((v - mean) / scale / 2**0.5)) for v in x])


def uniform_cdf(low, high):
    return lambda x: np.clip((x - low) / (high - low), 0, 1)


# 1.95 is exceeded once in a thousand seeds; these seeds are fixed.
def follows(cdf, mean, variance, low=-np.inf, high=np.inf):
    def check(x):
        x = x.astype(np.float64)
        n = x.size
        distance = kolmogorov(x, cdf)
        if distance > 1.95:
            return f'Kolmogorov distance {distance:.2f}'
        if abs(x.mean() - mean) > 4 * np.sqrt(variance / n):
            return f'mean {x.mean()}, not {mean}'
        if abs(x.var() - variance) > 8 * variance / np.sqrt(n):
            return f'variance {x.var()}, not {variance}'
        neighbours = np.corrcoef(x.ravel()[:-1], x.ravel()[1:])[0, 1]
        if abs(neighbours) > 4 / np.sqrt(n):
            return f'neighbours correlate by {neighbours}'
        return '' if low <= x.min() and x.max() < high else f'outside [{low}, {high}): {x.min()} to {x.max()}'
    return check


def generators():
    yield Case('RandomUniform', [], [uniform_f32(3.5, 1001)], {'shape': [1001], 'seed': 3.5}, opset=22, rtol=0, atol=0)
    for dtype in (np.float32, np.float64):
        for low, high in ((0.0, 1.0), (-3.0, 5.0)):
            check = follows(uniform_cdf(low, high), (low + high) / 2, (high - low)**2 / 12, low, high)
            attrs = {'low': low, 'high': high, 'seed': 0.0}
            yield Case('RandomUniform', [], check, {**attrs, 'shape': [50, 400], 'dtype': ONNX_TYPES[dtype]}, opset=22,
                       out_types=[dtype])
            yield Case('RandomUniformLike', [np.zeros((20000,), dtype)], check, attrs, opset=22, out_types=[dtype])
        for mean, scale in ((0.0, 1.0), (10.0, 0.5)):
            check = follows(normal_cdf(mean, scale), mean, scale**2)
            attrs = {'mean': mean, 'scale': scale, 'seed': 7.0}
            yield Case('RandomNormal', [], check, {**attrs, 'shape': [20000], 'dtype': ONNX_TYPES[dtype]}, opset=22,
                       out_types=[dtype])
            yield Case('RandomNormalLike', [np.zeros((100, 200), np.int8)], check, {**attrs, 'dtype': ONNX_TYPES[dtype]},
                       opset=22, out_types=[dtype])

    def half(x):
        wrong = abs(x.astype(float).mean() - 0.5) > 0.01 or x.min() < 0 or x.max() >= 1 or np.unique(x).size < 900
        return 'no uniform halves' if wrong else ''
    yield Case('RandomUniform', [], half, {'shape': [20000], 'dtype': 10, 'seed': 1.0}, opset=22, out_types=[np.float16])


def seeds():
    def same(a, b):
        return '' if np.array_equal(a, b) else 'two runs with one seed differ'

    def differ(a, b):
        return 'two runs without a seed agree' if np.array_equal(a, b) else ''
    for op, inputs, attrs in (('RandomNormal', [], {'shape': [9]}), ('RandomUniformLike', [np.zeros(9, np.float32)], {}),
                              ('Bernoulli', [np.full(40, 0.5, np.float32)], {})):
        yield Case(op, inputs, same, {**attrs, 'seed': 2.0}, opset=22, runs=2, out_types=[np.float32])
        yield Case(op, inputs, differ, attrs, opset=22, runs=2, out_types=[np.float32])


def frequencies(expected, count):
    """Counts of 0, 1, ... against their probabilities, by chi squared (99.9 % for up to 5 classes is 18.5)."""
    def check(x):
        if x.size != count or x.min() < 0 or x.max() >= len(expected):
            return f'{x.size} numbers from {x.min()} to {x.max()}'
        got = np.bincount(x.astype(int).ravel(), minlength=len(expected))
        p = np.array(expected)
        if got[p == 0].any():
            return 'what has no probability was drawn'
        chi = ((got - count * p)**2 / np.maximum(count * p, 1e-300))[p > 0].sum()
        return '' if chi < 18.5 else f'chi squared {chi:.1f} of {got}'
    return check


def discrete():
    for dtype, out in ((np.float32, None), (np.float64, np.uint8), (np.float16, np.bool_)):
        attrs = {'seed': 5.0, **({} if out is None else {'dtype': ONNX_TYPES[out]})}
        yield Case('Bernoulli', [np.full((100, 100), 0.25, dtype)], frequencies([0.75, 0.25], 10000), attrs, opset=22,
                   out_types=[out or dtype])
    for p, value in ((0.0, 0), (1.0, 1)):
        yield Case('Bernoulli', [np.full(1000, p, np.float32)], [np.full(1000, value, np.float32)], opset=22)
    logits = np.array([[1.0, -np.inf, 0.0, 2.0]])
    weights = np.exp(logits[0])
    for dtype, out in ((np.float32, np.int32), (np.float64, np.int64), (np.float16, np.int32)):
        yield Case('Multinomial', [logits.astype(dtype)], frequencies(list(weights / weights.sum()), 20000),
                   {'sample_size': 20000, 'dtype': ONNX_TYPES[out], 'seed': 1.0}, opset=22, out_types=[out])


def dropouts():
    x = np.arange(1, 20001, dtype=np.float32).reshape(100, 200)

    def dropped(ratio):
        def check(y, mask):
            if not np.array_equal(y != 0, mask):
                return 'the mask says something else than the result'
            if np.abs(y[mask] * (1 - ratio) - x[mask]).max() > 1e-2:
                return 'what is kept is not scaled'
            return frequencies([ratio, 1 - ratio], x.size)(mask)
        return check
    for const in ((), (1, 2)):
        for ratio in (0.25, 0.9):
            yield Case('Dropout', [x, np.array(ratio, np.float32), np.array(True)], dropped(ratio), {'seed': 0}, opset=22,
                       const=const, out_types=[np.float32, np.bool_])
        yield Case('Dropout', [x, np.array(0.5, np.float64), np.array(False)], [x, np.ones(x.shape, bool)], opset=22,
                   const=const)
    yield Case('Dropout', [x, None, np.array(True)], dropped(0.5), opset=13, out_types=[np.float32, np.bool_])
    zero = np.zeros(x.shape, np.float32)
    yield Case('Dropout', [x, np.array(1.0, np.float32), np.array(True)], [zero, zero.astype(bool)], opset=22)


def cases():
    for part in (generators, seeds, discrete, dropouts):
        yield from part()
