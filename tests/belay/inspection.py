#!/usr/bin/env python3
"""Graph dumps, traces and pages of the belay program: inspection.py BELAY."""
import glob
import html.parser
import json
import os
import re

import numpy as np
import onnx
from google.protobuf import text_format
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from ge_proto import model_def
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


def dump(folder, model, content='2', level='', path='dumps', **more):
    env = dict(os.environ, DUMP_GE_GRAPH=content, DUMP_GRAPH_LEVEL=level, DUMP_GRAPH_PATH=os.path.join(folder, path), **more)
    return belay('run', model, env=env)


def dumped(folder, pattern='*', path='dumps'):
    return sorted(glob.glob(os.path.join(folder, path, 'pid_*_deviceid_0', pattern)))


def kinds(folder):
    """Names of the files without their numbers, in the order of these."""
    names = sorted((os.path.basename(f) for f in dumped(folder)), key=lambda n: re.search(r'_(\d{8})_', n)[1] + n)
    return [re.sub(r'_\d{8}_graph_1_', ' ', name) for name in names]


def read_onnx(file):
    model = onnx.ModelProto()
    text_format.Parse(open(file).read(), model)
    onnx.checker.check_model(model)
    return model


def read_ge(file):
    model = model_def()()
    text_format.Parse(open(file).read(), model)
    return model


def dump_forms(d):
    model = three_nodes(d)
    dump(d, model)
    assert kinds(d) == ['ge_onnx PreRunBegin.pbtxt', 'ge_proto PreRunBegin.txt', 'ge_onnx PreRunAfterInferShape.pbtxt',
                        'ge_proto PreRunAfterInferShape.txt', 'ge_onnx Build.pbtxt', 'ge_proto Build.txt', 'ge_belay Build.json'], kinds(d)
    begin, inferred, build = (read_onnx(dumped(d, f'ge_onnx*_{stage}.pbtxt')[0]) for stage in ('PreRunBegin', 'PreRunAfterInferShape', 'Build'))
    nodes = {n.name: n for n in begin.graph.node}
    assert nodes['positive'].op_type == 'Relu' and nodes['positive'].input == ['product:0'] and nodes['positive'].domain == 'ge'
    assert [i.name for i in begin.graph.input] == ['x:0'] and [o.name for o in begin.graph.output] == ['shares:0']
    shape = inferred.graph.output[0].type.tensor_type
    assert shape.elem_type == T.FLOAT and [x.dim_value for x in shape.shape.dim] == [8, 16]
    steps = {n.name: n for n in build.graph.node if n.op_type == 'Kernel'}
    assert sorted(steps) == ['positive', 'shares'], sorted(steps)
    attributes = {a.name: h.get_attribute_value(a) for a in steps['positive'].attribute}
    assert attributes['nodes'] == [b'product', b'positive'] and attributes['flops'] == 2 * 8 * 16 * 16, attributes
    ge = read_ge(dumped(d, 'ge_proto*_PreRunAfterInferShape.txt')[0])
    ops = {op.name: op for op in ge.graph[0].op}
    assert ge.graph[0].output == ['shares:0'] and ops['shares'].type == 'SoftmaxV2' and ops['shares'].input == ['positive:0']
    desc = ops['positive'].output_desc[0]
    assert desc.name == 'y' and desc.dtype == 1 and desc.shape.dim == [8, 16] and desc.layout == 'ND'


def constants(files):
    ops = [op for file in files for graph in read_ge(file).graph for op in graph.op if op.type == 'Const']
    return [attr.value.t for op in ops for attr in op.attr if attr.key == 'value']


