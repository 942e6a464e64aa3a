#!/usr/bin/env python3
"""The belay program as its users call it: cli.py BELAY. Models are made here with the onnx package."""
import glob
import json
import os
import resource
import subprocess

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from support import BELAY, belay, run_tests, save, value, write_model


def two_inputs(folder, dims=('n', 3)):
    return write_model(os.path.join(folder, 'm.onnx'), [h.make_node('Sub', ['a', 'b'], ['y']), h.make_node('Neg', ['y'], ['z'])],
                       [value('a', T.FLOAT, dims), value('b', T.FLOAT, dims)], [value('y', T.FLOAT, dims), value('z', T.FLOAT, dims)])


def run_files_and_outputs(d):
    model = two_inputs(d)
    a, b = np.arange(12, dtype=np.float32).reshape(4, 3), np.full((4, 3), 0.5, np.float32)
    files = ['--input', 'a=' + save(d, 'a.npy', a), '--input', 'b=' + save(d, 'b.npy', b)]
    for flags in [], ['--dynamic'], ['--threads', '1']:
        done = belay('run', model, *files, '--output-dir', d + '/out', *flags)
        assert np.array_equal(np.load(d + '/out/output_0.npy'), a - b)
        assert np.array_equal(np.load(d + '/out/output_1.npy'), b - a)
        lines = done.stdout.splitlines()
        assert len(lines) == 2 and lines[0].startswith('y  f32  4x3  digest '), lines
        assert 'compiling' in done.stderr


def run_shapes_zeros_random(d):
    model = two_inputs(d)
    belay('run', model, '--shape', 'a=5x3', '--shape', 'b=5x3', '--input', 'b=zeros', '--output-dir', d + '/out')
    first = np.load(d + '/out/output_0.npy')
    assert first.shape == (5, 3) and np.all(np.abs(first) <= 1) and len(np.unique(first)) > 10
    same = belay('run', model, '--shape', 'a=5x3', '--shape', 'b=5x3', '--input', 'b=zeros', '--input', 'a=random:1')
    other = belay('run', model, '--shape', 'a=5x3', '--shape', 'b=5x3', '--input', 'b=zeros', '--input', 'a=random:2')
    again = belay('run', model, '--shape', 'a=5x3', '--shape', 'b=5x3', '--input', 'b=zeros')
    assert again.stdout == same.stdout != other.stdout


