#!/usr/bin/env python3
"""Latency of single operators, Belay against onnxruntime, taking turns in one run.

  ops.py BUILD/dist [--rounds 5] [--base OTHER/dist] [CASE...]

bench/ops.tsv has a case a line: its name; an ONNX node as onnx.parser reads it; its inputs; and, for a case that is slower
than a fifth of onnxruntime's speed, the reason. `x:f32[2,3]` is an input of the run, `w=f32[2,3]` a constant;
`k=i64{1,2}` and `k=i64[]{1}` are constants of these values. Random values are normal; `~unit` or another kind of
compare_models.make_input says otherwise, `~small` is a tenth of normal.

What is measured: a whole run of a model of this one node with 1 thread, the cost of a call included, which is most of it
where the node does little. onnxruntime is called from Python, a few microseconds a call, and allocates its outputs; Belay
times its calls itself and writes into memory of the caller. Values that are constants are prepared before.

TSV: case, each side's median in us, the median of the paired ratios (onnxruntime / Belay: above 1, Belay is faster) with
its quartiles. Then the counts, and the cases below 0.2 with their reasons; the exit status is 1 if one has none, or if a
reason is given and the ratio is above 0.5, so that it may go. --base: against another build of Belay instead.
"""
import argparse
import math
import os
import re
import statistics
import sys
import tempfile

import numpy as np
import onnx
import onnx.parser

import peers
import turns

import compare_models

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ops.tsv')
TURN_SECONDS = 0.03
SLOW, NO_LONGER_SLOW = 0.2, 0.5
OPSETS = (21, onnx.defs.onnx_opset_version(), 9)  # the first that has the operator: peers know old ones best
DTYPES = {'bool': 'bool', 'u8': 'uint8', 'i8': 'int8', 'i32': 'int32', 'i64': 'int64', 'f16': 'float16', 'f32': 'float32',
          'f64': 'float64'}
INPUT = re.compile(r'(?P<name>\w+)(?P<role>[:=])(?P<dtype>\w+)(\[(?P<shape>[\d,]*)\])?(\{(?P<values>[^}]*)\})?'
                   r'(~(?P<kind>\S+))?$')


def read_table():
    """{case: {node, inputs, reason}}"""
    with open(TABLE) as f:
        lines = [line.rstrip('\n').split('\t') for line in f]
    rows = [dict(zip(lines[0], line + [''] * 4)) for line in lines[1:]]
    return {row.pop('case'): row for row in rows}


def read_input(text, random):
    """Name, whether it is an input of the run, and its array."""
    part = INPUT.match(text)
    if part is None:
        raise ValueError(f'bench/ops.tsv: cannot read the input {text}')
    dtype, shape = DTYPES[part['dtype']], part['shape']
    extents = [int(d) for d in shape.split(',') if d] if shape is not None else None
    if part['values'] is not None:
        array = np.array([float(v) for v in part['values'].split(',')]).astype(dtype)
        array = array if extents is None else array.reshape(extents)
    elif part['kind'] == 'small':
        array = np.asarray(0.1 * random.standard_normal(extents)).astype(dtype)
    else:
        array = compare_models.make_input([dtype, extents, part['kind'] or 'norm'], random)
    return part['name'], part['role'] == ':', array


def opset_of(op_type):
    for version in OPSETS:
        try:
            if not onnx.defs.get_schema(op_type, version).deprecated:
                return version
        except onnx.defs.SchemaError:
            pass
    raise ValueError(f'bench/ops.tsv: onnx has no operator {op_type}')


def make_model(row):
    """The model of one node, and the inputs of the run."""
    random = np.random.default_rng(20)
    node = onnx.parser.parse_node(row['node'])
    inputs, infos, constants = {}, [], []
    for name, is_input, array in (read_input(text, random) for text in row['inputs'].split()):
        if is_input:
            inputs[name] = array
            infos.append(onnx.helper.make_tensor_value_info(
                name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
        else:
            constants.append(onnx.numpy_helper.from_array(array, name))
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output]
    graph = onnx.helper.make_graph([node], 'op', infos, outputs, constants)
    opset = onnx.helper.make_opsetid('', opset_of(node.op_type))
    model = onnx.helper.make_model(graph, opset_imports=[opset])
    model.ir_version = 10
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    for output in inferred.graph.output:
        if not output.type.HasField('tensor_type'):  # operators that are ONNX functions: as the first input
            output.type.CopyFrom(infos[0].type)
    return inferred, inputs


def measure(args, case, row):
    """{us of each side, ratio, quartiles}, or None where a side does not run it."""
    model, inputs = make_model(row)
    peers.share_cores(1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'op.onnx')
        onnx.save(model, path)
        makers = {'belay': lambda: peers.Belay(args.dist, path, inputs, 1, 'fp32', folder),
                  'base': lambda: peers.Belay(args.base, path, inputs, 1, 'fp32', folder),
                  'onnxruntime': lambda: peers.onnxruntime(path, inputs, 1)}
        names = ('belay', 'base' if args.base else 'onnxruntime')
        sides = peers.started({name: makers[name] for name in names})
        missing = {name: side for name, side in sides.items() if isinstance(side, str)}
        for name, why in missing.items():
            print(f'# {case}: {name}: {why}', flush=True)
        seconds = None if missing else turns.take_turns(sides, args.rounds, TURN_SECONDS)
        for side in sides.values():
            if not isinstance(side, str):
                side.close()
    if missing:
        return None
    ratio, quartiles = turns.paired_ratio(*(seconds[name] for name in names))
    return {'us': [statistics.median(seconds[name]) * 1e6 for name in names], 'ratio': ratio, 'quartiles': quartiles}


def summarise(table, ratios):
    """Prints it; the number of complaints."""
    values = list(ratios.values())
    mean = math.exp(statistics.mean(map(math.log, values)))
    print(f'# {len(values)} cases, geometric mean {mean:.2f}: {sum(v >= 1 for v in values)} at least 1, '
          f'{sum(v < 0.5 for v in values)} below 0.5, {sum(v < SLOW for v in values)} below {SLOW}')
    complaints = 0
    for case, ratio in sorted(ratios.items(), key=lambda item: item[1]):
        reason = table[case]['reason']
        if ratio < SLOW:
            print(f'# slow: {case} {ratio:.3f}: {reason or "NO REASON GIVEN"}')
            complaints += not reason
        elif reason and ratio > NO_LONGER_SLOW:
            print(f'# no longer slow: {case} {ratio:.2f}: {reason}')
            complaints += 1
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dist')
    parser.add_argument('cases', nargs='*')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--base')
    args = parser.parse_intermixed_args()
    table, ratios = read_table(), {}
    print('\t'.join(['case', 'belay_us', 'base_us' if args.base else 'onnxruntime_us', 'ratio', 'quartiles']), flush=True)
    for case in args.cases or table:
        row = measure(args, case, table[case])
        if row is not None:
            ratios[case] = row['ratio']
            print('\t'.join([case, *(f'{us:.1f}' for us in row['us']), f'{row["ratio"]:.2f}', row['quartiles']]), flush=True)
    sys.exit(1 if ratios and summarise(table, ratios) and not args.base else 0)


if __name__ == '__main__':
    main()
