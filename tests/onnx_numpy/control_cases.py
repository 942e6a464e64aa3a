"""If and Loop whose values change between a scalar and one element, as some exporters write them."""
import numpy as np
from onnx import TensorProto, helper

from case import Case

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def info(name, dtype=FLOAT, dims=()):
    return helper.make_tensor_value_info(name, dtype, dims)


def one():
    return helper.make_node('Constant', [], ['one'], value=helper.make_tensor('', FLOAT, [1], [1.0]))


def branch_cases():
    """x + (s + [1] or s)."""
    yes = helper.make_graph([one(), helper.make_node('Add', ['x1', 'one'], ['a'])], 'yes', [], [info('a')])
    no = helper.make_graph([helper.make_node('Identity', ['x1'], ['b'])], 'no', [], [info('b')])
    x, s = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(4, np.float32)
    for condition in (True, False):
        for then_branch, else_branch in ((yes, no), (no, yes)):
            before = [helper.make_node('If', ['x2'], ['s'], then_branch=then_branch, else_branch=else_branch)]
            added = 5 if condition == (then_branch is yes) else 4
            yield Case('Add', [x, s, np.array(condition)], [x + np.float32(added)], name='if_rank', before=before,
                       reads=('x0', 's'))


def loop_cases():
    """The value goes in as a scalar and comes back as one element; another is an element first and then a scalar."""
    body = helper.make_graph(
        [one(), helper.make_node('Identity', ['go'], ['go_on']), helper.make_node('Add', ['v', 'one'], ['w']),
         helper.make_node('ReduceSum', ['u'], ['t'], keepdims=0)],
        'body', [info('turn', INT64), info('go', BOOL), info('v'), info('u', dims=(1,))],
        [info('go_on', BOOL), info('w'), info('t')])
    x, s, u = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(4, np.float32), np.array([7], np.float32)
    for turns in (0, 1, 5):
        before = [helper.make_node('Loop', ['x3', '', 'x1', 'x2'], ['v', 'u'], body=body),
                  helper.make_node('Add', ['v', 'u'], ['s'])]
        yield Case('Add', [x, s, u, np.array(turns)], [x + np.float32(11 + turns)], name='loop_rank', before=before,
                   reads=('x0', 's'), fixed=(2,))


def cases():
    yield from branch_cases()
    yield from loop_cases()
