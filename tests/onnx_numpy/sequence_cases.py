"""Sequences and optionals inside a model: maps, loops and branches whose values they are, positions of the run."""
import numpy as np
from onnx import TensorProto, helper

from case import Case

FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING
node = helper.make_node


def tensor(name, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, None)


def sequence(name, dtype=FLOAT):
    return helper.make_tensor_sequence_value_info(name, dtype, None)


def numbers(*values):
    return np.array(values, np.int64)


def scalar(value):
    return np.array(value, np.int64)


def map_cases():
    """A body that reads an outer value; few elements are unrolled where their number is known, many never are."""
    body = helper.make_graph(
        [node('Mul', ['e', 'x1'], ['m']), node('Shape', ['m'], ['s']), node('ReduceSum', ['m'], ['r'], keepdims=1)],
        'body', [tensor('e')], [tensor('r'), tensor('s', INT64)])
    rng = np.random.default_rng(7)
    for rows, step in ((6, 4), (40, 1), (7, 3)):
        x, factor = rng.standard_normal((rows, 4)).astype(np.float32), rng.standard_normal(4).astype(np.float32)
        pieces = [x[i:i + step] for i in range(0, rows, step)]
        before = [node('SplitToSequence', ['x0', 'x2'], ['q'], axis=0), node('SequenceMap', ['q'], ['r', 's'], body=body)]
        sums = np.concatenate([(p * factor).sum(keepdims=True) for p in pieces])
        shapes = np.stack([numbers(*p.shape) for p in pieces])
        yield Case('ConcatFromSequence', [x, factor, scalar(step)], [sums], {'axis': 0}, name='map_sums', const=(2,),
                   before=before, reads=('r',), rtol=1e-4)
        yield Case('ConcatFromSequence', [x, factor, scalar(step)], [shapes], {'axis': 0, 'new_axis': 1},
                   name='map_shapes', before=before, reads=('s',))
    pair = helper.make_graph([node('Add', ['a', 'b'], ['c']), node('Add', ['c', 't'], ['d'])], 'pair',
                             [tensor('a'), tensor('b'), tensor('t')], [tensor('d')])
    x, y, t = (rng.standard_normal((3, 5)).astype(np.float32) for _ in range(3))
    before = [node('SplitToSequence', ['x0'], ['q'], keepdims=0), node('SplitToSequence', ['x1'], ['p'], keepdims=0),
              node('SequenceMap', ['q', 'p', 'x2'], ['r'], body=pair)]
    yield Case('ConcatFromSequence', [x, y, t], [np.stack([a + b + t for a, b in zip(x, y)])],
               {'axis': 0, 'new_axis': 1}, name='map_pairs', before=before, reads=('r',))


def loop_cases():
    """Elements are taken from one sequence and put at the front of another, as often as the input says."""
    body = helper.make_graph(
        [node('Identity', ['go'], ['go_on']), node('SequenceAt', ['all', 'turn'], ['e']), node('Neg', ['e'], ['n']),
         node('SequenceInsert', ['done', 'n', 'x2'], ['more'])],
        'body', [tensor('turn', INT64), tensor('go', BOOL), sequence('done')], [tensor('go_on', BOOL), sequence('more')])
    x = np.arange(15, dtype=np.float32).reshape(5, 3)
    before = [node('SplitToSequence', ['x0'], ['all']), node('SequenceEmpty', [], ['none']),
              node('Loop', ['x1', '', 'none'], ['back'], body=body)]
    for turns in (1, 3, 5):
        yield Case('ConcatFromSequence', [x, scalar(turns), scalar(0)], [-x[:turns][::-1]], {'axis': 0},
                   name='loop_reverses', before=before, reads=('back',))
    yield Case('SequenceLength', [x, scalar(0), scalar(0)], [scalar(0)], name='loop_without_turns', before=before,
               reads=('back',))


def branch_cases():
    """Branches that return sequences of different lengths, or an optional that may be empty."""
    yes = helper.make_graph([node('SplitToSequence', ['x0'], ['a'])], 'yes', [], [sequence('a')])
    no = helper.make_graph([node('SequenceConstruct', ['x0'], ['b'])], 'no', [], [sequence('b')])
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    for condition in (True, False):
        before = [node('If', ['x1'], ['q'], then_branch=yes, else_branch=no)]
        inputs = [x, np.array(condition)]
        yield Case('SequenceLength', inputs, [scalar(3 if condition else 1)], name='if_length', before=before, reads=('q',))
        yield Case('ConcatFromSequence', inputs, [x], {'axis': 0}, name='if_concat', before=before, reads=('q',))
    kind = helper.make_tensor_type_proto(FLOAT, None)
    optional = helper.make_value_info('o', helper.make_optional_type_proto(kind))
    nothing = helper.make_value_info('p', helper.make_optional_type_proto(kind))
    full = helper.make_graph([node('Optional', ['x0'], ['o'])], 'full', [], [optional])
    empty = helper.make_graph([node('Optional', [], ['p'], type=kind)], 'empty', [], [nothing])
    for condition in (True, False):
        before = [node('If', ['x1'], ['q'], then_branch=full, else_branch=empty)]
        yield Case('OptionalHasElement', [x, np.array(condition)], [np.array(condition)], name='if_has_element',
                   before=before, reads=('q',))
    before = [node('If', ['x1'], ['q'], then_branch=full, else_branch=empty)]
    yield Case('OptionalGetElement', [x, np.array(True)], [x], name='if_get_element', before=before, reads=('q',))


def position_cases():
    words = np.array(['a', 'bc', '', 'ü'], dtype=object)
    for i in (0, 3, -1, -4):
        yield Case('SequenceAt', [words, scalar(i)], [words[[i]]], name='at_text',
                   before=[node('SplitToSequence', ['x0'], ['q'])], reads=('q', 'x1'))
    x = np.arange(8, dtype=np.float16).reshape(4, 2)
    for i in (0, 2, -1):
        before = [node('SplitToSequence', ['x0'], ['q'], keepdims=0), node('SequenceErase', ['q', 'x1'], ['left'])]
        yield Case('ConcatFromSequence', [x, scalar(i)], [np.delete(x, i, 0)], {'axis': 0, 'new_axis': 1},
                   name='erase', before=before, reads=('left',))


def cases():
    yield from map_cases()
    yield from loop_cases()
    yield from branch_cases()
    yield from position_cases()
