"""Fourier transforms as the sums that define them, in f64."""
import numpy as np

from table import golden, grid


def transform(x, sign):
    """Along the last dim."""
    n = x.shape[-1]
    k = np.arange(n)
    return x @ np.exp(sign * 2j * np.pi * np.outer(k, k) / n)


def complex_grid(seed, *shape):
    return (grid(seed, *shape) + 1j * grid(seed + 100, *shape)).astype(np.complex64)


def c64(x):
    return x.astype(np.complex64)


def lines():
    yield '# Transforms compute in f64 and round once: what is left are single roundings near 0.'
    yield 'op:    FFT'
    yield 'tolerance: 2 1e-7'
    for n in (1, 2, 8, 5, 12):  # powers of two, and lengths that need a detour
        x = complex_grid(n, 2, n)
        yield golden([c64(transform(x, -1))], x=x)
    yield 'op:    IFFT'
    yield 'tolerance: 2 1e-7'
    for n in (4, 7):
        x = complex_grid(n, 2, n)
        yield golden([c64(transform(x, 1) / n)], x=x)
    x = complex_grid(20, 3, 4)
    yield 'op:    FFT2D'
    yield 'tolerance: 2 1e-7'
    yield golden([c64(transform(transform(x, -1).T, -1).T)], x=x)
    x = grid(30, 2, 6).astype(np.float32)
    yield 'op:    RFFT'
    yield 'tolerance: 2 1e-7'
    for n in (6, 4, 9):  # whole, cut, with zeros behind
        fitted = np.zeros((2, n))
        fitted[:, :min(n, 6)] = x[:, :n]
        yield golden([c64(transform(fitted, -1)[:, :n // 2 + 1])], input=x, fft_length=np.array([n], np.int32))
    yield 'op:    IRFFT'
    yield 'tolerance: 2 1e-7'
    for n in (6, 7):
        x = grid(40 + n, 2, n)
        half = c64(transform(x, -1)[:, :n // 2 + 1])
        yield golden([np.fft.irfft(half.astype(complex), n).astype(np.float32)], x=half,
                     fft_length=np.array([n], np.int32))


FILES = {'spectral/fft_golden.cases': lines}
