"""MaxPool over large windows, cell by cell."""
import numpy as np

from case import Case

RNG = np.random.default_rng(31)


def max_pool(x, kernel, strides, dilations, pads, ceil_mode):
    n = len(kernel)
    reach = [(kernel[d] - 1) * dilations[d] + 1 for d in range(n)]
    padded = [x.shape[2 + d] + pads[d] + pads[n + d] for d in range(n)]
    out = [-(-(padded[d] - reach[d]) // strides[d]) + 1 if ceil_mode else (padded[d] - reach[d]) // strides[d] + 1
           for d in range(n)]
    # A window that begins behind the image and its leading pads does not count.
    out = [o - 1 if (o - 1) * strides[d] >= x.shape[2 + d] + pads[d] else o for d, o in enumerate(out)]
    y = np.empty((*x.shape[:2], *out), x.dtype)
    for at in np.ndindex(*out):
        first = [at[d] * strides[d] - pads[d] for d in range(n)]
        cells = [[c for c in range(first[d], first[d] + reach[d], dilations[d]) if 0 <= c < x.shape[2 + d]] for d in range(n)]
        y[(slice(None), slice(None), *at)] = x[(slice(None), slice(None), *np.ix_(*cells))].max(tuple(range(2, 2 + n)))
    return y


def cases():
    for shape, kernel, strides, dilations, pads in (
            ((2, 3, 9, 11), [5, 5], [1, 1], [1, 1], [2, 2, 2, 2]), ((1, 4, 12, 17), [5, 7], [1, 2], [1, 2], [0, 3, 4, 1]),
            ((1, 2, 20, 20), [9, 9], [2, 1], [1, 1], [4, 4, 4, 4]), ((1, 5, 9, 30), [1, 13], [1, 3], [1, 1], [0, 6, 0, 6]),
            ((1, 2, 6, 7, 8), [3, 4, 3], [1, 1, 1], [1, 1, 2], [1, 2, 1, 0, 1, 2])):
        for dtype, ceil_mode in ((np.float32, 0), (np.float32, 1), (np.float16, 1), (np.int8, 1)):
            x = (40 * RNG.standard_normal(shape)).astype(dtype)
            attrs = {'kernel_shape': kernel, 'strides': strides, 'dilations': dilations, 'pads': pads, 'ceil_mode': ceil_mode}
            yield Case('MaxPool', [x], [max_pool(x, kernel, strides, dilations, pads, ceil_mode)], attrs, opset=22)
