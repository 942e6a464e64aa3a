#!/usr/bin/env python3
"""Traces of the belay program: inspection.py BELAY."""
import json
import os

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from support import belay, run_tests, value, write_model


def three_nodes(folder):
    w = numpy_helper.from_array(np.eye(16, dtype=np.float32), 'w')
    nodes = [h.make_node('MatMul', ['x', 'w'], ['y'], name='product'), h.make_node('Relu', ['y'], ['z'], name='positive'),
             h.make_node('Softmax', ['z'], ['s'], name='shares')]
    return write_model(os.path.join(folder, 'm.onnx'), nodes, [value('x', T.FLOAT, (8, 16))], [value('s', T.FLOAT, (8, 16))], [w])


def branches(folder):
    then = h.make_graph([h.make_node('Neg', ['x'], ['t'], name='negated')], 'then', [], [value('t')])
    other = h.make_graph([h.make_node('Exp', ['x'], ['e'], name='raised')], 'else', [], [value('e')])
    nodes = [h.make_node('If', ['c'], ['y'], name='choice', then_branch=then, else_branch=other)]
    return write_model(os.path.join(folder, 'if.onnx'), nodes, [value('c', T.BOOL, ()), value('x')], [value('y')])


def events(file):
    trace = json.load(open(file))
    assert {e['args']['name'] for e in trace['traceEvents'] if e['name'] == 'process_name'} == {'Belay'}
    return [e for e in trace['traceEvents'] if e['ph'] == 'X']


def traces(d):
    model = three_nodes(d)
    belay('run', model, '--trace', d + '/run.json')
    found = events(d + '/run.json')
    assert [e['name'] for e in found] == ['model', 'positive', 'shares'] and [e['cat'] for e in found] == ['run', 'step', 'step'], found
    run, product, shares = found
    assert product['args']['nodes'] == ['product', 'positive'] and product['args']['flops'] == 4096 and 'flops' not in shares['args']
    for step in product, shares:
        assert run['ts'] <= step['ts'] and step['ts'] + step['dur'] <= run['ts'] + run['dur'] + .001 and step['tid'] == run['tid']
    belay('bench', model, '--trace', d + '/bench.json', '--seconds', '0.05')
    assert [e['cat'] for e in events(d + '/bench.json')].count('run') == 10
    belay('run', branches(d), '--trace', d + '/if.json')
    assert {'choice', 'raised'} <= {e['name'] for e in events(d + '/if.json')} or {'choice', 'negated'} <= {e['name'] for e in events(d + '/if.json')}
    done = belay('run', model, '--trace', d + '/no/such/folder.json', code=1)
    assert 'cannot be written' in done.stderr


run_tests((traces,))
