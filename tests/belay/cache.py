#!/usr/bin/env python3
"""Kernels on disk, from one process of the belay program to the next: cache.py BELAY."""
import os
import re
import subprocess
import time

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from support import BELAY, belay, run_tests, value, write_model


def network(folder, scale=1.0):
    """A convolution, a softmax and a product: some kernels of each kind."""
    rng = np.random.default_rng(3)
    weights = [numpy_helper.from_array((scale * rng.standard_normal(dims)).astype(np.float32), name)
               for name, dims in (('w', (16, 8, 3, 3)), ('m', (12, 20)))]
    nodes = [h.make_node('Conv', ['x', 'w'], ['c'], pads=[1, 1, 1, 1]), h.make_node('Softmax', ['c'], ['s'], axis=3),
             h.make_node('MatMul', ['s', 'm'], ['p']), h.make_node('Erf', ['p'], ['y'])]
    return write_model(os.path.join(folder, 'm.onnx'), nodes, [value('x', dims=(2, 8, 12, 12))], [value('y', dims=None)],
                       weights)


def environment(cache, **more):
    return dict(os.environ, BELAY_CACHE=cache, ASCEND_GLOBAL_LOG_LEVEL='1', **more)


def outcome(stdout, stderr):
    """Kernels compiled and found, and the digests of the outputs."""
    counts = re.findall(r'(\d+) kernels: (\d+) compiled, (\d+) found', stderr)
    assert counts, stderr
    return sum(int(c[1]) for c in counts), sum(int(c[2]) for c in counts), re.findall(r'digest (\S+)', stdout)


def run(model, cache, **more):
    done = belay('run', model, env=environment(cache, **more))
    return outcome(done.stdout, done.stderr)


def files(cache):
    folder = os.path.join(cache, 'kernels')
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def the_next_process_finds_all(d):
    model, cache = network(d), os.path.join(d, 'cache')
    compiled, found, digests = run(model, 'off')
    assert compiled >= 3 and found == 0 and digests and not files(cache)
    assert run(model, cache) == (compiled, 0, digests)
    assert len(files(cache)) == compiled
    for threads in ('1', '2'):
        assert run(model, cache, BELAY_THREADS=threads) == (0, compiled, digests)
    other = network(d, 2.0)  # other weights, the same kernels
    again = run(other, cache)
    assert again[:2] == (0, compiled) and again[2] != digests
    assert run(other, 'off')[2] == again[2]


