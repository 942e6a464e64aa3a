"""Quantised products and quantisation by rows, in whole numbers and f64."""
import numpy as np

from table import Narrow, golden, grid


def whole(seed, *shape, bound=127):
    return np.random.RandomState(seed).randint(-bound, bound + 1, shape).astype(np.int8)


def saturated(x):
    return np.clip(np.rint(x), -128, 127).astype(np.int8)


def packed(scale, offset=0):
    """A 64-bit parameter: the bits of a f32 scale, and an offset of 9 bits from bit 37."""
    bits = np.float32(scale).view(np.uint32).astype(np.uint64)
    return bits | np.uint64(int(offset) & 0x1ff) << np.uint64(37)


def product(a, b):
    return a.astype(np.int64) @ b.astype(np.int64)


def f32(x):
    return np.asarray(x, np.float32)


def matmul_lines():
    a, b = whole(1, 3, 4, bound=100), whole(2, 4, 5, bound=100)
    bias = np.random.RandomState(3).randint(-999, 999, 5).astype(np.int32)
    scale, rows = f32(2.0**np.arange(-9, -4)), f32([0.5, 1, 2])
    y = product(a, b)
    yield 'op:    QuantBatchMatmulV3'
    yield golden([y.astype(np.int32)], x1=a, x2=b, scale=f32([1]), dtype=3)
    yield golden([f32((y + bias) * scale)], x1=a, x2=b, scale=scale, bias=bias, dtype=0)
    yield golden([f32(y * scale * rows[:, None])], x1=a, x2=b, scale=scale, pertoken_scale=rows, dtype=0)
    yield golden([np.float16(y * scale)], x1=a.T, x2=b.T, scale=scale, transpose_x1=True, transpose_x2=True, dtype=1)
    yield golden([saturated(y * scale + 3)], x1=a, x2=b, scale=scale, offset=f32([3]), dtype=2)
    words = np.array([packed(s, o) for s, o in zip(scale, (0, 1, -1, 255, -256))], np.uint64)
    offsets = np.array([0, 1, -1, 255, -256])
    yield golden([saturated(y * scale + offsets)], x1=a, x2=b, scale=words, dtype=2)
    yield golden([f32(y * scale)], x1=a, x2=b, scale=words, dtype=0)


def nibbles(w):
    """Eight 4-bit numbers in each i32, low bits first."""
    parts = (w.astype(np.int64) & 15).reshape(*w.shape[:-1], -1, 8)
    return sum(parts[..., i] << 4 * i for i in range(8)).astype(np.uint32).view(np.int32)


def weight_lines():
    x, w = grid(4, 3, 4), whole(5, 4, 5)
    scale, offset = 2.0**np.arange(-9, -4), np.arange(5.0) - 2
    bias = grid(6, 5)
    yield 'op:    WeightQuantBatchMatmulV2'
    yield golden([x @ (w * 0.125)], x=x, weight=w, antiquant_scale=f32([0.125]))
    yield golden([x @ ((w + offset) * scale) + bias], x=x, weight=w, bias=bias, antiquant_scale=f32(scale),
                 antiquant_offset=f32(offset))
    groups = grid(7, 2, 5)  # of 3 rows, the last one short
    spread = np.repeat(groups, 3, axis=0)[:4]
    y = x @ ((w + spread) * spread)
    yield golden([y], x=x, weight=w, antiquant_scale=f32(groups), antiquant_offset=f32(groups), antiquant_group_size=3)
    yield golden([y], x=x.T, weight=w.T, antiquant_scale=f32(groups.T), antiquant_offset=f32(groups.T),
                 antiquant_group_size=3, transpose_x=True, transpose_weight=True)
    small = whole(8, 4, 8, bound=8).clip(-8, 7)
    yield golden([x @ (small * 0.5)], x=x, weight=nibbles(small), antiquant_scale=f32([0.5]))
    yield golden([saturated((x @ (w * 0.125)) * 2 + 1)], x=x, weight=w, antiquant_scale=f32([0.125]),
                 quant_scale=f32([2]), quant_offset=f32([1]))


def split_lines():
    """Rows belong to weights by a list of ends, or of counts."""
    x, w, bias = grid(9, 6, 2), grid(10, 3, 2, 4), grid(11, 3, 4)
    counts = [2, 0, 3]  # the last row belongs to none
    y, first = np.zeros((6, 4)), 0
    for e, count in enumerate(counts):
        y[first:first + count] = x[first:first + count] @ w[e] + bias[e]
        first += count
    ends = np.cumsum(counts)
    common = dict(x=x, weight=w, bias=bias, group_type=0, split_item=2)
    yield 'op:    GroupedMatmul'
    yield 'fixed: weight group_list'
    yield golden([y], **common, group_list=ends)
    yield golden([y], **common, group_list_data=ends)
    yield golden([y], **common, group_list_data=np.array(counts), group_list_type=1)
    yield golden([np.maximum(y, 0)], **common, group_list_data=ends, act_type=1)
    float_bias = dict(per_token_scale=f32(np.ones(6)), group_list_data=ends)
    yield golden([f32(y)], **{**common, 'x': np.float32(x), 'weight': f32(w), 'bias': f32(bias)}, **float_bias)
    yield golden([y], **{**common, 'weight': w.transpose(0, 2, 1)}, group_list_data=ends, transpose_weight=True)
    columns = grid(12, 6, 5)
    summed = np.zeros((3, 2, 5))
    first = 0
    for e, count in enumerate(counts):
        summed[e] = x[first:first + count].T @ columns[first:first + count]
        first += count
    yield golden([summed], x=x, weight=columns, group_list_data=ends, group_type=2, split_item=3, transpose_x=True)
    a, b = whole(13, 6, 2), whole(14, 3, 2, 4)
    scale, rows = f32(2.0**np.arange(-15.0, -3).reshape(3, 4)), f32(2.0**np.arange(-3.0, 3))
    y, first = np.zeros((6, 4)), 0
    for e, count in enumerate(counts):
        at = slice(first, first + count)
        y[at] = product(a[at], b[e]) * scale[e] * rows[at, None]
        first += count
    yield golden([np.float16(y)], x=a, weight=b, scale=scale, per_token_scale=rows, group_list_data=ends, group_type=0,
                 split_item=2)
    yield golden([x @ w[0] + bias[0]], x=x, weight=w[0], bias=bias[0])