def dump_contents(d):
    model = three_nodes(d)
    for content, data in ('1', np.eye(16, dtype=np.float32).tobytes()), ('2', b''):
        dump(d, model, content, '4', content)
        assert [t.data for t in constants(dumped(d, 'ge_proto*', content))] == [data]
    tensors = [a.t for n in read_onnx(dumped(d, 'ge_onnx*', '1')[0]).graph.node for a in n.attribute if a.name == 'value']
    assert np.array_equal(numpy_helper.to_array(tensors[0]), np.eye(16))
    dump(d, model, '3', '4', '3')
    ops = read_ge(dumped(d, 'ge_proto*', '3')[0]).graph[0].op
    assert {op.type for op in ops} >= {'Relu', 'SoftmaxV2'} and not any(op.attr or op.output_desc for op in ops)
    assert not any(n.attribute for n in read_onnx(dumped(d, 'ge_onnx*', '3')[0]).graph.node)


def dump_levels(d):
    model = branches(d)
    for level in '1234':
        os.makedirs(d + '/' + level)
        dump(d + '/' + level, model, level=level)
    all_stages = {'PreRunBegin', 'PreRunAfterInferShape', 'Build'}
    stages = lambda level: {re.sub(r'.*_graph_1_|\.txt', '', os.path.basename(f)) for f in dumped(d + '/' + level, 'ge_proto*')}
    parts = {f'{s}_sub_graph_choice_{b}' for s in all_stages for b in ('then_branch', 'else_branch')}
    assert stages('1') == all_stages | parts and stages('2') == all_stages, stages('1')
    assert stages('3') == {'Build'} and stages('4') == {'PreRunBegin'}
    assert not dumped(d + '/4', '*.json') and dumped(d + '/3', '*.json')
    for file in dumped(d + '/1', '*.pbtxt'):
        read_onnx(file)
    root = read_ge(dumped(d + '/2', 'ge_proto*PreRunBegin.txt')[0])
    assert len(root.graph) == 3 and {op.type for graph in root.graph[1:] for op in graph.op} >= {'Neg', 'Exp'}
    choice = next(n for n in read_onnx(dumped(d + '/2', 'ge_onnx*Build.pbtxt')[0]).graph.node if n.op_type == 'If')
    assert {a.name for a in choice.attribute if a.type == onnx.AttributeProto.GRAPH} == {'then_branch', 'else_branch'}


def dump_bad_values(d):
    model, log = three_nodes(d), {'ASCEND_GLOBAL_LOG_LEVEL': '2'}
    done = dump(d, model, '7', **log)
    assert "DUMP_GE_GRAPH is '7', but takes 1 to 3: no graph is dumped" in done.stderr and not os.path.exists(d + '/dumps'), done.stderr
    dump(d, model, '0')
    assert not os.path.exists(d + '/dumps')
    done = dump(d, model, '2', 'x', **log)
    assert "DUMP_GRAPH_LEVEL is 'x', but takes 1 to 4: 2 is used" in done.stderr and len(dumped(d)) == 7
    open(d + '/file', 'w').close()
    done = dump(d, model, path='file', **log)
    assert 'graph 1 is dumped no further' in done.stderr and 'cannot be made' in done.stderr and done.stdout.startswith('s  f32'), done.stderr
    env = {k: v for k, v in os.environ.items() if k not in ('DUMP_GRAPH_PATH', 'ASCEND_WORK_PATH')}
    belay('run', model, env=dict(env, DUMP_GE_GRAPH='3', DUMP_GRAPH_LEVEL='4'), cwd=d)
    assert len(glob.glob(d + '/ge_proto_00000000_graph_1_PreRunBegin.txt')) == 1
    belay('run', model, env=dict(env, DUMP_GE_GRAPH='3', ASCEND_WORK_PATH=d + '/work'))
    assert dumped(d, path='work')


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


class Page(html.parser.HTMLParser):
    """Tags in their order, what they refer to, and the data."""
    VOID = {'meta', 'input', 'link', 'br', 'img', 'hr'}

    def __init__(self, file):
        super().__init__()
        self.open, self.references, self.ids, self.data, self.title = [], [], set(), None, ''
        text = open(file, encoding='utf-8').read()
        assert not re.search(r'(https?:)?//(?!www\.w3\.org/2000/svg)[a-z0-9-]+\.[a-z]', text), 'an address outside the page'
        assert 'import(' not in text and 'fetch(' not in text and '@import' not in text and 'url(' not in text
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.references += [attrs[name] for name in ('src', 'href') if name in attrs]
        self.ids.add(attrs.get('id'))
        if tag not in self.VOID:
            self.open.append((tag, attrs))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1][0] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, text):
        tag, attrs = self.open[-1] if self.open else ('', {})
        if attrs.get('id') == 'data':
            self.data = json.loads(text)
        self.title += text if tag == 'title' else ''


