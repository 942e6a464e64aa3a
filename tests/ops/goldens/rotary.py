"""Rotary position embedding: the pairs of a rotation's plane are (x, y) -> (x cos - y sin, y cos + x sin)."""
import numpy as np

from table import golden, grid


def rotate(x, mode):
    y = np.empty_like(x)
    size = x.shape[-1]
    if mode == 'interleave':
        pairs = [(i, i + 1) for i in range(0, size, 2)]
    elif mode == 'half':
        pairs = [(i, i + size // 2) for i in range(size // 2)]
    else:  # quarter: two halves apart
        quarter = size // 4
        pairs = [(base + i, base + quarter + i) for base in (0, size // 2) for i in range(quarter)]
    for i, j in pairs:
        y[..., i], y[..., j] = -x[..., j], x[..., i]
    return y


def embed(x, cos, sin, mode):
    return x * cos + rotate(x, mode) * sin


def lines():
    x, cos, sin = grid(1, 2, 3, 2, 8), grid(2, 1, 3, 1, 8), grid(3, 1, 3, 1, 8)
    key = grid(4, 2, 3, 1, 8)
    yield 'op:    RotaryMul'
    yield golden([embed(x, cos, sin, 'half')], x=x, r1=cos, r2=sin)
    yield 'op:    RotaryPositionEmbedding'
    for number, mode in enumerate(('half', 'interleave', 'quarter')):
        yield golden([embed(x, cos, sin, mode)], x=x, cos=cos, sin=sin, mode=number)
    yield 'op:    ApplyRotaryPosEmb'
    for mode in ('half', 'interleave', 'quarter'):
        yield golden([embed(x, cos, sin, mode), embed(key, cos, sin, mode)], query=x, key=key, cos=cos, sin=sin,
                     rotary_mode=mode)


FILES = {'nn_other/rotary_golden.cases': lines}