def small(seed, *shape):
    """Numbers that every 8-bit float holds."""
    return np.random.RandomState(seed).choice([-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3], shape)


def added_lines():
    """What y holds is added to; narrow floats are exact, and the sums of their products, too."""
    a, b, y = small(17, 3, 70), small(18, 70, 5), f32(grid(19, 3, 5))
    columns, rows = f32(2.0**np.arange(-2.0, 3)), f32([0.5, 1, 2])

    def line(dtype, want, scale, first=None, a=a, b=b, **more):
        want = f32(want)
        return golden([want], {'y': want}, x1=Narrow(dtype, a), x2=Narrow(dtype, b), x2_scale_data=scale, y_data=y,
                      x1_scale_data=first, **more)
    yield 'op:    QuantBatchMatmulInplaceAdd'
    yield line('f8e4m3', y + a @ b * 0.25, f32([0.25]))
    yield line('f8e5m2', y + a @ b * columns * rows[:, None], columns, rows)
    yield line('f8e5m2', y + a @ b * columns * 2, columns, f32([2]), a=a.T, b=b.T, transpose_x1=True, transpose_x2=True)
    # One power of two per 32 numbers along k, in pairs; the last block of the second pair has 6.
    one = 2.0**np.random.RandomState(20).randint(-2, 3, (3, 2, 2))
    two = 2.0**np.random.RandomState(21).randint(-2, 3, (5, 2, 2))

    def spread(scale):
        return np.repeat(scale.reshape(len(scale), 4), 32, axis=1)[:, :70]
    want = y + (a * spread(one)) @ (b * spread(two).T)
    yield line('f8e4m3', want, Narrow('f8e8m0', two.transpose(1, 0, 2)), Narrow('f8e8m0', one), group_size=32)
    yield line('f8e5m2', want, Narrow('f8e8m0', two), Narrow('f8e8m0', one.transpose(1, 0, 2)), a=a.T, b=b.T,
               transpose_x1=True, transpose_x2=True, group_size=1 << 32 | 1 << 16 | 32)


def added_group_lines():
    """Groups divide what is summed up; each adds to a matrix of its own."""
    a, b, y = small(22, 2, 6), small(23, 6, 4), f32(grid(24, 3, 2, 4))
    counts = [2, 0, 3]  # the last number along k belongs to none
    two, one = f32(2.0**np.arange(-6.0, 6).reshape(3, 4)), f32(2.0**np.arange(-3.0, 3).reshape(3, 2))
    products = np.stack([a[:, end - n:end] @ b[end - n:end] for n, end in zip(counts, np.cumsum(counts))])

    def line(want, **more):
        want = f32(want)
        return golden([want], {'y': want}, x1=Narrow('f8e4m3', a), x2=Narrow('f8e5m2', b), y_data=y, **more)
    yield 'op:    QuantGroupedMatmulInplaceAdd'
    yield 'fixed: y group_list'
    want = y + products * two[:, None]
    yield line(want, scale2_data=two, group_list=np.cumsum(counts))
    yield line(want, scale2_data=two, group_list_data=np.cumsum(counts))
    yield line(want * 1, scale2_data=two, group_list_data=np.array(counts), group_list_type=1)
    yield line(y + products * two[:, None] * one[:, :, None], scale2_data=two, scale1_data=one,
               group_list_data=np.cumsum(counts))
    yield line(y + products * two[:, 0][:, None, None], scale2_data=f32(two[:, 0]), group_list_data=np.cumsum(counts))


def row_lines():
    x, smooth = grid(15, 4, 3), grid(16, 3)
    x[2] = 0  # a row without a scale
    yield 'op:    DynamicQuant'

    def quantised(x):
        scale = np.abs(x).max(-1) / 127
        with np.errstate(invalid='ignore'):
            return saturated(np.nan_to_num(x / scale[:, None])), scale
    yield golden(quantised(x), x=x)
    yield golden(quantised(x * smooth), x=x, smooth_scales=smooth)
    experts = grid(17, 2, 3)
    yield golden(quantised(x * experts[[0, 1, 1, 1]]), x=x, smooth_scales=experts,
                 group_index=np.array([1, 4], np.int32))
    yield 'op:    DynamicQuantV2'
    x = grid(18, 4, 3)
    scale = (x.max(-1) - x.min(-1)) / 255
    offset = 127 - x.max(-1) / scale
    yield golden([saturated(x / scale[:, None] + offset[:, None]), scale, offset], x=x)


FILES = {'matrix_calculation/quant_matmul_golden.cases': lambda: [*matmul_lines(), *weight_lines(), *added_lines()],
         'fusion/grouped_matmul_golden.cases': lambda: [*split_lines(), *added_group_lines()],
         'nn_quantize/dynamic_quant_golden.cases': row_lines}
