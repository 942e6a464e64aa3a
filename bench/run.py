#!/usr/bin/env python3
"""Latency of Belay and of its peers on the models of tests/models, taking turns in one run.

  run.py BUILD/dist [--threads 1,2] [--precision fp32|bf16|int8] [--open] [--rounds 9] [--ledger FILE]
         [--base OTHER/dist] [CASE...]

TSV: case, threads, each side's median ms, the faster peer, the median of the paired ratios (peer / Belay: above 1,
Belay is faster) with its quartiles, Belay's load time in s, nothing taken from disk; then the geometric mean for each
number of threads. --precision bf16: Belay and OpenVINO are told to take it; int8: quantised models. --open: models
with open extents stay so for all sides; else Belay and OpenVINO compile for the inputs (onnxruntime never does).
--base: against another build of Belay instead of the peers. --ledger: adds the lines, with date, processor and commit,
to a file. The figures are this machine's: compare only what one run printed.
"""
import argparse
import datetime
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile

import onnx

import peers
import quantized
import turns

import compare_models

TURN_SECONDS = 0.15
SET = ('resnet50', 'resnet50_b8', 'mobilenetv2', 'mobilenetv2_b8', 'efficientnet_b0', 'bert_base_s128', 'bert_base_s384',
       'minilm_s64', 'llama110m_prefill128', 'llama110m_decode256', *compare_models.TRAINED)
QUANTIZED_SET = ('resnet50', 'mobilenetv2', 'bert_base_s128')
# Where the extents that tests take would measure little.
EXTENTS = {'ppocr4_det': {'x': [1, 3, 640, 640]}, 'ppocr4_rec': {'x': [6, 3, 48, 320]}, 'ppocr_cls': {'x': [1, 3, 48, 192]}}
LEDGER = 'date\tprocessor\tcommit\tprecision\tcase\tthreads\tbelay_ms\tpeer\tpeer_ms\tratio\tquartiles\tload_s\n'


def measure(args, case, threads):
    """A line of the ledger from `case` on, as a dictionary."""
    models = quantized if args.precision == 'int8' else compare_models
    path, inputs = models.model_file(case), compare_models.make_inputs(case, EXTENTS.get(case))
    with tempfile.TemporaryDirectory() as folder:
        sides = peers.load_sides(args.dist, args.base, path, inputs, threads, args.precision, folder, args.open)
        working = {name: side for name, side in sides.items() if not isinstance(side, str)}
        for name in sides.keys() - working.keys():
            print(f'# {case}: {name}: {sides[name]}', flush=True)
        if 'belay' not in working or len(working) < 2:
            return None
        seconds = turns.take_turns(working, args.rounds, TURN_SECONDS)
        load = working['belay'].load_seconds
        for side in working.values():
            side.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    best = min((name for name in medians if name != 'belay'), key=medians.get)
    ratio, quartiles = turns.paired_ratio(seconds['belay'], seconds[best])
    return {'case': case, 'threads': threads, 'medians': medians, 'best': best, 'ratio': ratio, 'quartiles': quartiles,
            'load': load}


def is_open(case):
    """The model's file leaves some extents open."""
    graph = onnx.load(compare_models.model_file(case), load_external_data=False).graph
    constants = {c.name for c in graph.initializer}
    return any(not d.HasField('dim_value') or d.dim_value < 0 for info in graph.input if info.name not in constants
               for d in info.type.tensor_type.shape.dim)


def processor():
    with open('/proc/cpuinfo') as f:
        names = [line.split(':', 1)[1].strip() for line in f if line.startswith('model name')]
    return f'{names[0] if names else "unknown"} ({len(names)} cores)'


# Of all but the ledger, which grows as cases are measured.
def commit():
    git = ['git', '-C', os.path.dirname(os.path.abspath(__file__))]
    head = subprocess.run([*git, 'describe', '--always'], capture_output=True, text=True).stdout.strip()
    clean = subprocess.run([*git, 'diff', '--quiet', 'HEAD', '--', ':/', ':(top,exclude)bench/ledger.tsv'])
    return f'{head}{"-dirty" if clean.returncode else ""}' if head else 'unknown'


def add_to_ledger(path, row, precision):
    new = not os.path.exists(path)
    with open(path, 'a') as f:
        f.write(LEDGER if new else '')
        f.write(f'{datetime.date.today()}\t{processor()}\t{commit()}\t{precision}\t{row["case"]}\t{row["threads"]}'
                f'\t{row["medians"]["belay"] * 1e3:.3f}\t{row["best"]}\t{row["medians"][row["best"]] * 1e3:.3f}'
                f'\t{row["ratio"]:.3f}\t{row["quartiles"]}\t{row["load"]:.2f}\n')


def compare(args, names, threads):
    peers.share_cores(threads)
    ratios = []
    for case in args.cases or (QUANTIZED_SET if args.precision == 'int8' else SET):
        if args.open and not is_open(case):
            continue
        row = measure(args, case, threads)
        if row is None:
            continue
        ratios.append(row['ratio'])
        times = [f'{row["medians"][n] * 1e3:.3f}' if n in row['medians'] else '-' for n in names]
        print('\t'.join([case, str(threads), *times, row['best'], f'{row["ratio"]:.2f}', row['quartiles'],
                         f'{row["load"]:.2f}']), flush=True)
        if args.ledger:
            add_to_ledger(args.ledger, row, args.precision + (' open' if args.open else ''))
    if ratios:
        mean = math.exp(statistics.mean(map(math.log, ratios)))
        print(f'# {threads} threads: geometric mean {mean:.3f} of {len(ratios)}, least {min(ratios):.2f}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dist')
    parser.add_argument('cases', nargs='*')
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('--precision', choices=('fp32', 'bf16', 'int8'), default='fp32')
    parser.add_argument('--open', action='store_true')
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--ledger')
    parser.add_argument('--base')
    args = parser.parse_intermixed_args()
    names = ['belay'] + (['base'] if args.base else ['onnxruntime', 'openvino'])
    print('\t'.join(['case', 'threads', *(f'{n}_ms' for n in names), 'best', 'ratio', 'quartiles', 'load_s']), flush=True)
    for threads in map(int, args.threads.split(',')):
        # A process of its own: OpenVINO asks once for the cores it may use.
        child = multiprocessing.Process(target=compare, args=(args, names, threads))
        child.start()
        child.join()
        if child.exitcode != 0:
            sys.exit(1)


if __name__ == '__main__':
    main()
