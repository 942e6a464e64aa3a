#!/usr/bin/env python3
"""The first call at new extents, by what a steady call there takes: PP-OCR's reader of lines at many widths.

  first_call.py BUILD/dist [--threads 1,2] [--batch 1] [--rounds 5]

A side loads the model with open extents, runs at width 320 until it is steady, then at 160, 192, ... 640: once, and
steadily afterwards. Each round begins anew, in processes and sessions of its own. TSV: width, threads, and for Belay and
onnxruntime the medians over the rounds of the first call and of a steady one, in ms, and of their ratio; then the median
over the widths. The exit status is 1 if Belay's is above the bar of 1.5.
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

import numpy as np

import peers

import compare_models

MODEL, INPUT = 'ppocr4_rec', 'x'
WARM = 320
WIDTHS = [w for w in range(160, 641, 32) if w != WARM]
BAR = 1.5
WARM_RUNS, STEADY_RUNS = 10, 7


class Belay(peers.Belay):
    def __init__(self, dist, threads, array, folder):
        super().__init__(dist, compare_models.model_file(MODEL), {INPUT: array}, threads, 'fp32', folder, dynamic=True)
        self.file = os.path.join(folder, 'next.npy')

    def use(self, array):
        np.save(self.file, array)
        self.process.stdin.write(f'inputs {self.file}\n')
        if self.process.stdout.readline() != 'set\n':
            raise RuntimeError('belay bench: no new inputs')


class Onnxruntime:
    def __init__(self, threads, array):
        import onnxruntime as ort
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
        path = compare_models.model_file(MODEL)
        self.session = ort.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        self.use(array)

    def use(self, array):
        self.inputs = {INPUT: array}

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.session.run(None, self.inputs)
        return time.perf_counter() - start

    def close(self):
        pass


def measure(side, arrays):
    """{width: (seconds of the first call, of a steady one)}"""
    side.run(WARM_RUNS)
    seconds = {}
    for width in WIDTHS:
        side.use(arrays[width])
        first = side.run(1)
        seconds[width] = first, statistics.median(side.run(1) for _ in range(STEADY_RUNS))
    side.close()
    return seconds


def measure_rounds(args, threads, arrays):
    """{side: {width: [(first, steady)]}}"""
    found = {name: {width: [] for width in WIDTHS} for name in ('belay', 'onnxruntime')}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, side in (('belay', lambda: Belay(args.dist, threads, arrays[WARM], folder)),
                               ('onnxruntime', lambda: Onnxruntime(threads, arrays[WARM]))):
                for width, pair in measure(side(), arrays).items():
                    found[name][width].append(pair)
    return found


def report(found, threads):
    """Prints a line for each width; {side: median of the ratios}"""
    ratios = {name: [] for name in found}
    for width in WIDTHS:
        line = [str(width), str(threads)]
        for name, by_width in found.items():
            pairs = by_width[width]
            ratios[name].append(statistics.median(first / steady for first, steady in pairs))
            line += [f'{statistics.median(p[k] for p in pairs) * 1e3:.2f}' for k in (0, 1)] + [f'{ratios[name][-1]:.2f}']
        print('\t'.join(line), flush=True)
    medians = {name: statistics.median(values) for name, values in ratios.items()}
    print(f'# {threads} threads: ' + ', '.join(f'{name} {m:.2f}, most {max(ratios[name]):.2f}' for name, m in medians.items()),
          flush=True)
    return medians


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dist')
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    random = np.random.default_rng(20)
    arrays = {w: random.random((args.batch, 3, 48, w), dtype=np.float32) for w in [WARM, *WIDTHS]}
    names = ('belay', 'onnxruntime')
    print('\t'.join(['width', 'threads', *(f'{n}_{what}' for n in names for what in ('first_ms', 'steady_ms', 'ratio'))]))
    medians = [report(measure_rounds(args, threads, arrays), threads)['belay'] for threads in map(int, args.threads.split(','))]
    sys.exit(1 if max(medians) > BAR else 0)


if __name__ == '__main__':
    main()
