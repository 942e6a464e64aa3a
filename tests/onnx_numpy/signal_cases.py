"""Windows, filter banks and Fourier transforms."""
import numpy as np

from case import Case

RNG = np.random.default_rng(9)
WINDOWS = {'HannWindow': (0.5, 0.5), 'HammingWindow': (25 / 46, 21 / 46), 'BlackmanWindow': (0.42, 0.5, 0.08)}
ONNX_TYPES = {np.float32: 1, np.float64: 11, np.float16: 10}


def window(name, size, periodic):
    t = 2 * np.pi * np.arange(size) / (size if periodic else max(size - 1, 1))
    return sum((-1)**k * a * np.cos(k * t) for k, a in enumerate(WINDOWS[name]))


def mel_matrix(filters, length, rate, low, high):
    """Triangles whose corners lie at equal steps of mel, on whole bins."""
    mel = 2595 * np.log10(1 + np.array([low, high]) / 700)
    corners = mel[0] + np.arange(filters + 2) * (mel[1] - mel[0]) / (filters + 2)
    bins = ((length + 1) * (700 * (10**(corners / 2595) - 1)) // rate).astype(int)
    out = np.zeros((length // 2 + 1, filters))
    for i in range(filters):
        left, peak, right = bins[i:i + 3]
        for k in range(out.shape[0]):
            if k == peak:
                out[k, i] = 1
            elif left <= k < peak:
                out[k, i] = (k - left) / (peak - left)
            elif peak < k < right:
                out[k, i] = (right - k) / (right - peak)
    return out


def pairs(z, parts, dtype):
    """Complex numbers as ONNX has them."""
    return np.stack([z.real, z.imag][:parts], -1).astype(dtype)


def close(expected, limit):
    """Within a share of the largest magnitude."""
    def check(got):
        if got.shape != expected.shape:
            return f'shape {got.shape}, expected {expected.shape}'
        worst = np.abs(got.astype(np.float64) - expected).max(initial=0) / max(np.abs(expected).max(initial=0), 1e-300)
        return '' if worst <= limit else f'differs by {worst:.2g} of the largest magnitude'
    return check


def dft_case(shape, parts, axis, n=None, inverse=0, onesided=0, dtype=np.float32, opset=20, const=(1, 2)):
    z = RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)
    x = pairs(z, parts, dtype).astype(np.float64)
    z = x[..., 0] + 1j * (x[..., 1] if parts == 2 else 0)
    transform = {(0, 0): np.fft.fft, (1, 0): np.fft.ifft, (0, 1): np.fft.rfft, (1, 1): np.fft.irfft}[inverse, onesided]
    y = transform(z if parts == 2 else z.real, n, axis)
    expected = pairs(y + 0j, 1 if inverse and onesided else 2, np.float64)
    length = None if n is None else np.array(n, np.int64)
    attrs = {'inverse': inverse, 'onesided': onesided}
    at = axis if axis >= 0 else axis - 1
    inputs = [x.astype(dtype), length]
    if opset < 20:
        attrs['axis'] = at
    else:
        inputs.append(np.array(at, np.int64))
    limit = {np.float32: 4e-6, np.float64: 1e-13, np.float16: 1e-3}[dtype]
    return Case('DFT', inputs, close(expected, limit), attrs, opset=opset, const=const, out_types=[dtype])


def transforms():
    lengths = (1, 2, 3, 8, 30, 97, 400, 512, 1000, 1021, 4096, 3721, 5003)
    for n in lengths:
        for dtype in (np.float32, np.float64) if n in (1, 30, 97, 1021, 4096) else (np.float32,):
            yield dft_case((2, n), 2, 1, dtype=dtype)
            yield dft_case((2, n), 2, 1, inverse=1, dtype=dtype)
            yield dft_case((2, n), 1, 1, onesided=1, dtype=dtype)
            if n > 1:
                yield dft_case((2, n // 2 + 1), 2, 1, n, 1, 1, dtype)
    for opset, axis, n in ((17, 1, None), (19, 0, 7), (20, -1, 12), (20, 0, 3), (20, -3, 2048)):
        yield dft_case((4, 5, 3), 2, axis, n, opset=opset)
        yield dft_case((4, 5, 3), 1, axis, n, opset=opset, const=())
        yield dft_case((4, 5, 3), 1, axis, n, onesided=1, opset=opset)
        yield dft_case((4, 5, 3), 2, axis, n, 1, 1, opset=opset)
    yield dft_case((3, 20), 2, 1, dtype=np.float16)
    yield dft_case((0, 20), 2, 1)


def stft(x, step, window, n, onesided):
    frames = max((x.shape[1] - n) // step + 1, 0)
    cut = np.stack([x[:, f * step:f * step + n] * window for f in range(frames)], 1)
    return np.fft.rfft(cut) if onesided else np.fft.fft(cut)


def short_transforms():
    for n, step, parts, onesided, how in ((16, 8, 1, 1, 'window'), (16, 5, 1, 0, 'both'), (400, 160, 1, 1, 'window'),
                                          (20, 7, 2, 0, 'length'), (4000, 500, 1, 1, 'length'), (60, 1, 1, 1, 'none')):
        length = 60 if n <= 60 else 5000
        z = RNG.standard_normal((2, length)) + (1j * RNG.standard_normal((2, length)) if parts == 2 else 0)
        x = pairs(z, parts, np.float32)
        z = x[..., 0] + (1j * x[..., 1] if parts == 2 else 0)
        window = RNG.random(n).astype(np.float32) if how in ('window', 'both') else None
        y = stft(z.astype(complex), step, 1 if window is None else window.astype(float), n, 0)
        y = y[..., :n // 2 + 1] if onesided else y
        inputs = [x, np.array(step), window, np.array(n) if how in ('both', 'length') else None]
        for const in ((1, 3), ()):
            yield Case('STFT', inputs, close(pairs(y, 2, np.float64), 4e-6), {'onesided': onesided}, opset=17,
                       const=const, out_types=[np.float32])


def cases():
    yield from transforms()
    yield from short_transforms()
    for name in WINDOWS:
        for size, periodic, dtype in ((1, 1, np.float32), (17, 1, np.float64), (400, 0, np.float32), (8, 0, np.float16),
                                      (1, 0, np.float32), (0, 1, np.float32)):
            expected = window(name, size, periodic).astype(dtype)
            for const in ((), (0,)):
                yield Case(name, [np.array(size, np.int64 if periodic else np.int32)], [expected],
                           {'periodic': periodic, 'output_datatype': ONNX_TYPES[dtype]}, const=const,
                           rtol=1e-3 if dtype == np.float16 else 2e-7, atol=1e-9)
    for filters, length, rate, low, high in ((80, 400, 16000, 0.0, 8000.0), (5, 33, 8000, 125.0, 3800.0)):
        inputs = [np.array(filters, np.int32), np.array(length, np.int64), np.array(rate, np.int32),
                  np.array(low, np.float32), np.array(high, np.float32)]
        expected = mel_matrix(filters, length, rate, low, high)
        yield Case('MelWeightMatrix', inputs, [expected.astype(np.float32)])
        yield Case('MelWeightMatrix', inputs, [expected], {'output_datatype': 11}, const=(0, 1, 2, 3, 4))
