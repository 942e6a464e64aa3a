"""TopK and NonZero over dtypes, axes and counts, with ties, zeros of both signs, infinities and NaN."""
import itertools

import numpy as np

from case import Case

RNG = np.random.default_rng(29)


def top_k(x, k, axis, largest):
    """A stable sort; NaN is larger than everything."""
    rank = np.unique(x, return_inverse=True, equal_nan=True)[1].reshape(x.shape)
    order = np.argsort(-rank if largest else rank, axis, kind='stable').take(range(k), axis)
    return [np.take_along_axis(x, order, axis), order]


def draw(dtype, shape):
    if np.dtype(dtype).kind != 'f':
        info = np.iinfo(dtype)
        x = RNG.integers(info.min, info.max, shape, dtype, endpoint=True)
        x.flat[:4] = info.min, info.max, 0, info.max
        return x
    x = RNG.standard_normal(shape).round(1).astype(dtype)  # with ties
    x.flat[:6] = -0.0, 0.0, np.inf, -np.inf, np.nan, -np.nan
    return x


def cases():
    for dtype, largest in itertools.product((np.float32, np.float64, np.float16, np.int32, np.int64, np.uint8), (0, 1)):
        for shape, axis, k in (((2, 300), -1, 5), ((2, 300), 1, 70), ((300,), 0, 299), ((90, 3), 0, 90), ((5, 7), 0, 0)):
            x = draw(dtype, shape)
            yield Case('TopK', [x, np.array([k])], top_k(x, k, axis, largest), {'axis': axis, 'largest': largest},
                       opset=24, const=(1,))
    for shape in ((), (1,), (70,), (4, 5, 6), (3, 1, 9, 2), (0, 3)):
        for dtype in (np.bool_, np.float32, np.int64):
            x = np.asarray(RNG.random(shape) < 0.4, dtype)
            yield Case('NonZero', [x], [np.argwhere(x).T])
    yield Case('NonZero', [np.zeros((3, 4), np.float32)], [np.zeros((2, 0), np.int64)])
    yield Case('NonZero', [np.array([[-0.0, np.nan], [1, 0]], np.float32)], [np.array([[0, 1], [1, 0]])])
