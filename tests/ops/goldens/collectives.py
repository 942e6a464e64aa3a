"""Matrix products beside a collective of one rank, which gives what it is given."""
import numpy as np

from quantised import f32, product, small, whole
from table import Narrow, golden, grid

GROUP = dict(group='hccl_world_group')


def blocks(seed, rows):
    """Powers of two for the blocks of 32 of 70 numbers along k, in pairs: as they are stored, and by number."""
    scale = 2.0**np.random.RandomState(seed).randint(-2, 3, (rows, 2, 2))
    return scale, np.repeat(scale.reshape(rows, 4), 32, axis=1)[:, :70]


def float_lines(op, turn, more, others, both):
    """op(x1) @ op(x2) + bias; others: the outputs beside y, of x1 and x2."""
    a, b, bias = grid(1, 3, 4), grid(2, 4, 5), grid(3, 5)
    empty = np.zeros(0)
    yield f'op:    {op}'
    yield golden([a @ b, *others(a, b)], x1=a, x2=b, **more)
    yield golden([a @ b + bias, *others(a, b.T)], x1=a, x2=b.T, bias=bias, **{turn[1]: True}, **more)
    yield golden([a @ b + bias, *others(a.T, b)], x1=a.T, x2=b, bias_data=bias, **{turn[0]: True}, **more)
    for switch, outputs in both:
        yield golden([a @ b, *[np.asarray(out(a, b, empty)) for out in outputs]], x1=a, x2=b, **switch, **more)


def scaled_lines(turn, more, others, types):
    """(x1 @ x2) * scale of the row * scale of the column."""
    one, two = types
    rows, columns = f32([0.5, 1, 2]), f32(2.0**np.arange(-2.0, 3))
    a, b = small(4, 3, 70), small(5, 70, 5)
    x1, x2 = Narrow(one, a), Narrow(two, b)
    yield golden([f32(a @ b * 0.25), *others(x1, x2)], x1=x1, x2=x2, x2_scale=f32([0.25]), y_dtype=0, **more)
    want = a @ b * rows[:, None] * columns
    yield golden([np.float16(want), *others(x1, x2)], x1=x1, x2=x2, x1_scale_data=rows, x2_scale=columns, y_dtype=1,
                 **more)
    yield golden([f32(want), *others(x1, x2)], x1=x1, x2=Narrow(two, b.T), x1_scale_data=rows[:, None],
                 x2_scale=columns[None], y_dtype=0, **{turn[1]: True}, **more)
    first, spread_first = blocks(6, 3)
    second, spread_second = blocks(7, 5)
    want = (a * spread_first) @ (b * spread_second.T)
    yield golden([f32(want), *others(x1, x2)], x1=x1, x2=x2, x1_scale_data=Narrow('f8e8m0', first),
                 x2_scale=Narrow('f8e8m0', second.transpose(1, 0, 2)), y_dtype=0, group_size=32, **more)
    yield golden([f32(want), *others(x1, x2)], x1=x1, x2=Narrow(two, b.T), x1_scale_data=Narrow('f8e8m0', first),
                 x2_scale=Narrow('f8e8m0', second), y_dtype=0, **{turn[1]: True}, **more)


def integer_lines(more, others):
    a, b = whole(8, 3, 4), whole(9, 4, 5)
    rows, columns = f32([0.5, 1, 2]), f32(2.0**np.arange(-9, -4))
    yield golden([f32(product(a, b) * rows[:, None] * columns), *others(a, b)], x1=a, x2=b, x1_scale_data=rows,
                 x2_scale=columns, y_dtype=0, **more)


IS_TRANS, TRANSPOSE = ('is_trans_a', 'is_trans_b'), ('transpose_x1', 'transpose_x2')
BYTES = ('f8e4m3', 'f8e5m2')
NONE = np.zeros(0, np.float32)


def gathered(a, b):
    return [a]


def lines():
    gathers = [({'gather_index': 1}, [lambda a, b, empty: b]), ({'is_gather_out': False}, [lambda a, b, empty: empty])]
    yield from float_lines('AllGatherMatmul', IS_TRANS, dict(rank_size=1, **GROUP), gathered, gathers)
    yield from float_lines('MatmulReduceScatter', IS_TRANS, GROUP, lambda a, b: [], [])
    second = [(switch, [*outputs, lambda a, b, empty: NONE]) for switch, outputs in gathers]
    yield from float_lines('AllGatherMatmulV2', IS_TRANS, GROUP, lambda a, b: [a, NONE], second)
    yield from scaled_lines(IS_TRANS, GROUP, lambda a, b: [a, NONE], BYTES)
    yield from integer_lines(GROUP, lambda a, b: [a, NONE])
    yield from float_lines('MatmulReduceScatterV2', IS_TRANS, dict(rank_size=1, **GROUP), lambda a, b: [NONE], [])
    yield from scaled_lines(IS_TRANS, GROUP, lambda a, b: [NONE], BYTES)
    yield from integer_lines(GROUP, lambda a, b: [NONE])
    one = dict(world_size=1, **GROUP)
    yield from float_lines('AlltoAllMatmul', TRANSPOSE, one, gathered,
                           [({'alltoall_out_flag': False}, [lambda a, b, empty: empty])])
    yield from scaled_lines(TRANSPOSE, one, gathered, BYTES)
    yield from scaled_lines(TRANSPOSE, one, gathered, ('f4e2m1', 'f4e2m1'))
    yield from float_lines('MatmulAlltoAll', TRANSPOSE, one, lambda a, b: [], [])
    yield from scaled_lines(TRANSPOSE, one, lambda a, b: [], BYTES)


FILES = {'fusion/collective_matmul_golden.cases': lines}