def damage_is_mended(d):
    model, cache = network(d), os.path.join(d, 'cache')
    compiled, _, digests = run(model, cache)
    for k, name in enumerate(files(cache)):
        path = os.path.join(cache, 'kernels', name)
        os.truncate(path, os.path.getsize(path) * k // (2 * compiled))
    assert run(model, cache) == (compiled, 0, digests)
    assert run(model, cache) == (0, compiled, digests)


def rows_do_not_mix(d):
    model, cache = network(d), os.path.join(d, 'cache')
    rows = re.search(r'this machine runs (.*)', belay('doctor', env=environment('off')).stdout)[1].split(', ')
    expected = {}
    for row in rows:
        compiled, found, expected[row] = run(model, cache, BELAY_CPU=row)
        assert found == 0 and expected[row] == run(model, 'off', BELAY_CPU=row)[2], row
    for row in rows:
        assert run(model, cache, BELAY_CPU=row) == (0, compiled, expected[row]), row


def many_processes_at_once(d):
    model, cache = network(d), os.path.join(d, 'cache')
    compiled, _, digests = run(model, 'off')
    started = [subprocess.Popen([BELAY, 'run', model], env=environment(cache), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for _ in range(4)]
    for process in started:
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        made, found, seen = outcome(stdout, stderr)
        assert made + found == compiled and seen == digests
    assert len(files(cache)) == compiled
    assert run(model, cache) == (0, compiled, digests)


def doctor_says_where(d):
    model, cache = network(d), os.path.join(d, 'cache')
    compiled = run(model, cache)[0]
    size = sum(os.path.getsize(os.path.join(cache, 'kernels', name)) for name in files(cache))
    said = belay('doctor', env=environment(cache)).stdout
    assert f'ok    cache: {compiled} kernels in {cache}/kernels, {size / 2**20:.1f} MiB\n' in said, said
    assert 'note  cache: kernels are not kept: BELAY_CACHE is off\n' in belay('doctor', env=environment('off')).stdout
    os.chmod(os.path.join(cache, 'kernels'), 0o777)
    said = belay('doctor', env=environment(cache))
    assert f'note  cache: kernels are not kept in {cache}/kernels: others may write to it\n' in said.stdout, said.stdout
    assert said.stderr.count('others may write to it') == 1, said.stderr


def large_network(folder, scale=1.0, outside=False):
    """24 MiB of weights that kernels pack, one of them behind a transposition, and 8 MiB that are read as they are."""
    rng = np.random.default_rng(5)
    shapes = {'table': (4096, 512), 'm': (512, 4096), 'n': (512, 4096), 'o': (4096, 512)}
    weights = [numpy_helper.from_array((scale * rng.standard_normal(dims) / 64).astype(np.float32), name)
               for name, dims in shapes.items()]
    nodes = [h.make_node('Gather', ['table', 'i'], ['g']), h.make_node('MatMul', ['g', 'm'], ['a']),
             h.make_node('Transpose', ['n'], ['t'], perm=[1, 0]), h.make_node('MatMul', ['a', 't'], ['b']),
             h.make_node('Transpose', ['o'], ['u'], perm=[1, 0]), h.make_node('MatMul', ['b', 'u'], ['y'])]
    path = write_model(os.path.join(folder, 'large.onnx'), nodes, [value('i', T.INT64, (7,))], [value('y', dims=None)],
                       weights)
    if outside:
        onnx.save(onnx.load(path), path, save_as_external_data=True, location='large.bin')
    return path


def run_large(model, cache, *flags, **more):
    """Large constants found and kept, and the digests."""
    done = belay('run', model, *flags, env=environment(cache, **more))
    counts = re.findall(r'(\d+) large constants found, (\d+) kept', done.stderr)
    return sum(int(c[0]) for c in counts), sum(int(c[1]) for c in counts), re.findall(r'digest (\S+)', done.stdout)


def constants(cache):
    return [os.path.join(cache, 'kernels', name) for name in files(cache) if name.endswith('.constant')]


def large_constants_are_found_again(d):
    model, cache = large_network(d), os.path.join(d, 'cache')
    found, kept, digests = run_large(model, 'off')
    assert (found, kept) == (0, 0) and digests
    assert run_large(model, cache) == (0, 4, digests)
    size = sum(map(os.path.getsize, constants(cache)))
    assert len(constants(cache)) == 4 and 32 << 20 < size < 36 << 20
    time.sleep(3)  # behind that, files that were whole are taken on trust
    for threads in ('1', '2', '2'):
        assert run_large(model, cache, BELAY_THREADS=threads) == (4, 0, digests)
    os.makedirs(os.path.join(d, 'beside'))
    assert run_large(large_network(os.path.join(d, 'beside'), outside=True), cache) == (4, 0, digests)
    other = run_large(large_network(d, 2.0), cache)  # the same path
    assert other[:2] == (0, 4) and other[2] != digests and other[2] == run_large(model, 'off')[2]
    said = belay('doctor', env=environment(cache)).stdout
    assert f'ok    cache: 8 constants in {cache}/kernels, ' in said, said


def dynamic_graphs_find_them_too(d):
    rng = np.random.default_rng(6)
    weight = numpy_helper.from_array(rng.standard_normal((2048, 2304)).astype(np.float32), 'w')
    model = write_model(os.path.join(d, 'm.onnx'), [h.make_node('MatMul', ['x', 'w'], ['y'])],
                        [value('x', dims=('n', 2048))], [value('y', dims=None)], [weight])
    cache, flags = os.path.join(d, 'cache'), ('--dynamic', '--shape', 'x=3x2048')
    digests = run_large(model, 'off', *flags)[2]
    assert run_large(model, cache, *flags) == (0, 1, digests)
    assert run_large(model, cache, *flags) == (1, 0, digests)


def damaged_constants_are_made_anew(d):
    model, cache = large_network(d), os.path.join(d, 'cache')
    digests = run_large(model, cache)[2]
    time.sleep(3)
    assert run_large(model, cache) == (4, 0, digests)
    for k, path in enumerate(constants(cache)):
        if k == 0:
            os.truncate(path, 10000)
            continue
        with open(path, 'r+b') as f:
            f.seek(4096 + k * 1000000)
            f.write(b'\xff\xff\xff\xff')
    assert run_large(model, cache) == (0, 4, digests)
    assert run_large(model, cache) == (4, 0, digests)
    os.unlink(constants(cache)[1])
    assert run_large(model, cache) == (3, 1, digests)


def large_constants_of_many_processes(d):
    model, cache = large_network(d), os.path.join(d, 'cache')
    digests = run_large(model, 'off')[2]
    started = [subprocess.Popen([BELAY, 'run', model], env=environment(cache), text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for _ in range(3)]
    for process in started:
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert re.findall(r'digest (\S+)', stdout) == digests
    assert run_large(model, cache) == (4, 0, digests)
    os.chmod(os.path.join(cache, 'kernels'), 0o777)
    assert run_large(model, cache) == (0, 0, digests)


def rows_do_not_mix_constants(d):
    model, cache = large_network(d), os.path.join(d, 'cache')
    rows = re.search(r'this machine runs (.*)', belay('doctor', env=environment('off')).stdout)[1].split(', ')
    for row in rows[:2]:
        expected = run_large(model, 'off', BELAY_CPU=row)[2]
        assert run_large(model, cache, BELAY_CPU=row) == (0, 4, expected), row
        assert run_large(model, cache, BELAY_CPU=row) == (4, 0, expected), row


if __name__ == '__main__':
    run_tests([the_next_process_finds_all, damage_is_mended, rows_do_not_mix, many_processes_at_once, doctor_says_where,
               large_constants_are_found_again, dynamic_graphs_find_them_too, damaged_constants_are_made_anew,
               large_constants_of_many_processes, rows_do_not_mix_constants])
