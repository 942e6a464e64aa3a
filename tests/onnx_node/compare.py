"""Compares what a program wrote for a case with what the case expects, within the case's own tolerance."""
import os

import numpy as np
import onnx
from onnx import numpy_helper

from cases import kind_of

NARROW = ('bfloat16', 'float8', 'float4', 'float6', 'int4', 'uint4', 'int2', 'uint2')


def load(path, value_info):
    with open(path, 'rb') as f:
        data = f.read()
    if kind_of(value_info) == 'sequence_type':
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind_of(value_info) == 'optional_type':
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def difference(expected, got, rtol, atol):
    """What differs, or ''."""
    if isinstance(expected, (list, tuple)):
        if not isinstance(got, (list, tuple)) or len(expected) != len(got):
            return 'length of the sequence'
        return next(filter(None, (difference(e, g, rtol, atol) for e, g in zip(expected, got))), '')
    if expected is None or got is None:
        return '' if expected is got else 'one is empty'
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return f'shape {got.shape}, expected {expected.shape}'
    if expected.dtype.kind in 'OUST':
        def texts(array):
            return [x.decode() if isinstance(x, bytes) else str(x) for x in array.ravel().tolist()]
        return '' if texts(expected) == texts(got) else 'strings'
    if expected.dtype != got.dtype:
        return f'dtype {got.dtype}, expected {expected.dtype}'
    if expected.dtype.name == 'bfloat16':
        rtol = max(rtol, 2**-6)  # the cases' tolerance is for float32; two roundings to 8 bits are allowed
    with np.errstate(all='ignore'):
        if expected.dtype.kind == 'V' or expected.dtype.name.startswith(NARROW):
            expected, got = expected.astype(np.float32), got.astype(np.float32)
        if np.allclose(got, expected, rtol=rtol, atol=atol, equal_nan=True):
            return ''
        worst = np.nanmax(np.abs(got.astype(np.float64) - expected.astype(np.float64)))
    return f'values, by up to {worst:.3g}'


def check_case(expected_dir, actual_dir, rtol, atol):
    """'' if every output of every data set agrees, else the reason."""
    model = onnx.load(os.path.join(expected_dir, 'model.onnx'))
    error = os.path.join(actual_dir, 'error.txt')
    if os.path.exists(error):
        return ' '.join(open(error, errors='replace').read().split())
    for data in sorted(d for d in os.listdir(expected_dir) if d.startswith('test_data_set_')):
        for j, info in enumerate(model.graph.output):
            name = os.path.join(data, f'output_{j}.pb')
            if not os.path.exists(os.path.join(expected_dir, name)):
                continue
            if not os.path.exists(os.path.join(actual_dir, name)):
                return f'{name} was not written'
            reason = difference(load(os.path.join(expected_dir, name), info),
                                load(os.path.join(actual_dir, name), info), rtol, atol)
            if reason:
                return f'output {j}: {reason}'
    return ''
