"""Quantised convolutions: exact integer sums, scaled in f64."""
import numpy as np

from case import Case

RNG = np.random.default_rng(3)


def conv(x, w, strides, pads, dilations, group):
    n = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[d], pads[n + d]) for d in range(n)])
    reach = [(w.shape[2 + d] - 1) * dilations[d] + 1 for d in range(n)]
    out = np.zeros((x.shape[0], w.shape[0], *((x.shape[2 + d] - reach[d]) // strides[d] + 1 for d in range(n))))
    per_group = w.shape[0] // group
    for m in range(w.shape[0]):
        first = m // per_group * w.shape[1]
        for at in np.ndindex(*out.shape[2:]):
            window = tuple(slice(at[d] * strides[d], at[d] * strides[d] + reach[d], dilations[d]) for d in range(n))
            out[(slice(None), m, *at)] = (x[(slice(None), slice(first, first + w.shape[1]), *window)] * w[m]).reshape(
                x.shape[0], -1).sum(1)
    return out


def quantized(x_type, w_type, shape, filters, per_channel, bias, **settings):
    n = len(shape) - 2
    full = {'strides': [1] * n, 'pads': [0] * 2 * n, 'dilations': [1] * n, 'group': 1, **settings}
    def draw(dtype, dims):
        info = np.iinfo(dtype)
        return RNG.integers(info.min, info.max, dims, endpoint=True).astype(dtype)
    x, w = draw(x_type, shape), draw(w_type, filters)
    m = filters[0]
    x_zero, y_zero = draw(x_type, ()), draw(x_type, ())
    w_scale = RNG.uniform(0.01, 0.05, m if per_channel else ()).astype(np.float32)
    w_zero = draw(w_type, w_scale.shape) if per_channel else np.zeros((), w_type)
    x_scale, y_scale = np.float32(0.02), np.float32(0.37)
    spread = (slice(None), *[None] * (n + 1)) if per_channel else ()
    sums = conv(x.astype(float) - float(x_zero), w.astype(float) - w_zero.astype(float)[spread], **full)
    extra = []
    if bias:
        extra = [RNG.integers(-3000, 3000, m).astype(np.int32)]
        sums += extra[0].reshape(-1, *[1] * n)
    scale = x_scale.astype(float) * w_scale.astype(float) / float(y_scale)
    y = np.rint(sums * (scale.reshape(-1, *[1] * n) if per_channel else scale)) + float(y_zero)
    info = np.iinfo(x_type)
    inputs = [x, np.array(x_scale), x_zero, w, w_scale, w_zero, np.array(y_scale), y_zero, *extra]
    # A quotient halfway between two steps may fall to either side in f32.
    return Case('QLinearConv', inputs, [np.clip(y, info.min, info.max).astype(x_type)], settings, opset=10,
                fixed=(3, 4, 5), rtol=0, atol=1)


def cases():
    yield quantized(np.uint8, np.uint8, (2, 3, 6, 7), (4, 3, 3, 2), False, True)
    yield quantized(np.uint8, np.int8, (1, 4, 9, 8), (6, 2, 3, 3), True, True, group=2, strides=[2, 1], pads=[1, 0, 2, 1])
    yield quantized(np.int8, np.int8, (2, 2, 11), (3, 2, 4), True, False, dilations=[2])
    yield quantized(np.uint8, np.int8, (1, 2, 4, 5, 6), (2, 2, 2, 2, 3), False, True, pads=[1] * 6)
