#!/usr/bin/env python3
"""Kernels on disk, from one process of the belay program to the next: cache.py BELAY."""
import os
import re
import subprocess

import numpy as np
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


if __name__ == '__main__':
    run_tests([the_next_process_finds_all, damage_is_mended, rows_do_not_mix, many_processes_at_once, doctor_says_where])