def pages(d):
    model = three_nodes(d)
    belay('view', model, '-o', d + '/page.html', '--runs', 3)
    page = Page(d + '/page.html')
    assert not page.references and page.title == 'm.onnx' and {'graph', 'details', 'chart', 'search', 'data'} <= page.ids
    data = page.data
    assert {n['name'] for n in data['graph']['model']['nodes']} >= {'x', 'product', 'positive', 'shares'}
    shares = next(n for n in data['graph']['model']['nodes'] if n['name'] == 'shares')
    assert shares['type'] == 'SoftmaxV2' and shares['outputs'] == ['f32[8,16]'] and 'ONNX node' in shares['origin'], shares
    plan = data['graph']['variants'][0]
    assert [s['node'] for s in plan['steps']] == ['positive', 'shares'] and plan['steps'][0]['nodes'] == ['product', 'positive']
    assert 'contract(' in plan['steps'][0]['body'] and plan['arena_bytes'] == 512
    scratch = [s for s in plan['slots'] if s['kind'] == 'scratch']
    assert len(scratch) == 1 and scratch[0]['bytes'] == 512 and scratch[0]['offset'] == 0 and scratch[0]['alive'] == [0, 1], scratch
    assert [r['name'] for r in data['timeline']] == ['positive', 'shares'] and data['timeline'][0]['start_us'] == 0
    assert [r['flops'] for r in data['steps']] == [4096, 0] and all(r['us'] >= 0 for r in data['steps'])


def pages_of_other_models(d):
    belay('view', branches(d), '-o', d + '/if.html', '--runs', 2)
    plan = Page(d + '/if.html').data['graph']['variants'][0]
    assert plan['steps'][0]['kind'] == 'if' and len(plan['steps'][0]['branches']) == 2 and 'arena_bytes' not in plan
    name = '</script><script>alert("@DATA@")'
    model = write_model(d + '/bad & <odd>.onnx', [h.make_node('Neg', ['x'], ['y'], name=name)], [value('x', T.FLOAT, ('n', 3))],
                        [value('y', T.FLOAT, ('n', 3))])
    belay('view', model, '--dynamic', '--shape', 'x=7x3', '-o', d + '/odd.html', '--runs', 1)
    page = Page(d + '/odd.html')
    assert page.title == 'bad & <odd>.onnx' and page.data['graph']['static'] is False
    assert page.data['graph']['variants'][-1]['steps'][0]['node'] == name
    assert any(s.get('bytes') == 84 for s in page.data['graph']['variants'][-1]['slots'])


def pages_of_dumps(d):
    dump(d, three_nodes(d))
    for source in d, dumped(d, '*.json')[0]:
        belay('view', source, '-o', d + '/page.html')
        data = Page(d + '/page.html').data
        assert data['title'] == 'model' and len(data['graph']['variants'][0]['steps']) == 2 and 'timeline' not in data
    open(d + '/other.json', 'w').write('{}')
    os.makedirs(d + '/empty')
    for args, text in ([d + '/other.json'], 'is no graph'), ([d + '/empty'], 'has no ge_belay_'), ([d + '/absent.json'], 'absent.json'), \
            ([d + '/absent.onnx'], 'absent.onnx'):
        assert text in belay('view', *args, '-o', d + '/x.html', code=1).stderr
    assert 'cannot be written' in belay('view', d, '-o', d + '/no/such/page.html', code=1).stderr
    assert not os.path.exists(d + '/x.html')


run_tests((dump_forms, dump_contents, dump_levels, dump_bad_values, traces, pages, pages_of_other_models, pages_of_dumps))