def run_every_dtype(d):
    for dtype in ('float32', 'float64', 'float16', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64', 'bool'):
        number = h.np_dtype_to_tensor_dtype(np.dtype(dtype))
        model = write_model(d + '/m.onnx', [h.make_node('Identity', ['x'], ['y'])], [value('x', number)], [value('y', number)])
        x = np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
        belay('run', model, '--input', 'x=' + save(d, 'x.npy', x), '--output-dir', d)
        y = np.load(d + '/output_0.npy')
        assert y.dtype == x.dtype and np.array_equal(x, y), dtype


def run_says_what_is_wrong(d):
    model = two_inputs(d)
    wrong = [
        (['--input', 'q=zeros'], 'no such input'),
        (['--shape', 'a=5xx'], 'expected extents'),
        (['--shape', 'a=5x4'], 'fixes it at 3'),
        (['--input', 'a=/nonexistent.npy'], 'nonexistent'),
        (['--input', 'a=' + save(d, 'i.npy', np.zeros((2, 3), np.int32))], "'<i4', but the model takes f32"),
        (['--input', 'a=' + save(d, 'f.npy', np.asfortranarray(np.zeros((2, 3), np.float32)))], 'Fortran'),
        (['--input', 'a=' + model], 'no .npy file'),
        (['--input', 'a=' + save(d, 'r.npy', np.zeros((3,), np.float32))], 'rank 1'),
    ]
    for flags, text in wrong:
        done = belay('run', model, *flags, code=1)
        assert text in done.stderr, (flags, done.stderr)
    missing = write_model(d + '/x.onnx', [h.make_node('Nope', ['a'], ['y'], name='n1', domain='d')], [value('a')], [value('y')])
    m = onnx.load(missing)
    m.opset_import.append(h.make_opsetid('d', 1))
    onnx.save(m, missing)
    done = belay('run', missing, code=1)
    assert '1 operator missing: d::Nope (node n1)' in done.stderr, done.stderr
    belay('run', d + '/absent.onnx', code=1)
    belay('fly', code=106)  # CLI11's number for an unknown command


def broken_model(d):
    """Every kind of problem, each but the last before another."""
    inner = h.make_graph([h.make_node('Unheard', ['a'], ['i'], name='inside')], 'then', [], [value('i')])
    other = h.make_graph([h.make_node('Relu', ['a'], ['e'])], 'else', [], [value('e')])
    twice = h.make_function('my', 'Twice', ['x'], ['y'], [h.make_node('Strange', ['x'], ['t'], name='odd'),
                                                          h.make_node('Add', ['t', 'x'], ['y'], name='sum')], [h.make_opsetid('', 17)])
    nodes = [h.make_node('Mystery', ['a'], ['t0'], name='m1'), h.make_node('Mystery', ['t0'], ['t1'], name='m2'),
             h.make_node('If', ['c'], ['t2'], name='branch', then_branch=inner, else_branch=other),
             h.make_node('Twice', ['a'], ['t3'], name='call', domain='my'),
             h.make_node('Cast', ['a'], ['t4'], name='type', to=77),
             h.make_node('Softmax', ['a'], ['t5'], name='axis', axis=7),
             h.make_node('BitShift', ['t5', 'a'], ['t6'], name='dtype', direction='LEFT'),
             h.make_node('Concat', ['t6', 'a'], ['t7'], name='list', axis=5)]
    graph = h.make_graph(nodes, 'g', [value('a'), value('c', T.BOOL, ())], [value(f't{k}') for k in range(8)])
    model = h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid('', 17), h.make_opsetid('my', 1)], functions=[twice])
    onnx.save(model, d + '/broken.onnx')
    return d + '/broken.onnx'


def check_names_everything(d):
    model = broken_model(d)
    report = json.loads(belay('check', model, '--json', code=1).stdout)
    assert not report['compiles'] and report['deferred'] == [] and len(report['unchecked']) == 1, report
    found = {(p['node'], p['kind']) for p in report['problems']}
    missing = {(n, 'missing operator') for n in ('m1', 'm2', 'inside', 'call#1/odd')}
    assert missing <= found and {n for n, _ in found - missing} == {'type', 'axis', 'dtype', 'list'}, found
    lines = belay('check', model, code=1).stdout.splitlines()
    assert 'ONNX node branch (If): ONNX node inside (Unheard): the operator is missing' in lines, lines
    assert any("'dtype'" in line and 'must be one of' in line for line in lines) and lines[-1].endswith('8 problems'), lines
    said = belay('run', model, code=1).stderr
    assert '3 operators missing: Mystery (node m1, m2), Strange (node call#1/odd), Unheard (node inside)' in said, said


def check_agrees_with_compiling(d):
    model = two_inputs(d)
    assert belay('check', model).stdout == f'{model}: compiles\n'
    belay('check', model, '--shape', 'a=5x3', '--shape', 'b=5x3')
    assert 'fixes it at 3' in belay('check', model, '--shape', 'a=5x4', code=1).stdout
    assert 'expected NAME=' in belay('check', model, '--shape', 'a', code=1).stderr
    assert 'No such file' in belay('check', d + '/absent.onnx', code=1).stdout
    # Only a call knows the axes, and the rank behind them: that compiles, but not before the call.
    late = write_model(d + '/late.onnx', [h.make_node('ReduceSum', ['x', 'axes'], ['y'], name='sum', keepdims=0), h.make_node('Relu', ['y'], ['z'])],
                       [value('x'), value('axes', T.INT64, ('n',))], [h.make_tensor_value_info('z', T.FLOAT, None)])
    report = json.loads(belay('check', late, '--json').stdout)
    assert report['compiles'] and 'sum' in report['deferred'][0] and len(report['unchecked']) == 1, report


