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


def placeholder_cases():
    """The value goes in as a scalar that no turn reads, and comes back as a matrix."""
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['go_on']), helper.make_node('Cast', ['turn'], ['t'], to=FLOAT),
         helper.make_node('Mul', ['x0', 't'], ['made'])],
        'body', [info('turn', INT64), info('go', BOOL), info('unread')], [info('go_on', BOOL), info('made', dims=(2, 3))])
    x, s = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(4, np.float32)
    for turns in (1, 4):
        before = [helper.make_node('Loop', ['x2', '', 'x1'], ['v'], body=body)]
        yield Case('Neg', [x, s, np.array(turns)], [-x * np.float32(turns - 1)], name='loop_placeholder', before=before,
                   reads=('v',))


def passing_cases():
    """Values that pass through loops and branches, change places or stay, beside products of what stays."""
    swap = helper.make_graph(
        [helper.make_node('Identity', ['on'], ['on_too']), helper.make_node('Identity', ['q'], ['r']),
         helper.make_node('Identity', ['p'], ['s'])],
        'swap', [info('n', INT64), info('on', BOOL), info('p', dims=(3, 3)), info('q', dims=(3, 3))],
        [info('on_too', BOOL), info('r', dims=(3, 3)), info('s', dims=(3, 3))])
    yes = helper.make_graph([helper.make_node('Identity', ['b'], ['same'])], 'yes', [], [info('same', dims=(3, 3))])
    no = helper.make_graph([helper.make_node('MatMul', ['kept', 'x3'], ['product']),
                            helper.make_node('Add', ['a', 'product'], ['sum'])], 'no', [], [info('sum', dims=(3, 3))])
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['go_on']), helper.make_node('Equal', ['turn', 'x4'], ['is_it']),
         helper.make_node('If', ['is_it'], ['chosen'], then_branch=yes, else_branch=no),
         helper.make_node('Loop', ['x4', '', 'chosen', 'b'], ['c', 'd'], body=swap),
         helper.make_node('MatMul', ['kept', 'x3'], ['steady']), helper.make_node('Relu', ['steady'], ['positive']),
         helper.make_node('Sub', ['d', 'positive'], ['e']), helper.make_node('Identity', ['kept'], ['kept_on'])],
        'body', [info('turn', INT64), info('go', BOOL), *(info(n, dims=(3, 3)) for n in ('a', 'b', 'kept'))],
        [info('go_on', BOOL), *(info(n, dims=(3, 3)) for n in ('c', 'e', 'kept_on'))])
    random = np.random.default_rng(5)
    a, b, kept, w = (random.integers(-3, 4, (3, 3)).astype(np.float32) for _ in range(4))
    for turns, swaps in ((0, 1), (1, 1), (4, 1), (3, 2)):
        c, d = a, b
        for turn in range(turns):
            chosen = d if turn == swaps else c + kept @ w
            c, d = (chosen, d) if swaps % 2 == 0 else (d, chosen)
            d = d - np.maximum(kept @ w, 0)
        before = [helper.make_node('Loop', ['x5', '', 'x0', 'x1', 'x2'], ['va', 'vb', 'vk'], body=body)]
        for constant in ((), (2, 3)):
            yield Case('Concat', [a, b, kept, w, np.array(swaps), np.array(turns)], [np.concatenate([c, d, kept])],
                       name='loop_passing', before=before, reads=('va', 'vb', 'vk'), const=constant, attrs={'axis': 0})


def slice_cases():
    """Rows up to a number that a loop counts."""
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['go_on']), helper.make_node('Add', ['n', 'x2'], ['m'])],
        'body', [info('turn', INT64), info('go', BOOL), info('n', INT64, (1,))], [info('go_on', BOOL), info('m', INT64, (1,))])
    x = np.arange(30, dtype=np.float32).reshape(10, 3)
    for start, step, turns in ((1, 2, 3), (0, 4, 9), (3, -2, 3), (5, -3, 1), (0, 0, 1)):
        before = [helper.make_node('Loop', ['x1', '', 'x3'], ['end'], body=body)]
        end = start + step * turns
        yield Case('Slice', [x, np.array(turns), np.array([step]), np.array([start]), np.array([0]), np.array([0])],
                   [x[0:end]], name='slice_to_count', before=before, reads=('x0', 'x4', 'end', 'x5'), const=(4, 5),
                   fixed=(2, 3))


def range_cases():
    """A range up to a number that a loop counts, outside of any subgraph."""
    body = helper.make_graph(
        [helper.make_node('Identity', ['go'], ['go_on']), helper.make_node('Add', ['n', 'x0'], ['m'])],
        'body', [info('turn', INT64), info('go', BOOL), info('n', INT64)], [info('go_on', BOOL), info('m', INT64)])
    for start, step, turns, delta in ((1, 2, 3, 1), (0, 4, 2, 3), (9, -2, 3, -1), (5, 3, 0, 1)):
        before = [helper.make_node('Loop', ['x1', '', 'x2'], ['end'], body=body)]
        end = start + step * turns
        yield Case('Range', [np.array(step), np.array(turns), np.array(start), np.array(0), np.array(delta)],
                   [np.arange(0, end, delta)], name='range_to_count', before=before, reads=('x3', 'end', 'x4'),
                   const=(3, 4))


def cases():
    yield from branch_cases()
    yield from range_cases()
    yield from slice_cases()
    yield from placeholder_cases()
    yield from loop_cases()
    yield from passing_cases()
