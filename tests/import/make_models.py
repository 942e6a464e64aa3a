#!/usr/bin/env python3
"""Writes the models of this folder with the onnx package: make_models.py OUT. The files are committed; run it to change them."""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

OUT = sys.argv[1]


def save(name, model):
    onnx.save(model, os.path.join(OUT, name))


def model(graph, opset=17, **more):
    return h.make_model(graph, ir_version=more.pop('ir_version', 8), opset_imports=[h.make_opsetid('', opset)] +
                        [h.make_opsetid(d, 1) for d in more.pop('domains', [])], producer_name='', **more)


def value(name, dtype=T.FLOAT, dims=(2,)):
    return h.make_tensor_value_info(name, dtype, dims)


def dtypes():
    """Each tensor twice: as raw bytes and in the typed field that ONNX names for it."""
    tensors = []
    for name in ('FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 BOOL FLOAT16 DOUBLE UINT32 UINT64 COMPLEX64 COMPLEX128 '
                 'BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 FLOAT4E2M1 UINT2 INT2').split():
        number = getattr(T, name)
        dtype = h.tensor_dtype_to_np_dtype(number)
        values = np.array([1, 0, 1, 0, 1] if name == 'BOOL' else [0, 1, 1, 0, 1] if 'UINT2' in name or 'INT2' == name
                          else [0, 1, 2, 3, 1], dtype)
        tensors.append(onnx.numpy_helper.from_array(values, name + '/raw'))
        flat = values if values.dtype.kind == 'c' or values.dtype.itemsize > 2 else values.astype(np.float32)
        tensors.append(h.make_tensor(name + '/typed', number, values.shape, flat))
    tensors.append(h.make_tensor('STRING/typed', T.STRING, [2], [b'one', b'two']))
    outputs = [value(t.name, t.data_type, list(t.dims)) for t in tensors]
    save('dtypes.onnx', model(h.make_graph([], 'dtypes', [], outputs, tensors), 25))


def functions():
    """y = outer(x): a function that calls another, with a referenced, a default and a left-out attribute."""
    leaky = h.make_node('LeakyRelu', ['a'], ['t'])
    leaky.attribute.append(onnx.AttributeProto(name='alpha', ref_attr_name='slope', type=onnx.AttributeProto.FLOAT))
    elu = h.make_node('Elu', ['t'], ['b'])
    elu.attribute.append(onnx.AttributeProto(name='alpha', ref_attr_name='height', type=onnx.AttributeProto.FLOAT))
    inner = h.make_function('local', 'Inner', ['a', 'unused'], ['b', 'a'], [leaky, elu], [h.make_opsetid('', 16)],
                            ['slope'], [h.make_attribute('height', 0.5)])
    call = h.make_node('Inner', ['x'], ['p', 'same'], domain='local', name='call', slope=0.25)
    outer = h.make_function('local', 'Outer', ['x'], ['y'], [call, h.make_node('Add', ['p', 'same'], ['y'])],
                            [h.make_opsetid('', 16), h.make_opsetid('local', 1)])
    graph = h.make_graph([h.make_node('Outer', ['x'], ['t'], domain='local', name='first'),
                          h.make_node('Outer', ['t'], ['y'], domain='local', name='second')], 'functions', [value('x')], [value('y')])
    save('functions.onnx', model(graph, functions=[inner, outer], domains=['local']))


def control():
    """An If whose branches use different outer values, one of them two levels up, and a Loop."""
    inner = h.make_graph([h.make_node('Mul', ['x', 'w'], ['inner_y'])], 'inner', [], [value('inner_y')])
    keep = h.make_graph([h.make_node('Identity', ['x'], ['keep_y'])], 'keep', [], [value('keep_y')])
    then = h.make_graph([h.make_node('If', ['c2'], ['then_y'], then_branch=inner, else_branch=keep, name='inner_if')], 'then', [],
                        [value('then_y')])
    other = h.make_graph([h.make_node('Add', ['z', 'w'], ['else_y'])], 'else', [], [value('else_y')])
    body = h.make_graph([h.make_node('Add', ['acc', 'z'], ['acc_out']), h.make_node('Identity', ['acc_out'], ['scan']),
                         h.make_node('Identity', ['going'], ['going_out'])], 'body',
                        [value('i', T.INT64, []), value('going', T.BOOL, []), onnx.ValueInfoProto(name='acc')],
                        [value('going_out', T.BOOL, []), value('acc_out'), value('scan')])
    nodes = [h.make_node('If', ['c1'], ['y'], then_branch=then, else_branch=other, name='outer_if'),
             h.make_node('Loop', ['n', '', 'x'], ['last', 'all'], body=body, name='loop')]
    graph = h.make_graph(nodes, 'control', [value('c1', T.BOOL, []), value('c2', T.BOOL, []), value('x'), value('z'), value('n', T.INT64, [])],
                         [value('y'), value('last'), value('all', T.FLOAT, [None, 2])],
                         [h.make_tensor('w', T.FLOAT, [2], [3.0, 4.0])])
    save('control.onnx', model(graph))


def sparse():
    values = h.make_tensor('s', T.FLOAT, [2], [5.0, 7.0])
    linear = h.make_sparse_tensor(values, h.make_tensor('i', T.INT64, [2], [1, 5]), [2, 3])
    rows = h.make_sparse_tensor(h.make_tensor('c', T.FLOAT, [2], [5.0, 7.0]), h.make_tensor('j', T.INT64, [2, 2], [0, 1, 1, 2]), [2, 3])
    constant = h.make_node('Constant', [], ['k'], sparse_value=rows)
    graph = h.make_graph([constant], 'sparse', [], [value('s', T.FLOAT, [2, 3]), value('k', T.FLOAT, [2, 3])], [], sparse_initializer=[linear])
    save('sparse.onnx', model(graph))


def external():
    """Two tensors in external.bin, the second at an aligned offset."""
    a, b = np.arange(3, dtype=np.float32), np.arange(4, dtype=np.int64)
    with open(os.path.join(OUT, 'external.bin'), 'wb') as f:
        f.write(a.tobytes().ljust(64, b'\0') + b.tobytes())
    graph = h.make_graph([], 'external', [], [value('a', T.FLOAT, [3]), value('b', T.INT64, [4])])
    for name, array, offset in (('a', a, None), ('b', b, 64)):
        t = graph.initializer.add(name=name, dims=array.shape, data_type=h.np_dtype_to_tensor_dtype(array.dtype),
                                  data_location=T.EXTERNAL)
        t.external_data.add(key='location', value='external.bin')
        t.external_data.add(key='length', value=str(array.nbytes))
        if offset:
            t.external_data.add(key='offset', value=str(offset))
    save('external.onnx', model(graph))


for make in (dtypes, functions, control, sparse, external):
    make()
