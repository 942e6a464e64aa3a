#!/usr/bin/env python3
"""Casts to and from types of 8 bits and fewer against ml_dtypes, whole types at a time: narrow.py BUILD

Every half, every f32 near a number of the target type and near each middle of two, every code of a source type;
saturating and not. Runs through `belay cases`, so that generated kernels do the work.
"""
import os
import shutil
import subprocess
import sys

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOATS = {'FLOAT8E4M3FN': ml_dtypes.float8_e4m3fn, 'FLOAT8E4M3FNUZ': ml_dtypes.float8_e4m3fnuz,
          'FLOAT8E5M2': ml_dtypes.float8_e5m2, 'FLOAT8E5M2FNUZ': ml_dtypes.float8_e5m2fnuz,
          'FLOAT6E2M3': ml_dtypes.float6_e2m3fn, 'FLOAT6E3M2': ml_dtypes.float6_e3m2fn,
          'FLOAT4E2M1': ml_dtypes.float4_e2m1fn}
INTS = {'INT4': ml_dtypes.int4, 'UINT4': ml_dtypes.uint4, 'INT2': ml_dtypes.int2, 'UINT2': ml_dtypes.uint2}
BITS = {'FLOAT6E2M3': 6, 'FLOAT6E3M2': 6, 'FLOAT4E2M1': 4, 'INT4': 4, 'UINT4': 4, 'INT2': 2, 'UINT2': 2}
WIDE = {'FLOAT': np.float32, 'FLOAT16': np.float16, 'BFLOAT16': ml_dtypes.bfloat16, 'DOUBLE': np.float64}


def all_codes(name, dtype):
    return np.arange(1 << BITS.get(name, 8), dtype=np.uint8).view(dtype)


def probes(name, dtype):
    """f32 values at which rounding to `dtype` decides."""
    numbers = all_codes(name, dtype).astype(np.float32)
    numbers = np.unique(numbers[np.isfinite(numbers)])
    numbers = np.append(numbers, [2 * numbers[-1], 2 * numbers[0]]).astype(np.float32)
    middles = (numbers[1:].astype(np.float64) + numbers[:-1]) / 2
    corners = np.concatenate([numbers, middles.astype(np.float32)])
    near = [(corners.view(np.int32) + step).view(np.float32) for step in range(-2, 3)]
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    special = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 3e38, -3e38, 1e-45], np.float32)
    return np.concatenate(near + [halves, special])


def expected(x, dtype, saturate):
    if saturate:
        top = np.float32(ml_dtypes.finfo(dtype).max)
        x = np.where(np.isnan(x), x, np.clip(x, -top, top))
    if not np.isnan(np.array(np.nan, np.float32).astype(dtype)):
        x = np.where(np.isnan(x), np.float32(-0.0), x)  # ml_dtypes takes its sign from the NaN
    return x.astype(np.float32).astype(dtype)


def e8m0(x, mode, saturate):
    """ml_dtypes' own cast rounds to even and knows no modes: from the table of ONNX's Cast instead."""
    codes = np.full(x.shape, 255, np.uint8)
    for i, v in enumerate(x.astype(np.float64)):
        if np.isnan(v) or v < 0:
            continue
        if np.isinf(v) or v < 2.0**-127:
            codes[i] = (254 if v > 1 else 0) if saturate else 255
            continue
        fraction, exponent = np.frexp(v)  # v = fraction * 2^exponent, 0.5 <= fraction < 1
        up = {'up': fraction > 0.5, 'down': False, 'nearest': fraction >= 0.75}[mode]
        code = exponent - 1 + 127 + int(up)
        codes[i] = code if code <= 254 else 254 if saturate else 255
    return codes.view(ml_dtypes.float8_e8m0fnu)


