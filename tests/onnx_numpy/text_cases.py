"""Strings, judged by Python's own: str.split, str.lower, re.fullmatch, float()."""
import re

import numpy as np

from case import Case

STRING = 8  # TensorProto.STRING
TYPES = {np.dtype('float32'): 1, np.dtype('uint8'): 2, np.dtype('int8'): 3, np.dtype('int32'): 6, np.dtype('int64'): 7,
         np.dtype('bool'): 9, np.dtype('float16'): 10, np.dtype('float64'): 11, np.dtype('uint64'): 13}
WORDS = ['monday', 'Tuesday', '', ' blank  spaces ', 'Grüße, Ärger', '日本語', 'a,b,,c,', ',', 'ĞİJ', 'x' * 300]
# (pattern, texts): what Python's syntax and RE2's agree on.
PATTERNS = [
    (r'www\.[\w.-]+\.\bcom\b', ['www.google.com', 'www.bbc.co.uk', 'www.a-b.com', 'www.x.comm', '']),
    (r'(\d{1,3}\.){3}\d{1,3}', ['127.0.0.1', '1.2.3', '1234.1.1.1', '255.255.255.255']),
    (r'[^aeiou\s]+', ['rhythm', 'rhyme', 'a b', 'xyz\n', 'Ñ']),
    (r'(?i)gr[üu]ss?e', ['GRuSE', 'grüsse', 'gruse', 'grusee']),
    (r'a*?b+|c{2,}', ['b', 'aaabb', 'cc', 'c', 'cccccc', 'aac']),
    (r'(a|ab)(c|bcd)(d*)', ['abcd', 'acd', 'abcdd', 'ac', 'abc']),
    (r'(a*)*b', ['aaaaaaaaaaaa', 'aab', 'b']),
    (r'^.$', ['日', 'ab', '', '\n']),
    (r'(?s).*x.*', ['a\nxb', 'ab']),
    (r'\x41[B-D\]]\.\*', ['AB.*', 'A].*', 'ABx', 'AE.*']),
    (r'(?P<year>\d{4})-(?:0[1-9]|1[0-2])', ['2024-02', '2024-13', '24-01']),
    (r'\bfoo\b.*\Bbar', ['foo xbar', 'foo bar', 'food xbar']),
    (r'', ['', 'x']),
    (r'[\-a\]]{0,2}', ['-', ']a', 'a-a', '']),
    (r'\W\D\S', ['.a.', 'a1 ', '. b']),
]


def texts(values, shape=None):
    array = np.array(values, dtype=object)
    return array if shape is None else array.reshape(shape)


def split_case(values, delimiter, most, shape):
    pieces = [v.split(delimiter, -1 if most is None else most) for v in values]
    width = max((len(p) for p in pieces), default=0)
    dense = [p + [''] * (width - len(p)) for p in pieces]
    attrs = {} if most is None else {'maxsplit': most}
    if delimiter:
        attrs['delimiter'] = delimiter
    counts = np.array([len(p) for p in pieces], np.int64).reshape(shape)
    return Case('StringSplit', [texts(values, shape)], [texts(dense, (*shape, width)), counts], attrs)


def concat_cases():
    a, b = texts(WORDS, (2, 5)), texts(['-', 'ß', '', 'z', '.'])
    joined = texts([x + b[i % 5] for i, x in enumerate(WORDS)], (2, 5))
    yield Case('StringConcat', [a, b], [joined], opset=20)
    yield Case('Concat', [a, a[:, :2]], [np.concatenate([a, a[:, :2]], 1)], {'axis': 1})


def move_cases():
    """The operators that move elements of any type."""
    x, index = texts(WORDS, (2, 5)), np.array([[4, 0], [1, 1]], np.int64)
    yield Case('Gather', [x, index], [np.take(x, index, 1)], {'axis': 1})
    yield Case('Transpose', [x], [x.T])
    yield Case('Identity', [x], [x])
    yield Case('Reshape', [x, np.array([5, -1], np.int64)], [x.reshape(5, 2)], const=(1,))
    yield Case('Expand', [x[:, None], np.array([2, 3, 5], np.int64)], [np.broadcast_to(x[:, None], (2, 3, 5))], const=(1,))
    yield Case('Tile', [x, np.array([1, 2], np.int64)], [np.tile(x, (1, 2))], const=(1,))
    yield Case('Slice', [x, *(np.array([v], np.int64) for v in (4, -9, 1, -2))], [x[:, ::-2]], const=(1, 2, 3, 4))
    yield Case('Split', [x], [x[:1], x[1:]], {'num_outputs': 2})
    choice = np.array([[True], [False]])
    yield Case('Where', [choice, x, texts(['no'])], [np.where(choice, x, texts(['no']))])
    yield Case('ScatterElements', [x, np.array([[3, 1]]), texts([['new', 'ones']])],
               [texts([*WORDS[:1], 'ones', WORDS[2], 'new', *WORDS[4:]], (2, 5))], {'axis': 1})
    yield Case('Compress', [x, np.array([True, False, True])], [x[:, [0, 2]]], {'axis': 1})
    yield Case('Shape', [x], [np.array([2, 5], np.int64)])
    yield Case('Equal', [x, texts(['', 'Tuesday', '', '日', ''])],
               [np.array([[w == v for w, v in zip(row, ['', 'Tuesday', '', '日', ''])] for row in x])])


