#!/usr/bin/env python3
"""Kernels that walk rows of f32: Belay against oneDNN, and against memcpy where data exceed the caches.

  rows.py BUILD/dist [--rounds 9] [--against onednn|memcpy] [--gate] [CASE...]

oneDNN: 128 rows of 768 numbers, one thread, whole calls; a call that does nothing costs both sides about 0.6 us. Both
sides' outputs must agree. memcpy: so many rows that input and output are 264 MiB each, with one thread and two, beside
a memcpy of 264 MiB by as many threads. Bytes are counted once for each input and output, so that a ratio is the part of
memcpy's rate that Belay reaches.

TSV: case, rows, threads, Belay's median in us, the peer and its median, the median of the paired ratios with its
quartiles, the gate, and whether it is reached. The last line counts the gates; with --gate the exit status is 1 if one
is missed.
"""
import argparse
import concurrent.futures
import ctypes
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx

import onednn
import ops
import peers
import turns

COLUMNS, FEW, MANY = 768, 128, 90112
AT_LEAST = {'onednn': 1.2, 'memcpy': 0.75}
CASES = {'softmax': ('y = Softmax (x)', 'x:f32[{rows}]'),
         'layernorm': ('y = LayerNormalization (x, s, b)', f'x:f32[{{rows}}] s=f32[{COLUMNS}] b=f32[{COLUMNS}]'),
         'gelu': ('y = Gelu (x)', 'x:f32[{rows}]'),
         'gelu_tanh': ('y = Gelu <approximate = "tanh"> (x)', 'x:f32[{rows}]'),
         'rmsnorm': ('y = RMSNormalization (x, s)', f'x:f32[{{rows}}] s=f32[{COLUMNS}]'),
         'add': ('y = Add (a, b)', 'a:f32[{rows}] b:f32[{rows}]')}
NO_GATE = ('rmsnorm', 'add')  # measured beside the others
ONLY_MEMCPY = ('rmsnorm',)   # oneDNN 3.2 has none
TURN_SECONDS = 0.03


class Memcpy:
    def __init__(self, nbytes, threads):
        self.copy = ctypes.CDLL(None).memcpy
        self.copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self.src, self.dst = np.ones(nbytes, np.uint8), np.zeros(nbytes, np.uint8)
        self.threads, self.part = threads, nbytes // threads
        self.pool = concurrent.futures.ThreadPoolExecutor(threads)

    def copy_part(self, k):
        self.copy(self.dst.ctypes.data + k * self.part, self.src.ctypes.data + k * self.part, self.part)

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            list(self.pool.map(self.copy_part, range(self.threads)))
        return time.perf_counter() - start

    def close(self):
        self.pool.shutdown()


def start_belay(args, case, rows, threads, folder):
    """The side, and the arrays in the order of the node's inputs."""
    node, inputs = CASES[case]
    model, arrays = ops.make_model({'node': node, 'inputs': inputs.format(rows=f'{rows},{COLUMNS}')})
    path = os.path.join(folder, 'rows.onnx')
    onnx.save(model, path)
    side = peers.Belay(args.dist, path, arrays, threads, 'fp32', folder)
    return side, [*arrays.values(), *(onnx.numpy_helper.to_array(t) for t in model.graph.initializer)]


def check_agreement(belay, peer, case, folder):
    belay.run(1)
    peer.run(1)
    belay.process.stdin.write(f'save {folder}\n')
    belay.process.stdout.readline()
    worst = np.abs(np.load(os.path.join(folder, 'output_0.npy')) - peer.output).max()
    if not worst < 1e-5:
        raise RuntimeError(f'{case}: Belay and oneDNN differ by {worst}')


def measure(args, case, peer, threads):
    """A line of the table; whether the gate is reached, None without one."""
    rows = FEW if peer == 'onednn' else MANY
    peers.share_cores(threads)
    with tempfile.TemporaryDirectory() as folder:
        belay, arrays = start_belay(args, case, rows, threads, folder)
        if peer == 'onednn':
            other, scale = onednn.Rows(case, arrays), 1
            check_agreement(belay, other, case, folder)
        else:
            nbytes = arrays[0].nbytes
            moved = nbytes + sum(a.nbytes for a in arrays if a.size > COLUMNS)
            other, scale = Memcpy(nbytes, threads), moved / (2 * nbytes)
        belay.run(2), other.run(2)
        seconds = turns.take_turns({'belay': belay, peer: other}, args.rounds, TURN_SECONDS)
        belay.close(), other.close()
    ratio, quartiles = turns.paired_ratio([s / scale for s in seconds['belay']], seconds[peer])
    ours, theirs = (statistics.median(seconds[name]) * 1e6 for name in ('belay', peer))
    reached = None if case in NO_GATE else ratio >= AT_LEAST[peer]
    verdict = {None: '-\t-', True: f'{AT_LEAST[peer]}\treached', False: f'{AT_LEAST[peer]}\tbelow'}[reached]
    print(f'{case}\t{rows}\t{threads}\t{ours:.1f}\t{peer}\t{theirs:.1f}\t{ratio:.2f}\t{quartiles}\t{verdict}', flush=True)
    return reached


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dist')
    parser.add_argument('cases', nargs='*')
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--against', choices=tuple(AT_LEAST))
    parser.add_argument('--gate', action='store_true', help='the exit status is 1 if a gate is missed')
    args = parser.parse_intermixed_args()
    print('case\trows\tthreads\tbelay_us\tpeer\tpeer_us\tratio\tquartiles\tgate\tverdict', flush=True)
    gates = []
    for peer, threads in (('onednn', 1), ('memcpy', 1), ('memcpy', 2)):
        for case in args.cases or CASES:
            if args.against in (None, peer) and not (peer == 'onednn' and case in ONLY_MEMCPY):
                gates.append(measure(args, case, peer, threads))
    print(f'{gates.count(True)} of {len(gates) - gates.count(None)} gates reached')
    sys.exit(1 if args.gate and False in gates else 0)


if __name__ == '__main__':
    main()
