"""Quantised convolutions: exact integer sums, scaled in f64."""
import numpy as np
from onnx import helper

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


def draw(dtype, dims):
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, dims, endpoint=True).astype(dtype)


def steps(quotient, zero, dtype):
    """Judges quantised numbers: next to the middle between two steps either is right, elsewhere only the nearest."""
    info = np.iinfo(dtype)
    want = np.clip(np.rint(quotient) + zero, info.min, info.max)
    middle = np.abs(quotient - np.floor(quotient) - 0.5) < 1e-3

    def wrong(got):
        off = np.abs(got.astype(float) - want)
        if got.shape != want.shape:
            return f'shape {got.shape}, expected {want.shape}'
        wrong_ones = off > middle
        if wrong_ones.any():
            return f'{wrong_ones.sum()} of {off.size} are wrong, by up to {off.max():g} steps'
        return ''
    return wrong


def dequantized_product(op, a_type, b_type, a_shape, b_shape, per_column, const_b, added, **settings):
    """QuantizeLinear(op(DequantizeLinear(a), DequantizeLinear(b)) [+ DequantizeLinear(c)] with Relu)."""
    a, b = draw(a_type, a_shape), draw(b_type, b_shape)
    axis = 0 if op == 'Conv' else b.ndim - 1
    a_scale, a_zero = np.float32(0.02), draw(a_type, ())
    b_scale = RNG.uniform(0.01, 0.05, b_shape[axis] if per_column else ()).astype(np.float32)
    b_zero = np.zeros(b_scale.shape, b_type) if per_column or op == 'Conv' else draw(b_type, ())
    spread = [1] * b.ndim
    spread[axis] = -1
    x = (a.astype(float) - float(a_zero)) * float(a_scale)
    w = (b.astype(float) - b_zero.reshape(spread if per_column else ())) * b_scale.astype(float).reshape(
        spread if per_column else ())
    if op == 'Conv':
        n = a.ndim - 2
        full = {'strides': [1] * n, 'pads': [0] * 2 * n, 'dilations': [1] * n, 'group': 1, **settings}
        y = conv(x, w, **full)
    else:
        y = x @ w
    inputs = [a, np.array(a_scale), a_zero, b, b_scale, b_zero]
    before = [helper.make_node('DequantizeLinear', ['x0', 'x1', 'x2'], ['a']),
              helper.make_node('DequantizeLinear', ['x3', 'x4', 'x5'], ['b'], axis=axis),
              helper.make_node(op, ['a', 'b'], ['product'], **settings)]
    last = 'product'
    if added:
        c, c_scale, c_zero = draw(a_type, y.shape), np.float32(np.abs(y).max() / 128), draw(a_type, ())
        before.append(helper.make_node('DequantizeLinear', ['x6', 'x7', 'x8'], ['c']))
        before.append(helper.make_node('Add', ['product', 'c'], ['sum']))
        before.append(helper.make_node('Relu', ['sum'], ['positive']))
        inputs += [c, np.array(c_scale), c_zero]
        y = np.maximum(y + (c.astype(float) - float(c_zero)) * float(c_scale), 0)
        last = 'positive'
    k = len(inputs)
    y_scale, y_zero = np.float32(np.abs(y).max() / 100), draw(a_type, ())
    inputs += [np.array(y_scale), y_zero]
    const = [i for i in range(k + 2) if i not in (0, 6) and (const_b or i != 3)]
    return Case('QuantizeLinear', inputs, steps(y / float(y_scale), float(y_zero), a_type), opset=13,
                name=f'{op.lower()}_of_dequantized', const=tuple(const), fixed=(3,) if op == 'Conv' else (),
                out_types=[a_type], before=tuple(before), reads=(last, f'x{k}', f'x{k + 1}'))


def dequantized_cases():
    for a_type, b_type in ((np.uint8, np.int8), (np.int8, np.int8), (np.uint8, np.uint8)):
        for added in (False, True):
            yield dequantized_product('MatMul', a_type, b_type, (5, 70), (70, 33), True, True, added)
        yield dequantized_product('MatMul', a_type, b_type, (2, 3, 7, 64), (2, 3, 64, 9), False, False, False)
    for added in (False, True):
        yield dequantized_product('Conv', np.uint8, np.int8, (1, 16, 7, 9), (24, 16, 3, 3), True, True, added,
                                  pads=[1, 1, 1, 1])
        yield dequantized_product('Conv', np.int8, np.int8, (2, 64, 5, 5), (32, 64, 1, 1), False, True, added)
        yield dequantized_product('Conv', np.uint8, np.int8, (1, 32, 9, 9), (32, 1, 3, 3), True, True, added,
                                  pads=[1, 1, 1, 1], strides=[2, 2], group=32)
        yield dequantized_product('Conv', np.uint8, np.int8, (1, 3, 12), (8, 3, 4), True, True, added, pads=[2, 1])


def cases():
    yield from dequantized_cases()
    yield quantized(np.uint8, np.uint8, (2, 3, 6, 7), (4, 3, 3, 2), False, True)
    yield quantized(np.uint8, np.int8, (1, 4, 9, 8), (6, 2, 3, 3), True, True, group=2, strides=[2, 1], pads=[1, 0, 2, 1])
    yield quantized(np.int8, np.int8, (2, 2, 11), (3, 2, 4), True, False, dilations=[2])
    yield quantized(np.uint8, np.int8, (1, 2, 4, 5, 6), (2, 2, 2, 2, 3), False, True, pads=[1] * 6)
