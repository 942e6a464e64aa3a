#!/usr/bin/env python3
"""Runs models through `belay run` and compares with onnxruntime: compare_models.py BUILD [CASE...]

An output agrees when its cosine is at least 0.9999, no element is off by more than 1e-3 of the expected range, and, for
classifiers, the class with the highest score is the same in every row. Each case is run with 1, 2 and 4 threads, which
must give the same bytes.
"""
import hashlib
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

import build_models
import get_models

CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'belay')
THREADS = (2, 1, 4)

# Case: model, extents of the inputs, whether the graph keeps its dynamic extents, whether rows are class scores.
CASES = {
    'resnet50': ('resnet50', {'x': (1, 3, 224, 224)}, False, True),
    'mobilenetv2': ('mobilenetv2', {'x': (1, 3, 224, 224)}, False, True),
    'bert': ('bert', {'input_ids': (2, 64), 'attention_mask': (2, 64)}, False, False),
    'ppocr4_det': ('ppocr4_det', {'x': (1, 3, 320, 480)}, False, False),
    'ppocr4_det/dynamic': ('ppocr4_det', {'x': (1, 3, 160, 352)}, True, False),
    'ppocr4_rec': ('ppocr4_rec', {'x': (2, 3, 48, 320)}, False, True),
    'ppocr4_rec/dynamic': ('ppocr4_rec', {'x': (1, 3, 48, 173)}, True, True),
    'ppocr_cls': ('ppocr_cls', {'x': (3, 3, 48, 192)}, False, True),
}


def model_file(name):
    if name not in build_models.BUILT:
        rows = {row['name']: row for row in get_models.table()}
        return get_models.fetch(CACHE, rows[name])
    with open(build_models.__file__, 'rb') as source:
        version = hashlib.sha256(source.read()).hexdigest()[:10]
    path = os.path.join(CACHE, 'models', f'{name}-{version}.onnx')
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        onnx.save(build_models.BUILT[name](), path + '.part')
        os.replace(path + '.part', path)
    return path


def make_inputs(shapes):
    random = np.random.default_rng(20)
    inputs = {}
    for name, shape in shapes.items():
        if name == 'input_ids':
            inputs[name] = random.integers(0, 3000, shape)
        elif name == 'attention_mask':
            inputs[name] = (np.arange(shape[1]) < np.array([[shape[1]], [shape[1] // 3]])).astype(np.int64)
        else:
            inputs[name] = random.standard_normal(shape).astype(np.float32)
    return inputs


def expected_outputs(path, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    return session.run(None, inputs)


def input_flags(inputs, dynamic, folder):
    """The flags that give belay these inputs, saved in the folder."""
    flags = ['--dynamic'] if dynamic else []
    for i, (name, array) in enumerate(inputs.items()):
        file = os.path.join(folder, f'in_{i}.npy')
        np.save(file, array)
        flags += ['--input', f'{name}={file}']
        if not dynamic:
            flags += ['--shape', f"{name}={'x'.join(map(str, array.shape))}"]
    return flags


def belay_outputs(belay, path, inputs, dynamic, threads, folder):
    command = [belay, 'run', path, '--output-dir', folder, '--threads', str(threads)]
    command += input_flags(inputs, dynamic, folder)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'belay run: exit status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}')
    count = sum(name.startswith('output_') for name in os.listdir(folder))
    return [np.load(os.path.join(folder, f'output_{k}.npy')) for k in range(count)]


def difference(expected, got, is_scores):
    if len(expected) != len(got):
        return f'{len(got)} outputs, expected {len(expected)}'
    for k, (e, g) in enumerate(zip(expected, got)):
        if e.shape != g.shape or e.dtype != g.dtype:
            return f'output {k}: {g.dtype}{list(g.shape)}, expected {e.dtype}{list(e.shape)}'
        flat_e, flat_g = e.astype(np.float64).ravel(), g.astype(np.float64).ravel()
        cosine = flat_e @ flat_g / (np.linalg.norm(flat_e) * np.linalg.norm(flat_g))
        worst = np.abs(flat_e - flat_g).max() / np.ptp(flat_e)
        if not (cosine >= 0.9999 and worst <= 1e-3):
            return f'output {k}: cosine {cosine:.6f}, an element is off by {worst:.2e} of the range'
        if is_scores and (e.argmax(-1) != g.argmax(-1)).any():
            return f'output {k}: another class is first'
    return ''


def check(belay, case):
    model, shapes, dynamic, is_scores = CASES[case]
    path, inputs = model_file(model), make_inputs(shapes)
    expected = expected_outputs(path, inputs)
    first = None
    for threads in THREADS:
        with tempfile.TemporaryDirectory() as folder:
            got = belay_outputs(belay, path, inputs, dynamic, threads, folder)
        reason = difference(expected, got, is_scores)
        if reason:
            return f'{threads} threads: {reason}'
        blob = [array.tobytes() for array in got]
        if first not in (None, blob):
            return f'{threads} threads give other bytes than {THREADS[0]}'
        first = blob
    return ''


def main():
    belay = os.path.join(os.path.abspath(sys.argv[1]), 'dist', 'bin', 'belay')
    passed = failed = 0
    for case in sys.argv[2:] or CASES:
        try:
            reason = check(belay, case)
        except Exception as error:
            reason = str(error)
        print(f'{case}: {reason or "ok"}', flush=True)
        failed += bool(reason)
        passed += not reason
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
