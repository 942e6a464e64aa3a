"""Deformable convolutions and pooled regions."""
import itertools

import numpy as np

from case import Case

RNG = np.random.default_rng(13)


def interpolate(plane, at):
    """Linear between the pixels around `at`; pixels outside are 0. Any number of dims."""
    low = np.floor(at).astype(int)
    total = 0.0
    for corner in itertools.product((0, 1), repeat=plane.ndim):
        place = low + corner
        weight = np.prod([f if c else 1 - f for c, f in zip(corner, at - low)])
        if (place >= 0).all() and (place < plane.shape).all():
            total += weight * plane[tuple(place)]
    return total


def deform_conv(x, w, offset, bias, mask, strides, pads, dilations, group, offset_group):
    n = x.ndim - 2
    kernel = w.shape[2:]
    out = [(x.shape[2 + d] + pads[d] + pads[n + d] - (kernel[d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(n)]
    taps = list(np.ndindex(*kernel))
    offset = offset.reshape(x.shape[0], offset_group, len(taps), n, *out)
    mask = None if mask is None else mask.reshape(x.shape[0], offset_group, len(taps), *out)
    y = np.zeros((x.shape[0], w.shape[0], *out))
    for b, m in np.ndindex(*y.shape[:2]):
        first = m // (w.shape[0] // group) * w.shape[1]
        for at in np.ndindex(*out):
            total = 0.0 if bias is None else float(bias[m])
            for c, (t, tap) in itertools.product(range(w.shape[1]), enumerate(taps)):
                og = (first + c) // (x.shape[1] // offset_group)
                place = [at[d] * strides[d] - pads[d] + tap[d] * dilations[d] + offset[(b, og, t, d, *at)] for d in range(n)]
                value = interpolate(x[b, first + c], np.array(place))
                total += w[(m, c, *tap)] * value * (1 if mask is None else mask[(b, og, t, *at)])
            y[(b, m, *at)] = total
    return y


def deform_case(shape, filters, with_bias, with_mask, dtype=np.float32, **settings):
    n = len(shape) - 2
    full = {'strides': [1] * n, 'pads': [0] * 2 * n, 'dilations': [1] * n, 'group': 1, 'offset_group': 1, **settings}
    x, w = (RNG.standard_normal(s).astype(dtype) for s in (shape, filters))
    taps, og = int(np.prod(filters[2:])), full['offset_group']
    out = [(shape[2 + d] + full['pads'][d] + full['pads'][n + d] - (filters[2 + d] - 1) * full['dilations'][d] - 1)
           // full['strides'][d] + 1 for d in range(n)]
    offset = (RNG.standard_normal((shape[0], og * taps * n, *out)) * 1.5).astype(dtype)
    bias = RNG.standard_normal(filters[0]).astype(dtype) if with_bias else None
    mask = RNG.random((shape[0], og * taps, *out)).astype(dtype) if with_mask else None
    wide = [None if t is None else t.astype(np.float64) for t in (x, w, offset, bias, mask)]
    y = deform_conv(*wide, **full)
    tolerance = {'rtol': 1e-4, 'atol': 1e-5} if dtype == np.float32 else {'rtol': 1e-12, 'atol': 1e-12}
    return Case('DeformConv', [x, w, offset, bias, mask], [y.astype(dtype)], settings, opset=22, fixed=(1,), **tolerance)


def roi_align(x, rois, images, mode, height, width, samples, scale, half):
    def taps(y, c):
        if not (-1 <= y <= x.shape[2] and -1 <= c <= x.shape[3]):
            return [((0, 0), 0.0)] * 4
        y, c = (min(max(v, 0), n - 1) for v, n in zip((y, c), x.shape[2:]))
        t, l = int(y), int(c)
        b, r = min(t + 1, x.shape[2] - 1), min(l + 1, x.shape[3] - 1)
        return [((t, l), (1 - y + t) * (1 - c + l)), ((t, r), (1 - y + t) * (c - l)), ((b, l), (y - t) * (1 - c + l)),
                ((b, r), (y - t) * (c - l))]
    out = np.zeros((len(rois), x.shape[1], height, width))
    for r, roi in enumerate(rois.astype(np.float64)):
        x1, y1, x2, y2 = roi * scale - (0.5 if half else 0)
        w, h = ((x2 - x1), (y2 - y1)) if half else (max(x2 - x1, 1), max(y2 - y1, 1))
        rows, columns = (samples or max(int(np.ceil(s / n)), 0) for s, n in ((h, height), (w, width)))
        for i, j in np.ndindex(height, width):
            points = [taps(y1 + (i + (a + 0.5) / rows) * h / height, x1 + (j + (b + 0.5) / columns) * w / width)
                      for a in range(rows) for b in range(columns)]
            for c in range(x.shape[1]):
                parts = [[weight * x[images[r], c][at] for at, weight in p] for p in points]
                if mode == 'max':
                    out[r, c, i, j] = max((max(p) for p in parts), default=0)
                else:
                    out[r, c, i, j] = sum(map(sum, parts)) / max(len(parts), 1)
    return out


def max_roi_pool(x, rois, size, scale):
    out = np.zeros((len(rois), x.shape[1], *size))
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = (int(np.floor(v * scale + 0.5)) for v in roi[1:])
        for i, j in np.ndindex(*size):
            h, w = max(y2 - y1 + 1, 1) / size[0], max(x2 - x1 + 1, 1) / size[1]
            rows = slice(*(min(max(int(f(k * h)) + y1, 0), x.shape[2]) for f, k in ((np.floor, i), (np.ceil, i + 1))))
            columns = slice(*(min(max(int(f(k * w)) + x1, 0), x.shape[3]) for f, k in ((np.floor, j), (np.ceil, j + 1))))
            part = x[int(roi[0]), :, rows, columns].reshape(x.shape[1], -1)
            out[r, :, i, j] = part.max(1) if part.size else 0
    return out


def cases():
    yield deform_case((2, 4, 5, 6), (3, 4, 3, 2), True, True)
    yield deform_case((1, 4, 6, 5), (6, 2, 2, 2), False, True, group=2, offset_group=4, strides=[2, 1], pads=[1, 0, 2, 1])
    yield deform_case((1, 2, 7, 6), (2, 2, 2, 3), True, False, dilations=[2, 1], offset_group=2)
    yield deform_case((2, 2, 9), (3, 2, 3), True, True, pads=[1, 1])
    yield deform_case((1, 2, 4, 3, 4), (2, 1, 2, 2, 2), False, False, group=2, dtype=np.float64)
    x = RNG.random((2, 3, 8, 9)).astype(np.float32)
    rois = np.array([[0, 0, 7.5, 6], [2.25, 1.5, 4, 12], [-3, 5, 1, 6], [4, 4, 4, 4]], np.float32)
    images = np.array([0, 1, 1, 0])
    for mode, samples, half, scale in itertools.product(('avg', 'max'), (0, 2), (True, False), (1.0, 0.5)):
        y = roi_align(x, rois, images, mode, 3, 2, samples, scale, half)
        yield Case('RoiAlign', [x, rois, images], [y.astype(np.float32)],
                   {'mode': mode, 'output_height': 3, 'output_width': 2, 'sampling_ratio': samples, 'spatial_scale': scale,
                    'coordinate_transformation_mode': 'half_pixel' if half else 'output_half_pixel'}, opset=16, rtol=1e-4,
                   atol=1e-5)
    y = roi_align(x, rois, images, 'avg', 2, 2, 1, 1.0, False)
    yield Case('RoiAlign', [x, rois, images], [y.astype(np.float32)],
               {'output_height': 2, 'output_width': 2, 'sampling_ratio': 1}, opset=10, rtol=1e-4, atol=1e-5)
    yield Case('RoiAlign', [x, rois[:0], images[:0]], [np.zeros((0, 3, 1, 1), np.float32)], opset=16)
    five = np.concatenate([images[:, None], rois], 1).astype(np.float32)
    for scale, dtype in ((1.0, np.float32), (0.6, np.float64)):
        yield Case('MaxRoiPool', [x.astype(dtype), five.astype(dtype)], [max_roi_pool(x, five, (3, 2), scale).astype(dtype)],
                   {'pooled_shape': [3, 2], 'spatial_scale': scale}, opset=22)
