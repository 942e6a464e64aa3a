"""Deformable convolution, tap by tap: a bilinear reading of the moved place, 0 outside, times a factor."""
import numpy as np

from table import golden, grid


def read(image, y, x):
    """image [C, H, W] between its pixels."""
    value = np.zeros(image.shape[0])
    for i in (int(np.floor(y)), int(np.floor(y)) + 1):
        for j in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= i < image.shape[1] and 0 <= j < image.shape[2]:
                value += image[:, i, j] * (1 - abs(y - i)) * (1 - abs(x - j))
    return value


def sample(x, offsets, kernel, stride, pad, dilation, groups):
    """x [N, C, H, W], offsets [N, 3 * groups * taps, Ho, Wo] -> [N, C, Ho * kh, Wo * kw]."""
    batch, channels = x.shape[:2]
    rows, columns = offsets.shape[2:]
    kh, kw = kernel
    parts = offsets.reshape(batch, 3, groups, kh, kw, rows, columns)
    y = np.zeros((batch, channels, rows * kh, columns * kw))
    each = channels // groups
    for n, g, i, j, r, c in np.ndindex(batch, groups, kh, kw, rows, columns):
        dx, dy, factor = parts[n, :, g, i, j, r, c]
        at = (r * stride[0] - pad[0] + i * dilation[0] + dy, c * stride[1] - pad[1] + j * dilation[1] + dx)
        y[n, g * each:(g + 1) * each, r * kh + i, c * kw + j] = factor * read(x[n, g * each:(g + 1) * each], *at)
    return y


def read_back(image, y, x, g):
    """For g at what `read` gives: what each pixel gets, and what y and x do."""
    pixels, dy, dx = np.zeros(image.shape), 0, 0
    for i in (int(np.floor(y)), int(np.floor(y)) + 1):
        for j in (int(np.floor(x)), int(np.floor(x)) + 1):
            if 0 <= i < image.shape[1] and 0 <= j < image.shape[2]:
                pixels[:, i, j] += g * (1 - abs(y - i)) * (1 - abs(x - j))
                dy -= (g @ image[:, i, j]) * np.sign(y - i) * (1 - abs(x - j))
                dx -= (g @ image[:, i, j]) * np.sign(x - j) * (1 - abs(y - i))
    return pixels, dy, dx


def sample_back(x, offsets, g, kernel, stride, pad, groups):
    """For g at what `sample` gives: what x gets, and the offsets."""
    batch, channels = x.shape[:2]
    rows, columns = offsets.shape[2:]
    kh, kw = kernel
    parts = offsets.reshape(batch, 3, groups, kh, kw, rows, columns)
    to_x, to_parts = np.zeros(x.shape), np.zeros(parts.shape)
    each = channels // groups
    for n, d, i, j, r, c in np.ndindex(batch, groups, kh, kw, rows, columns):
        own = slice(d * each, (d + 1) * each)
        dx, dy, factor = parts[n, :, d, i, j, r, c]
        at = (r * stride[0] - pad[0] + i + dy, c * stride[1] - pad[1] + j + dx)
        here = g[n, own, r * kh + i, c * kw + j]
        pixels, down, right = read_back(x[n, own], *at, factor * here)
        to_x[n, own] += pixels
        to_parts[n, :, d, i, j, r, c] = right, down, here @ read(x[n, own], *at)
    return to_x, to_parts.reshape(offsets.shape)


def gradient_lines():
    kernel, stride, pad, groups = (2, 3), (1, 2), (1, 0), 2
    x = grid(5, 1, 4, 3, 5)
    # No place lies on a pixel, where the reading has no derivative.
    offsets = grid(6, 1, 3 * groups * 6, 4, 2) / 2 + 1 / 64
    g = grid(7, 1, 4, 8, 6)
    dx, doffsets = sample_back(x, offsets, g, kernel, stride, pad, groups)
    last = (0, 2, 3, 1)
    yield 'op:    DeformableOffsetsGrad'
    yield golden([dx, doffsets], grad=g, x=x, offsets=offsets, ksize=list(kernel), strides=[1, 1, 1, 2],
                 pads=[1, 1, 0, 0], deformable_groups=2)
    yield golden([dx.transpose(last), doffsets.transpose(last)], grad=g.transpose(last), x=x.transpose(last),
                 offsets=offsets.transpose(last), ksize=list(kernel), strides=[1, 1, 2, 1], pads=[1, 1, 0, 0],
                 dilations=[1, 1, 1, 1], deformable_groups=2, data_format='NHWC')


def lines():
    kernel, stride, pad, dilation, groups = (2, 3), (1, 2), (1, 0), (1, 1), 2
    x, filter_ = grid(1, 1, 4, 3, 5), grid(2, 2, 4, *kernel)
    offsets = grid(3, 1, 3 * groups * 6, 4, 2) / 2
    columns = sample(x, offsets, kernel, stride, pad, dilation, groups)
    common = dict(strides=[1, 1, 1, 2], pads=[1, 1, 0, 0], deformable_groups=2)
    yield 'op:    DeformableOffsets'
    yield golden([columns], x=x, offsets=offsets, ksize=list(kernel), **common, data_format='NCHW')
    last = (0, 2, 3, 1)
    yield golden([columns.transpose(last)], x=x.transpose(last), offsets=offsets.transpose(last), ksize=list(kernel),
                 strides=[1, 1, 2, 1], pads=[1, 1, 0, 0], deformable_groups=2, data_format='NHWC')
    taps = columns.reshape(1, 4, 4, 2, 2, 3)
    y = np.einsum('ncrisj,ocij->nors', taps, filter_) + grid(4, 2).reshape(1, 2, 1, 1)
    yield 'op:    DeformableConv2D'
    yield 'fixed: filter'
    yield golden([y], x=x, filter=filter_, offsets=offsets, bias=grid(4, 2), **common, data_format='NCHW')


FILES = {'nn_calculation/deformable_golden.cases': lambda: [*lines(), *gradient_lines()]}
