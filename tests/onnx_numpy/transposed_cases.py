"""ConvTranspose: each element of x adds its multiple of the filter."""
import numpy as np

from case import Case

RNG = np.random.default_rng(37)


def conv_transpose(x, w, bias, strides, dilations, pads, output_padding, group):
    n = x.ndim - 2
    full = [(x.shape[2 + d] - 1) * strides[d] + (w.shape[2 + d] - 1) * dilations[d] + 1 + output_padding[d] for d in range(n)]
    y = np.zeros((x.shape[0], w.shape[1] * group, *full))
    for c in range(x.shape[1]):
        first = c // (x.shape[1] // group) * w.shape[1]
        for at in np.ndindex(*x.shape[2:]):
            place = tuple(slice(at[d] * strides[d], at[d] * strides[d] + (w.shape[2 + d] - 1) * dilations[d] + 1, dilations[d])
                          for d in range(n))
            part = x[(slice(None), c, *at)].reshape(-1, *[1] * (n + 1)) * w[c]
            y[(slice(None), slice(first, first + w.shape[1]), *place)] += part
    inside = tuple(slice(pads[d], full[d] - pads[n + d]) for d in range(n))
    return y[(slice(None), slice(None), *inside)] + bias.reshape(-1, *[1] * n)


def cases():
    for shape, filter_shape, strides, pads, extra in (
            ((2, 3, 5, 6), (3, 4, 4, 4), [2, 2], [1, 1, 1, 1], {}), ((1, 2, 4, 5), (2, 3, 4, 6), [2, 3], [0, 2, 1, 0], {}),
            ((1, 2, 4, 5), (2, 3, 4, 4), [2, 2], [1, 1, 2, 1], {'output_padding': [1, 1]}),
            ((1, 2, 4, 5), (2, 3, 2, 2), [2, 2], [1, 0, 0, 1], {}), ((1, 2, 4, 5), (2, 3, 3, 4), [1, 2], [1, 1, 1, 1], {}),
            ((1, 2, 4, 5), (2, 3, 3, 3), [2, 2], [1, 1, 1, 1], {'output_padding': [1, 1]}),
            ((1, 4, 4, 5), (4, 3, 4, 4), [2, 2], [1, 1, 1, 1], {'group': 2}),
            ((1, 2, 4, 5), (2, 3, 4, 4), [2, 2], [0, 0, 0, 0], {'dilations': [2, 2]}),
            ((1, 3, 9), (3, 2, 8), [4], [2, 2], {}), ((1, 2, 3, 4, 3), (2, 2, 2, 4, 4), [1, 2, 4], [0, 1, 0, 1, 1, 0], {})):
        x, w = RNG.standard_normal(shape), RNG.standard_normal(filter_shape)
        n, group = len(strides), extra.get('group', 1)
        bias = RNG.standard_normal(filter_shape[1] * group)
        y = conv_transpose(x, w, bias, strides, extra.get('dilations', [1] * n), pads, extra.get('output_padding', [0] * n),
                           group)
        for dtype, error in ((np.float32, 1e-5), (np.float64, 1e-12)):
            yield Case('ConvTranspose', [t.astype(dtype) for t in (x, w, bias)], [y.astype(dtype)],
                       {'strides': strides, 'pads': pads, **extra}, opset=22, rtol=error, atol=10 * error, fixed=(1, 2))
    # An infinity reaches the results of its own windows only.
    x, w = np.zeros((1, 1, 1, 4)), RNG.standard_normal((1, 1, 1, 3))
    x[..., 1] = np.inf
    y = conv_transpose(np.where(np.isinf(x), 0, x), w, np.zeros(1), [1, 2], [1, 1], [0] * 4, [0, 0], 1)
    y[..., 2:5] = np.copysign(np.inf, w[0, 0])
    yield Case('ConvTranspose', [x.astype(np.float32), w.astype(np.float32)], [y.astype(np.float32)], {'strides': [1, 2]},
               opset=22, fixed=(1,))
