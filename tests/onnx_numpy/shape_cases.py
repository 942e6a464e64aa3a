"""Padding, cropping and folding."""
import itertools

import numpy as np

from case import Case

RNG = np.random.default_rng(1)


def crop_pad(x, wanted, axes):
    for axis, n in zip(axes, wanted):
        more = n - x.shape[axis]
        if more < 0:
            first = -more // 2
            x = np.take(x, range(first, first + n), axis)
        elif more > 0:
            widths = [(0, 0)] * x.ndim
            widths[axis] = (more // 2, more - more // 2)
            x = np.pad(x, widths)
    return x


def col2im(x, image, block, strides, pads, dilations):
    n = len(image)
    counts = [(image[d] + pads[d] + pads[n + d] - (block[d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(n)]
    channels = x.shape[1] // int(np.prod(block))
    canvas = np.zeros((x.shape[0], channels, *(image[d] + pads[d] + pads[n + d] for d in range(n))), x.dtype)
    cells = x.reshape(x.shape[0], channels, *block, *counts)
    for inside in np.ndindex(*block):
        for at in np.ndindex(*counts):
            place = tuple(at[d] * strides[d] + inside[d] * dilations[d] for d in range(n))
            canvas[(slice(None), slice(None), *place)] += cells[(slice(None), slice(None), *inside, *at)]
    return canvas[(slice(None), slice(None), *(slice(pads[d], pads[d] + image[d]) for d in range(n)))]


def unpool(x, at, kernel, strides, pads, wanted=None):
    n = len(kernel)
    shape = [*x.shape[:2], *((x.shape[2 + d] - 1) * strides[d] - pads[d] - pads[n + d] + kernel[d] for d in range(n))]
    y = np.zeros(np.prod(shape), x.dtype)
    y[at.ravel()] = x.ravel()
    y = y.reshape(shape)
    return y if wanted is None else np.pad(y, [(0, w - s) for w, s in zip(wanted, shape)])


def cases():
    x = RNG.standard_normal((3, 5, 4)).astype(np.float32)
    for wanted, axes in (([5, 2, 4], None), ([4, 7], [-1, 0]), ([2], [1]), ([0, 8, 3], None), ([3, 5, 4], None)):
        attrs = {} if axes is None else {'axes': axes}
        expected = crop_pad(x, wanted, range(3) if axes is None else axes)
        for const, kind in itertools.product(((), (1,)), (np.int64, np.int32)):
            yield Case('CenterCropPad', [x, np.array(wanted, kind)], [expected], attrs, const=const)
    pads = np.array([1, -1, 0, 2], np.int64)
    for axes in ([0, 2], [-1, 1]):
        widths = dict(zip((a % 3 for a in axes), ((1, 0), (-1, 2))))
        expected = x
        for axis, (lo, hi) in widths.items():
            expected = np.pad(expected, [(max(lo, 0), hi) if d == axis else (0, 0) for d in range(3)])
            expected = np.take(expected, range(max(-lo, 0), expected.shape[axis]), axis)
        yield Case('Pad', [x, pads, None, np.array(axes, np.int32)], [expected])
    blocks = RNG.integers(-9, 9, (2, 3 * 6, 12)).astype(np.float64)
    for dtype in (np.float64, np.float32, np.float16, np.int32):
        settings = {'strides': [1, 2], 'pads': [1, 0, 0, 1], 'dilations': [2, 1]}
        image, block = (6, 7), (2, 3)
        counts = [(6 + 1 - 2 - 1) + 1, (7 + 1 - 2 - 1) // 2 + 1]
        data = blocks[:, :, :1].repeat(counts[0] * counts[1], 2).astype(dtype)
        yield Case('Col2Im', [data, np.array(image), np.array(block)], [col2im(data, image, block, **settings)],
                   settings, const=(2,))
    line = RNG.standard_normal((1, 3, 4)).astype(np.float32)
    settings = {'strides': [2], 'pads': [0, 0], 'dilations': [1]}
    yield Case('Col2Im', [line, np.array([9]), np.array([3])], [col2im(line, (9,), (3,), **settings)], settings)
    y = RNG.standard_normal((2, 2, 3)).astype(np.float32)
    at = np.array([[[0, 3, 5], [6, 9, 11]], [[13, 14, 17], [18, 21, 22]]])
    yield Case('MaxUnpool', [y, at], [unpool(y, at, [2], [2], [0, 0])], {'kernel_shape': [2], 'strides': [2]}, opset=22)
    wanted = np.array([2, 2, 7])
    yield Case('MaxUnpool', [y, at, wanted], [unpool(y, at, [2], [2], [0, 0], wanted)],
               {'kernel_shape': [2], 'strides': [2]}, opset=22)
    for k in (-7, -1, 0, 2, 9):
        yield Case('EyeLike', [np.zeros((3, 5), np.int8)], [np.eye(3, 5, k)], {'k': k, 'dtype': 11})
    yield Case('EyeLike', [np.zeros((0, 5), np.float32)], [np.zeros((0, 5), np.float32)])
