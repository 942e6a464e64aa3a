"""Indexed updates, one element after the other, with NumPy's own indexing where it has the form."""
import numpy as np

from table import golden, grid


def ints(values, dtype='int64'):
    return np.array(values, dtype)


COMBINE = {'Update': lambda x, u: u, 'Add': np.add, 'Sub': np.subtract, 'Mul': np.multiply, 'Div': np.divide,
           'Min': np.minimum, 'Max': np.maximum}


def rows(op, var, indices, updates):
    out = var.copy()
    for where in np.ndindex(*indices.shape):
        i, u = indices[where], updates[where]
        out[i] = COMBINE[op](out[i], u)
    return out


def rows_lines():
    var = grid(1, 5, 3)
    for kind in ('Update', 'Add', 'Sub', 'Mul', 'Div', 'Min', 'Max'):
        yield f'op:    Scatter{kind}'
        for indices in (ints([3, 0, 3]), ints([[1, 2], [4, 1]], 'int32'), ints([-1, 2])):
            updates = grid(2, *indices.shape, 3, low=1)
            out = rows(kind, var, indices, updates)
            yield golden([out], after={'var': out}, var=var, indices_data=indices, updates=updates)


def nd_lines():
    var, indices = grid(3, 4, 3), ints([[1, 2], [0, 0], [1, 2]])
    updates = grid(4, 3)
    out = var.copy()
    np.subtract.at(out, (indices[:, 0], indices[:, 1]), updates)
    yield 'op:    ScatterNdSub'
    yield golden([out], after={'var': out}, var=var, indices=indices, updates=updates)
    yield 'op:    ScatterElementsV2'
    var, indices, updates = grid(5, 3, 4), ints([[0, 2], [1, 1]]), grid(6, 2, 2)
    for axis in (0, 1, -1):
        for reduction in ('none', 'add', 'mul'):
            out = var.copy()
            for i, j in np.ndindex(2, 2):
                at = (indices[i, j], j) if axis == 0 else (i, indices[i, j])
                new = updates[i, j]
                out[at] = new if reduction == 'none' else out[at] + new if reduction == 'add' else out[at] * new
            yield golden([out], after={'var': out}, var=var, indices_data=indices, updates=updates, axis=axis,
                         reduction=reduction)


def place(cache, indices, updates, axis):
    """Step s of updates[i] goes to place indices[i] + s of entry i, or of the entry that indices[i] names."""
    out = cache.copy()
    for i in range(updates.shape[0]):
        entry, first = (i, indices[i]) if indices.ndim == 1 else indices[i]
        for s in range(updates.shape[axis]):
            np.moveaxis(out[entry], axis - 1 if axis > 0 else axis, 0)[first + s] = \
                np.moveaxis(updates[i], axis - 1 if axis > 0 else axis, 0)[s]
    return out


def cache_lines():
    cache = grid(7, 3, 2, 6, 4)
    yield 'op:    Scatter'
    for indices in (ints([1, 0, 4]), ints([2, 2, 2], 'int32'), ints([[2, 0], [0, 3]])):
        for axis, steps in ((-2, 1), (2, 2), (-1, 1)):
            if axis == -1 and indices.max() > 3:
                continue
            shape = [indices.shape[0], 2, 6, 4]
            shape[axis] = steps
            updates = grid(8, *shape)
            out = place(cache, indices, updates, axis)
            yield golden([out], after={'var': out}, var=cache, indices_data=indices, updates=updates,
                         reduce='update', axis=axis)
    yield 'op:    QuantUpdateScatter'
    cache = np.random.RandomState(9).randint(-128, 128, (2, 1, 5, 4)).astype('int8')
    updates, indices = grid(10, 2, 1, 2, 4, low=-40, high=40), ints([3, 1], 'int32')
    scale, zero = np.array([0.25, 0.5, 0.75, 2]), ints([0, 3, -2, 7], 'int32')
    for name, given, q in (
            ('one scale', dict(quant_scales=np.array([0.375])), updates / 0.375),
            ('by channel', dict(quant_scales=scale, quant_zero_points_data=zero), updates / scale + zero),
            ('times', dict(quant_scales=scale, reciprocal_scale=True), updates * scale)):
        out = place(cache, indices, np.clip(np.rint(q), -128, 127).astype('int8'), -2)
        yield f'# {name}'
        yield golden([out], after={'var': out}, var=cache, indices_data=indices, updates=updates, reduce='update',
                     axis=-2, quant_axis=-1, **given)


def put_lines():
    yield 'op:    IndexPutV2'
    x = grid(11, 3, 4, 5)
    a, b, c = ints([[0], [2]]), ints([1, 3, 0]), ints([4, -1, 2])
    for mask, indices, where in (
            ([1], [ints([2, 0, 2])], (ints([2, 0, 2]),)),
            ([0, 1], [b], (slice(None), b)),
            ([1, 1, 0], [a, b], (a, b)),
            ([0, 1, 1], [b, c], (slice(None), b, c)),
            ([1, 0, 1], [ints([0, 2, 1]), c], (ints([0, 2, 1]), slice(None), c)),
            ([1, 1, 1], [a, b, c], (a, b, c))):
        for accumulate in (False, True):
            value = grid(12, *x[where].shape)
            out = x.copy()
            if accumulate:
                np.add.at(out, where, value)
            else:
                out[where] = value
            words = golden([out], after={'x': out}, x=x, value=value, indexed_sizes=ints(mask),
                           indexed_strides=ints(mask), indices=None, accumulate=accumulate)
            listed = ' '.join(f'data indices=i64:{i.tolist()}'.replace(' ', '').replace('data', 'data ')
                              for i in indices)
            yield words.replace(' accumulate=', f' {listed} accumulate=')


def view_lines():
    yield 'op:    ViewCopy'
    dst, src = grid(13, 4, 5), grid(14, 6, 3)
    size, stride, offset = [2, 3], [5, 2], 3
    src_stride, src_offset = [1, 4], 2
    out = dst.copy()
    for i, j in np.ndindex(*size):
        out.flat[offset + i * stride[0] + j * stride[1]] = src.flat[src_offset + i * src_stride[0] + j * src_stride[1]]
    yield golden([out], after={'dst': out}, dst=dst, dst_size=ints(size), dst_stride=ints(stride),
                 dst_storage_offset=ints([offset]), src=src, src_size=ints(size), src_stride=ints(src_stride),
                 src_storage_offset=ints([src_offset]))
    x, indices = grid(15, 4, 3), ints([2, 0, 2], 'int32')
    v = grid(16, 3, 3)
    for kind in ('Update', 'Add', 'Sub'):
        yield f'op:    Inplace{kind}'
        yield golden([rows(kind, x, indices, v)], after={'x': x}, x=x, indices_data=indices, v=v)
    yield 'op:    InplaceIndexAdd'
    for axis in (0, 1, -1):
        updates = grid(17, *((3, 3) if axis == 0 else (4, 3)))
        out = x.copy()
        np.add.at(np.moveaxis(out, axis, 0), indices, np.moveaxis(updates, axis, 0))
        yield golden([out], after={'var': out}, var=x, indices_data=indices, updates=updates, axis=axis)
    updates = grid(18, 3, 3)
    out = x.copy()
    np.add.at(out, indices, 0.5 * updates)
    yield golden([out], after={'var': out}, var=x, indices_data=indices, updates=updates, alpha=np.array(0.5), axis=0)


FILES = {
    'matrix_calculation/scatter_golden.cases': lambda: [*rows_lines(), *nd_lines(), *cache_lines(), *put_lines()],
    'selection/inplace_golden.cases': lambda: list(view_lines()),
}
