"""Golden lines of a .cases table, written from NumPy arrays.

Inputs are small multiples of 1/8, so that every float format holds them exactly. They are declared f64: the operator
then computes in f64 as the definition beside it does, and any difference is one of meaning.
"""
import numpy as np

DTYPES = {'float64': 'f64', 'float32': 'f32', 'float16': 'f16', 'int8': 'i8', 'uint8': 'u8', 'int32': 'i32',
          'int64': 'i64', 'bool': 'b', 'uint64': 'u64'}


class Narrow:
    """Numbers of a type that NumPy lacks, by its name in the tables."""

    def __init__(self, dtype, values):
        self.dtype, self.values = dtype, np.asarray(values, np.float64)


def grid(seed, *shape, low=-2, high=2):
    """Random multiples of 1/8 in [low, high]."""
    return np.random.RandomState(seed).randint(low * 8, high * 8 + 1, shape) / 8.0


def number(x):
    x = x.item() if isinstance(x, np.generic) else x
    if isinstance(x, bool):
        return 'true' if x else 'false'
    if not np.isfinite(x):
        return str(float(x))
    return repr(int(x)) if float(x) == int(x) and abs(x) < 2**53 else f'{float(x):.12g}'


def nested(x):
    if x.ndim == 0:
        return number(x[()])
    return '[' + ','.join(nested(row) for row in x) + ']'


def tensor(x):
    if isinstance(x, Narrow):
        return f'{x.dtype}:{nested(x.values)}'
    x = np.asarray(x)
    if x.dtype == np.complex64:
        return f'c64:{nested(np.stack([x.real, x.imag], -1))}'
    return f'{DTYPES[x.dtype.name]}:{nested(x)}'


def word(value):
    if isinstance(value, (Narrow, np.ndarray)):
        return tensor(value)
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (list, tuple)):
        return '[' + ','.join(str(v) for v in value) + ']'
    return str(value)


def golden(outputs, after=None, **given):
    """given: inputs as arrays (a trailing `_data` in the name: no constant of the graph) and attributes; outputs:
    arrays, None for one that is not judged; after: what the memory of inputs holds then."""
    words = []
    for name, value in given.items():
        if value is None:
            continue
        data = name.endswith('_data')
        words.append(('data ' if data else '') + f'{name[:-5] if data else name}={word(value)}')
    expected = ['-' if out is None else tensor(out) for out in outputs]
    expected = ' ; '.join(expected + [f'{name}={tensor(x)}' for name, x in (after or {}).items()])
    return f'golden: {" ".join(words)} -> {expected}'
