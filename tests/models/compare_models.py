#!/usr/bin/env python3
"""Runs models through `belay run` and compares with onnxruntime, unoptimised: compare_models.py BUILD [CASE...]

An output agrees when its cosine is at least 0.9999, no element is off by more than 1e-3 of the expected range, and, for
classifiers, the class with the highest score is the same in every row. A model of int8 arithmetic gets 0.999, and is
judged twice: at 1e-3 with its products computed as the graph says, between dequantisation and quantisation, and at two
steps of its last quantisation with products of bytes. Rounded sums decide ties otherwise than exact ones, and a step
that goes the other way moves all behind it: over 16 random inputs onnxruntime's own settings are up to 8e-3 apart,
Belay up to 6e-3 from the unoptimised ones. A case is a model at given extents; behind a slash, a case keeps the extents
open that the model leaves open. Static cases run with 1, 2 and 4 threads, which must give the same bytes.
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
TRAINED = {row['name']: row for row in get_models.table()}
SCORES = ('resnet50', 'mobilenetv2', 'efficientnet_b0', 'resnet50_nsfw', 'ppocr4_rec', 'ppocr_cls', 'magika')
INT8 = ('smart_turn_int8',)

# By model: the extents of some inputs in further cases. Inputs that are not named keep those of the table.
FURTHER = {
    'resnet50_nsfw': ({'input:0': [3, 224, 224, 3]},),
    'ppocr4_det': ({'x': [1, 3, 160, 352]}, {'x': [2, 3, 192, 320]}),
    'ppocr4_rec': ({'x': [1, 3, 48, 173]}, {'x': [3, 3, 48, 96]}),
    'ppocr_cls': ({'x': [1, 3, 48, 192]}, {'x': [6, 3, 48, 192]}),
    'yolov8n': ({'images': [1, 3, 192, 256]}, {'images': [2, 3, 320, 320]}),
    'silero_vad_ifless': ({'input': [3, 576], 'state': [2, 3, 128]},),
    'silero_vad_16k': ({'input': [3, 576], 'state': [2, 3, 128]},),
    'magika': ({'bytes': [1, 2048]}, {'bytes': [5, 2048]}),
    'nakdimon': ({'input_1': [1, 20]}, {'input_1': [3, 61]}),
    'basic_pitch': ({'serving_default_input_2:0': [2, 43844, 1]},),
    'smart_turn_int8': ({'input_features': [2, 80, 800]},),
    'swift_f0': ({'audio': [1, 4000]}, {'audio': [1, 24001]}),
    'slanet_plus': ({'x': [1, 3, 320, 416]},),
    'dnsmos': ({'input_1': [2, 144160]},),
    'aecmos': ({'input': [1, 3, 77, 160]}, {'input': [1, 3, 321, 160]}),
    'minilm': ({name: [1, 16] for name in ('input_ids', 'attention_mask', 'token_type_ids')},
               {name: [3, 77] for name in ('input_ids', 'attention_mask', 'token_type_ids')}),
}
BUILT = ('resnet50', 'mobilenetv2', 'efficientnet_b0', 'bert', 'llama_grouped')


def model_file(name):
    if name in TRAINED:
        return get_models.fetch(CACHE, TRAINED[name])
    with open(build_models.__file__, 'rb') as source:
        version = hashlib.sha256(source.read()).hexdigest()[:10]
    path = os.path.join(CACHE, 'models', f'{name}-{version}.onnx')
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        onnx.save(build_models.BUILT[name](), path + '.part')
        os.replace(path + '.part', path)
    return path


def input_specs(name):
    """{input: [dtype, extents, kind]}; a built model's inputs are all of known extents."""
    if name in TRAINED:
        return TRAINED[name]['inputs']
    specs = {}
    for info in onnx.load(model_file(name), load_external_data=False).graph.input:
        extents = [d.dim_value for d in info.type.tensor_type.shape.dim]
        kind = {'input_ids': 'ids:0-500', 'attention_mask': 'mask'}.get(info.name, 'norm')
        specs[info.name] = ['float32' if kind == 'norm' else 'int64', extents, kind]
    return specs