def unique_cases():
    values = ['b', 'a', 'b', '', 'ab', 'a', 'B']
    order = sorted(set(values))
    first = [values.index(v) for v in order]
    yield Case('Unique', [texts(values)],
               [texts(order), np.array(first), np.array([order.index(v) for v in values]),
                np.array([values.count(v) for v in order])])
    seen = list(dict.fromkeys(values))
    yield Case('Unique', [texts(values)], [texts(seen)], {'sorted': 0})


def number_cases():
    for dtype, values in ((np.float32, ['3.14', '-1e-5', '1E8', ' 7 ', '+2', 'inf', '-INF', 'NaN', '1e99', '1e-60']),
                          (np.float64, ['0.1', '1e308', '-1e-320', '12345678901234567']),
                          (np.float16, ['0.1', '2049', '65520']), (np.int64, ['-9223372036854775808', '100.5', '12']),
                          (np.uint64, ['18446744073709551615', '0']), (np.int32, ['-7', '1e3']), (np.bool_, ['0', '2'])):
        with np.errstate(all='ignore'):
            whole = np.issubdtype(dtype, np.integer)
            expected = [int(v) if whole and v.lstrip('-').isdigit() else int(float(v)) if whole else float(v)
                        for v in values]
            expected = np.array(expected, dtype) if whole else np.array(expected).astype(dtype)
            yield Case('Cast', [texts(values)], [expected], {'to': TYPES[np.dtype(dtype)]}, rtol=0)
    for array, written in ((np.array([3.14, -0.5, 1e-7, 16777216, np.nan, np.inf, -np.inf], np.float32),
                            ['3.14', '-0.5', '0.0000001', '16777216', 'NaN', 'INF', '-INF']),
                           (np.array([0.1, 1e21, -0.0]), ['0.1', '1000000000000000000000', '-0']),
                           (np.array([0.1, 2048], np.float16), ['0.1', '2048']),
                           (np.array([-128, 127], np.int8), ['-128', '127']),
                           (np.array([2**64 - 1], np.uint64), ['18446744073709551615']),
                           (np.array([True, False]), ['True', 'False'])):
        yield Case('Cast', [array], [texts(written)], {'to': STRING})


def normalizer_cases():
    words = ['Monday', 'tuesday', 'ÄRGER', 'monday', 'Ärger']
    for action, change in (('NONE', str), ('LOWER', str.lower), ('UPPER', str.upper)):
        for sensitive in (0, 1):
            stop = ['monday', 'ärger']
            left = [change(w) for w in words if (w if sensitive else w.lower()) not in stop]
            for shape in ((5,), (1, 5)):
                out = (len(left),) if len(shape) == 1 else (1, len(left))
                yield Case('StringNormalizer', [texts(words, shape)], [texts(left, out)],
                           {'case_change_action': action, 'is_case_sensitive': sensitive, 'stopwords': stop}, opset=10)


def encoder_cases():
    ml = 'ai.onnx.ml::LabelEncoder'
    yield Case(ml, [np.array([3, 9, -1], np.int64)], [texts(['drei', 'none', '_'])],
               {'keys_int64s': [3, -1], 'values_strings': ['drei', '_'], 'default_string': 'none'}, opset=2)
    nan = np.array([1.5, np.nan, 2], np.float32)
    yield Case(ml, [nan], [np.array([10, 20, -1], np.int64)],
               {'keys_floats': [1.5, float('nan')], 'values_int64s': [10, 20]}, opset=4)
    yield Case(ml, [texts([['b'], ['x']])], [np.array([[1], [-1]], np.int64)], {'classes_strings': ['a', 'b']}, opset=1)
    yield Case(ml, [np.array([1, 5], np.int64)], [texts(['b', '_Unused'])], {'classes_strings': ['a', 'b']}, opset=1)


def cases():
    yield from concat_cases()
    yield from move_cases()
    yield from unique_cases()
    yield from number_cases()
    yield from normalizer_cases()
    yield from encoder_cases()
    yield split_case(WORDS, None, None, (2, 5))
    yield split_case(WORDS, ',', None, (10,))
    yield split_case(WORDS, ', ', 1, (5, 2))
    yield split_case(WORDS, None, 1, (10,))
    yield split_case([], None, None, (0,))
    for pattern, values in PATTERNS:
        expected = np.array([re.fullmatch(pattern, v, re.ASCII) is not None for v in values])
        yield Case('RegexFullMatch', [texts(values)], [expected], {'pattern': pattern}, opset=20)
    # Python's own matcher needs longer than the world has existed.
    long = texts(['a' * 5000, 'a' * 5000 + 'b'])
    yield Case('RegexFullMatch', [long], [np.array([False, True])], {'pattern': '(a*)*b'}, opset=20)
