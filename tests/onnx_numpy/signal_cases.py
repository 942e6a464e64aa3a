"""Windows, filter banks and Fourier transforms."""
import numpy as np

from case import Case

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


def cases():
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