def make_input(spec, random):
    dtype, shape, kind = spec
    if kind == 'unit':
        array = random.random(shape)
    elif kind == 'norm':
        array = random.standard_normal(shape)
    elif kind == 'audio':
        tone = np.sin(np.arange(int(np.prod(shape))).reshape(shape) * 2 * np.pi * 220 / 16000)
        array = 0.1 * random.standard_normal(shape) + 0.3 * tone
    elif kind == 'mask':  # the last rows are shorter
        array = np.arange(shape[1]) < np.linspace(shape[1], shape[1] / 3, shape[0])[:, None]
    elif kind.startswith('ids:'):
        low, high = map(int, kind[4:].split('-'))
        array = random.integers(low, high, shape)
    else:
        array = np.full(shape, float(kind.removeprefix('const:')))
    return np.asarray(array).astype(dtype)


def make_inputs(name, extents=None):
    random = np.random.default_rng(20)
    return {key: make_input([dtype, (extents or {}).get(key, shape), kind], random)
            for key, (dtype, shape, kind) in input_specs(name).items()}


def cases():
    """{case: (model, extents, dynamic)}"""
    found = {name: (name, None, False) for name in (*BUILT, *TRAINED)}
    for name, variants in FURTHER.items():
        for extents in variants:
            size = 'x'.join(map(str, next(iter(extents.values()))))
            found[f'{name}/{size}'] = (name, extents, True)
    return found


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
    return flags


def belay_outputs(belay, path, inputs, dynamic, threads, folder, disabled=''):
    command = [belay, 'run', path, '--output-dir', folder, '--threads', str(threads)]
    command += input_flags(inputs, dynamic, folder)
    environment = {**os.environ, 'BELAY_DISABLE': disabled} if disabled else None
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f'belay run: exit status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}')
    count = sum(name.startswith('output_') for name in os.listdir(folder))
    return [np.load(os.path.join(folder, f'output_{k}.npy')) for k in range(count)]


def difference(expected, got, name, most=1e-3):
    if len(expected) != len(got):
        return f'{len(got)} outputs, expected {len(expected)}'
    least_cosine = 0.999 if name in INT8 else 0.9999
    for k, (e, g) in enumerate(zip(expected, got)):
        if e.shape != g.shape or e.dtype != g.dtype:
            return f'output {k}: {g.dtype}{list(g.shape)}, expected {e.dtype}{list(e.shape)}'
        flat_e, flat_g = e.astype(np.float64).ravel(), g.astype(np.float64).ravel()
        cosine = flat_e @ flat_g / max(np.linalg.norm(flat_e) * np.linalg.norm(flat_g), 1e-300)
        scale = max(np.ptp(flat_e), np.abs(flat_e).max())
        worst = np.abs(flat_e - flat_g).max() / max(scale, 1e-300)
        if not (cosine >= least_cosine or scale == 0) or not worst <= most:
            return f'output {k}: cosine {cosine:.6f}, an element is off by {worst:.2e} of the range'
        if name in SCORES and (e.argmax(-1) != g.argmax(-1)).any():
            return f'output {k}: another class is first'
    return ''


def check(belay, case):
    name, extents, dynamic = cases()[case]
    path, inputs = model_file(name), make_inputs(name, extents)
    expected = expected_outputs(path, inputs)
    if name in INT8:
        with tempfile.TemporaryDirectory() as folder:
            got = belay_outputs(belay, path, inputs, dynamic, THREADS[0], folder, disabled='fold-dequantize')
        reason = difference(expected, got, name)
        if reason:
            return f'as the graph says: {reason}'
    first = None
    for threads in THREADS[:1] if dynamic else THREADS:
        with tempfile.TemporaryDirectory() as folder:
            got = belay_outputs(belay, path, inputs, dynamic, threads, folder)
        reason = difference(expected, got, name, 2e-3 if name in INT8 else 1e-3)
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
    for case in sys.argv[2:] or cases():
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