def bench_numbers(d):
    model = two_inputs(d, (64, 64))
    done = belay('bench', model, '--json', '--seconds', '0.1', '--threads', '1')
    report = json.loads(done.stdout)
    for key in ('median_ms', 'p10_ms', 'p90_ms', 'call_us', 'parse_s', 'compile_s', 'load_s', 'resident_mib', 'peak_mib'):
        assert report[key] > 0, key
    assert report['p10_ms'] <= report['median_ms'] <= report['p90_ms'] and report['runs'] >= 10
    assert report['callers'] == 1 and report['runs_per_s'] > 0
    both = json.loads(belay('bench', model, '--json', '--seconds', '0.1', '--threads', '1', '--callers', '2').stdout)
    assert both['callers'] == 2 and both['runs'] >= 20, both
    assert 'callers' in belay('bench', model, '--callers', '0', code=105).stderr
    text = belay('bench', model, '--seconds', '0.1').stdout
    assert 'median_ms' in text and 'all cores' in text


def explain_steps(d):
    x, w = h.make_node('MatMul', ['x', 'w'], ['y'], name='product'), np.eye(16, dtype=np.float32)
    nodes = [x, h.make_node('Relu', ['y'], ['z'], name='positive'), h.make_node('Softmax', ['z'], ['s'], name='shares')]
    model = write_model(os.path.join(d, 'm.onnx'), nodes, [value('x', T.FLOAT, (8, 16))], [value('s', T.FLOAT, (8, 16))],
                        [numpy_helper.from_array(w, 'w')])
    product, shares = json.loads(belay('explain', model, '--json', '--threads', '1').stdout)['steps']
    assert product['flops'] == 2 * 8 * 16 * 16 and product['us'] > 0 and shares['flops'] == 0
    assert product['nodes'] == ['product', 'positive'] and shares['nodes'] == ['shares']
    assert product['bytes'] == 4 * (8 * 16 + 16 * 16 + 8 * 16) and shares['note'] == 'an output of the graph'
    lines = belay('explain', model, '--by-time', '--runs', '3').stdout.splitlines()
    assert lines[-1].startswith('total') and sum('positive' in line for line in lines) == 1, lines
    assert 'constants in the order of their kernels' in belay('explain', model, '--memory').stdout