def all_cases():
    """name, input, type of the result, expected result, attributes"""
    for name, dtype in FLOATS.items():
        x = probes(name, dtype)
        for saturate in (1, 0) if BITS.get(name, 8) == 8 else (1,):
            yield f'to_{name}_{saturate}', x, name, expected(x, dtype, saturate), {'saturate': saturate}
            halves = np.arange(65536, dtype=np.uint16).view(np.float16)
            yield f'half_to_{name}_{saturate}', halves, name, expected(halves, dtype, saturate), {'saturate': saturate}
        ints = np.arange(-70000, 70000, 7, dtype=np.int32)
        yield f'ints_to_{name}', ints, name, expected(ints.astype(np.float32), dtype, True), {}
    scales = probes('FLOAT8E8M0', ml_dtypes.float8_e8m0fnu)
    for mode in ('up', 'down', 'nearest'):
        for saturate in (1, 0):
            yield (f'to_FLOAT8E8M0_{mode}_{saturate}', scales, 'FLOAT8E8M0', e8m0(scales, mode, saturate),
                   {'saturate': saturate, 'round_mode': mode})
    for name, dtype in {**FLOATS, **INTS, 'FLOAT8E8M0': ml_dtypes.float8_e8m0fnu}.items():
        codes = all_codes(name, dtype)
        for wide, numpy_type in WIDE.items():
            yield f'from_{name}_to_{wide}', codes, wide, codes.astype(np.float32).astype(numpy_type), {}
    wide = np.arange(-40, 41, dtype=np.int32)
    for name, dtype in INTS.items():
        for x in (wide, wide.astype(np.float32), wide.astype(np.int64)):
            yield f'{x.dtype}_to_{name}', x, name, wide.astype(np.int8).astype(dtype), {}


def write(folder, x, to, attributes):
    source = numpy_helper.from_array(x, 'x')
    node = helper.make_node('Cast', ['x'], ['y'], to=getattr(TensorProto, to), **attributes)
    graph = helper.make_graph([node], 'g', [helper.make_tensor_value_info('x', source.data_type, ['n'])],
                              [helper.make_tensor_value_info('y', getattr(TensorProto, to), ['n'])])
    opset = onnx.defs.onnx_opset_version()
    data = os.path.join(folder, 'test_data_set_0')
    os.makedirs(data)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    onnx.save(model, os.path.join(folder, 'model.onnx'))
    with open(os.path.join(data, 'input_0.pb'), 'wb') as f:
        f.write(source.SerializeToString())


def difference(got, want):
    if got.dtype != want.dtype or got.shape != want.shape:
        return f'is {got.dtype}{got.shape}, not {want.dtype}{want.shape}'
    a, b = got.astype(np.float64), want.astype(np.float64)
    same = (a == b) & (np.signbit(a) == np.signbit(b)) | np.isnan(a) & np.isnan(b)
    if same.all():
        return ''
    i = int(np.flatnonzero(~same)[0])
    return f'{(~same).sum()} of {same.size} differ; element {i} is {a[i]}, not {b[i]}'


def main():
    np.seterr(all='ignore')
    build = sys.argv[1]
    root, out = (os.path.join(build, 'narrow_types', name) for name in ('cases', 'out'))
    for folder in (root, out):
        shutil.rmtree(folder, ignore_errors=True)
    wanted = {}
    for name, x, to, want, attributes in all_cases():
        write(os.path.join(root, 'cast', name), x, to, attributes)
        wanted[name] = want
    subprocess.run([os.path.join(build, 'dist', 'bin', 'belay'), 'cases', root, out],
                   check=True, stdout=subprocess.DEVNULL)
    passed = failed = 0
    for name, want in wanted.items():
        folder = os.path.join(out, 'cast', name)
        error = os.path.join(folder, 'error.txt')
        if os.path.exists(error):
            with open(error) as f:
                reason = f.read()
        else:
            with open(os.path.join(folder, 'test_data_set_0', 'output_0.pb'), 'rb') as f:
                reason = difference(numpy_helper.to_array(TensorProto.FromString(f.read())), want)
        passed, failed = passed + (not reason), failed + bool(reason)
        if reason:
            print(f'FAILED {name}: {reason}')
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
