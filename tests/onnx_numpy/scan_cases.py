"""Scan: few turns, many, none, from either end."""
import itertools

import numpy as np
from onnx import TensorProto, helper

from case import Case

RNG = np.random.default_rng(19)


def body(width):
    """s' = s / 2 + a; what is collected: s' * b + the first state, which the body takes from outside."""
    def f32(name, dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    nodes = [helper.make_node('Constant', [], ['half'], value_float=0.5), helper.make_node('Mul', ['s', 'half'], ['h']),
             helper.make_node('Add', ['h', 'a'], ['next']), helper.make_node('Mul', ['next', 'b'], ['p']),
             helper.make_node('Add', ['p', 'x0'], ['out'])]
    return helper.make_graph(nodes, 'body', [f32('s', [width]), f32('a', [width]), f32('b', [])],
                             [f32('next', [width]), f32('out', [width])])


def scan(first, a, b, back_a, back_b):
    s, out, turns = first.astype(np.float64), [], len(a)
    for t in range(turns):
        s = s / 2 + a[turns - 1 - t if back_a else t]
        out.append(s * b[turns - 1 - t if back_b else t] + first)
    return s, np.array(out).reshape(turns, len(first))


def plain():
    for turns, back_a, back_b, out_back, axis in itertools.product((0, 1, 5, 72, 100), (0, 1), (0, 1), (0, 1), (0, 1)):
        first = RNG.standard_normal(3).astype(np.float32)
        a, b = RNG.standard_normal((turns, 3)).astype(np.float32), RNG.standard_normal(turns).astype(np.float32)
        last, out = scan(first, a, b, back_a, back_b)
        out = out[::-1] if out_back else out
        yield Case('Scan', [first, a.T.copy() if axis else a, b],
                   [last.astype(np.float32), (out.T if axis else out).astype(np.float32)],
                   {'num_scan_inputs': 2, 'body': body(3), 'scan_input_axes': [axis, 0], 'scan_output_axes': [-axis],
                    'scan_input_directions': [back_a, back_b], 'scan_output_directions': [out_back]}, opset=16)


def batched(lengths, directions):
    def f32(name, dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph([helper.make_node('Add', ['s', 'a'], ['next']), helper.make_node('Neg', ['next'], ['out'])],
                              'body', [f32('s', [2]), f32('a', [2])], [f32('next', [2]), f32('out', [2])])
    first, x = RNG.standard_normal((3, 2)).astype(np.float32), RNG.standard_normal((3, 4, 2)).astype(np.float32)
    last, outs = first.astype(np.float64), np.zeros((3, 4, 2))
    for n in range(3):
        length = 4 if lengths is None else lengths[n]
        for t in range(length):
            last[n] += x[n, length - 1 - t if directions else t]
            outs[n, t] = -last[n]
    return Case('Scan', [None if lengths is None else np.array(lengths), first, x],
                [last.astype(np.float32), outs.astype(np.float32)],
                {'num_scan_inputs': 1, 'body': graph, 'directions': [directions]}, opset=8, fixed=(0, 1, 2))


def finds_extents():
    """Every turn keeps the positive numbers of its entry, however many they are, and adds them to the state."""
    def f32(name, dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    nodes = [helper.make_node('Constant', [], ['zero'], value_float=0.0),
             helper.make_node('Greater', ['a', 'zero'], ['c']), helper.make_node('Compress', ['a', 'c'], ['kept']),
             helper.make_node('ReduceSum', ['kept'], ['sum'], keepdims=0), helper.make_node('Add', ['s', 'sum'], ['next']),
             helper.make_node('Neg', ['next'], ['out'])]
    graph = helper.make_graph(nodes, 'body', [f32('s', []), f32('a', [4])], [f32('next', []), f32('out', [])])
    for turns in (3, 70):
        first, a = np.float32(0.5), RNG.standard_normal((turns, 4)).astype(np.float32)
        sums = 0.5 + np.where(a > 0, a, 0).sum(1, np.float64).cumsum()
        yield Case('Scan', [np.array(first), a], [sums[-1].astype(np.float32), -sums.astype(np.float32)],
                   {'num_scan_inputs': 1, 'body': graph}, opset=16)


def cases():
    yield from plain()
    yield from finds_extents()
    for lengths, directions in itertools.product((None, [4, 2, 0]), (0, 1)):
        yield batched(lengths, directions)