def bench_turns(d):
    model = two_inputs(d)
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    p = subprocess.Popen([BELAY, 'bench', model, '--turns', '--input', 'a=' + save(d, 'a.npy', a), '--input', 'b=' + save(d, 'b.npy', a)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(line):
        p.stdin.write(line + '\n')
        p.stdin.flush()
        return p.stdout.readline().strip()
    word, seconds = p.stdout.readline().split()
    assert word == 'ready' and float(seconds) > 0
    assert float(ask('run 3')) > 0
    assert ask(f'save {d}/turn') == 'saved'
    assert sorted(os.listdir(d + '/turn')) == ['output_0.npy', 'output_1.npy']
    assert not np.load(d + '/turn/output_0.npy').any()
    assert float(ask('run 1')) > 0
    p.stdin.close()
    assert p.wait(30) == 0


def case_folder(d, name, nodes, inputs, outputs, sets, initializers=(), opset=17):
    folder = os.path.join(d, 'cases', 'node', name)
    os.makedirs(folder)
    write_model(folder + '/model.onnx', nodes, inputs, outputs, initializers, opset)
    for n, arrays in enumerate(sets):
        os.makedirs(f'{folder}/test_data_set_{n}')
        for m, array in arrays.items():
            with open(f'{folder}/test_data_set_{n}/input_{m}.pb', 'wb') as f:
                f.write(numpy_helper.from_array(array).SerializeToString())


def result(d, name, n=0, m=0):
    t = onnx.TensorProto()
    t.ParseFromString(open(f'{d}/out/node/{name}/test_data_set_{n}/output_{m}.pb', 'rb').read())
    return t.name, numpy_helper.to_array(t)


def cases_run_and_refuse(d):
    x, z = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((4, 3), np.float32)
    w = numpy_helper.from_array(np.full((2, 3), 10, np.float32), 'w')
    add = [h.make_node('Add', ['x', 'w'], ['y'])]
    case_folder(d, 'two_sets', [h.make_node('Relu', ['x'], ['y'])], [value('x', T.FLOAT, ('n', 3))], [value('y', T.FLOAT, ('n', 3))],
                [{0: x}, {0: z}])
    case_folder(d, 'default_used', add, [value('w'), value('x')], [value('y')], [{1: x}], [w])
    case_folder(d, 'default_replaced', add, [value('w'), value('x')], [value('y')], [{0: x, 1: x}], [w])
    case_folder(d, 'no_input_file', add, [value('x'), value('w')], [value('y')], [{0: x}])
    case_folder(d, 'missing_operator', [h.make_node('Relu', ['x'], ['t']), h.make_node('Mystery', ['t'], ['y'], name='m')],
                [value('x')], [value('y')], [{0: x}])
    open(d + '/cases/readme.txt', 'w').write('not a case')
    done = belay('cases', d + '/cases', d + '/out', '--jobs', 2)
    assert done.stdout.splitlines()[-1] == '5 cases: 3 ran, 2 refused, 0 crashed, 0 timed out', done.stdout
    assert np.array_equal(result(d, 'two_sets')[1], x) and result(d, 'two_sets')[0] == 'y'
    assert np.array_equal(result(d, 'two_sets', 1)[1], z)
    assert np.array_equal(result(d, 'default_used')[1], x + 10)
    assert np.array_equal(result(d, 'default_replaced')[1], x + x)
    error = open(d + '/out/node/missing_operator/error.txt').read()
    assert error.startswith('refused: ') and 'Mystery (node m)' in error, error
    assert open(d + '/out/node/no_input_file/error.txt').read().startswith('refused: ')
    assert not glob.glob(d + '/out/node/missing_operator/test_data_set_0/*')
    only = belay('cases', d + '/cases', d + '/out2', '--only', 'two_*').stdout
    assert only.startswith('1 cases: 1 ran') and os.listdir(d + '/out2/node') == ['two_sets']


def cases_crash_and_time_out(d):
    big = np.zeros((1024, 1024), np.float32)
    case_folder(d, 'big', [h.make_node('Relu', ['x'], ['y'])], [value('x', T.FLOAT, big.shape)], [value('y', T.FLOAT, big.shape)], [{0: big}])
    # Writing the output kills the child: SIGXFSZ, 25.
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    done = belay('cases', d + '/cases', d + '/out', preexec_fn=limit)
    assert '0 ran, 0 refused, 1 crashed, 0 timed out' in done.stdout, done.stdout
    assert open(d + '/out/node/big/error.txt').read() == 'crashed: signal 25\n'
    done = belay('cases', d + '/cases', d + '/out', '--timeout', '0.000001')
    assert '1 timed out' in done.stdout, done.stdout
    assert open(d + '/out/node/big/error.txt').read() == 'timed out\n'
    done = belay('cases', d + '/cases', d + '/out')  # nothing old is left
    assert '1 ran' in done.stdout and not os.path.exists(d + '/out/node/big/error.txt')


def ops_and_doctor(d):
    lines = [line.split('\t') for line in belay('ops').stdout.splitlines()]
    table = {line[0]: line for line in lines[1:-1]}
    assert len(table) > 1800 and table['Add'][1:] == ['computing', 'Add'], table['Add']
    assert any(line[1] == 'declared' for line in table.values())
    assert 'declared' in lines[-1][0]
    computing = belay('ops', '--computing').stdout.splitlines()
    assert 50 < len(computing) < len(table)
    doctor = belay('doctor').stdout
    assert 'self-test: an addition' in doctor and 'kernels: ' in doctor and 'fail' not in doctor, doctor
    forced = belay('doctor', env=dict(os.environ, BELAY_CPU='nonsense')).stdout
    assert 'note' in forced and 'BELAY_CPU=nonsense' in forced


run_tests((run_files_and_outputs, run_shapes_zeros_random, run_every_dtype, run_says_what_is_wrong, check_names_everything,
           check_agrees_with_compiling, bench_numbers, bench_turns, explain_steps, cases_run_and_refuse, cases_crash_and_time_out, ops_and_doctor))
