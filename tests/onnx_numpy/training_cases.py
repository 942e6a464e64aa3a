"""Optimisers, and gradients against finite differences."""
import itertools

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from case import Case

RNG = np.random.default_rng(17)
DOMAIN = 'ai.onnx.preview.training'


def adagrad(r, t, x, g, h, norm_coefficient=0.0, decay_factor=0.0, epsilon=1e-6):
    g = norm_coefficient * x + g
    h = h + g * g
    return x - r / (1 + t * decay_factor) * g / (np.sqrt(h) + epsilon), h


def adam(r, t, x, g, v, h, alpha=0.9, beta=0.999, epsilon=1e-6, norm_coefficient=0.0, norm_coefficient_post=0.0):
    g = norm_coefficient * x + g
    v, h = alpha * v + (1 - alpha) * g, beta * h + (1 - beta) * g * g
    if t > 0:
        r = r * np.sqrt(1 - beta**t) / (1 - alpha**t)
    return (1 - norm_coefficient_post) * (x - r * v / (np.sqrt(h) + epsilon)), v, h


def momentum(r, t, x, g, v, alpha, beta, mode, norm_coefficient):
    g = norm_coefficient * x + g
    v = alpha * v + (beta if t > 0 else 1) * g
    return x - r * (v if mode == 'standard' else g + alpha * v), v


def optimizer(op, step, states, t, dtype, attrs):
    shapes = [(3, 2), (4,), ()]
    groups = [[RNG.random(s) + 0.5 if k > 1 else RNG.standard_normal(s) for s in shapes] for k in range(2 + states)]
    groups = [[np.asarray(x, dtype) for x in group] for group in groups]
    rate = np.float32(0.1)
    results = [step(float(rate), t, *(np.float64(group[i]) for group in groups), **attrs) for i in range(len(shapes))]
    outputs = [np.asarray(results[i][k], dtype) for k in range(1 + states) for i in range(len(shapes))]
    tight = {'rtol': 1e-5, 'atol': 1e-6}  # the attributes are f32, also for f64
    return Case(f'{DOMAIN}::{op}', [np.array(rate), np.array(t), *(x for group in groups for x in group)], outputs, attrs,
                opset=1, **tight)


def node(op, inputs, output, **attrs):
    return helper.make_node(op, inputs.split(), [output], **attrs)


def differences(nodes, xs, variables, y):
    """By ONNX's reference in f64: the slope of sum(y) between a little less and a little more of each element."""
    infos = [helper.make_tensor_value_info(f'x{i}', TensorProto.DOUBLE if x.dtype == np.float64 else TensorProto.INT64,
                                           x.shape) for i, x in enumerate(xs)]
    graph = helper.make_graph(nodes, 'f', infos, [helper.make_tensor_value_info(y, TensorProto.DOUBLE, None)])
    run = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 21)]))
    step, out = 1e-5, []
    for i in range(variables):
        slope = np.zeros(xs[i].shape)
        for at in np.ndindex(*xs[i].shape):
            ends = []
            for sign in (1, -1):
                moved = [x.copy() for x in xs]
                moved[i][at] += sign * step
                ends.append(run.run(None, {f'x{k}': x for k, x in enumerate(moved)})[0].sum())
            slope[at] = (ends[0] - ends[1]) / (2 * step)
        out.append(slope)
    return out


def gradient_case(name, nodes, xs, variables=None, fixed=()):
    variables = len(xs) if variables is None else variables
    names = [f'x{i}' for i in range(len(xs))]
    expected = differences(nodes, xs, variables, nodes[-1].output[0])
    attrs = {'xs': names[:variables], 'y': nodes[-1].output[0]}
    if variables < len(xs):
        attrs['zs'] = names[variables:]
    return Case(f'{DOMAIN}::Gradient', xs, expected, attrs, opset=1, name=name, before=tuple(nodes), fixed=fixed,
                rtol=1e-5, atol=1e-6)


def gradients():
    def draw(*shape):
        return RNG.uniform(0.3, 1.3, shape)
    for op in ('Exp', 'Log', 'Sqrt', 'Reciprocal', 'Sin', 'Cos', 'Tan', 'Tanh', 'Sigmoid', 'Softplus',
               'Relu', 'Abs', 'Neg', 'Atan', 'Sinh', 'Asinh', 'Softsign', 'Mish', 'Elu', 'HardSigmoid'):
        signed = op not in ('Log', 'Sqrt', 'Reciprocal')
        x = draw(2, 3) * (np.array([[1], [-1]]) if signed else 1)
        yield gradient_case(op.lower(), [node(op, 'x0', 'f'), node('Mul', 'f x1', 'y')], [x, draw(3)])
    x = draw(2, 3)  # the reference rounds erf to f32, where differences drown
    yield Case(f'{DOMAIN}::Gradient', [x], [2 / np.sqrt(np.pi) * np.exp(-x * x)], {'xs': ['x0'], 'y': 'y'}, opset=1,
               name='erf', before=(node('Erf', 'x0', 'y'),))
    for op in ('Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min'):
        yield gradient_case(op.lower(), [node(op, 'x0 x1', 'f'), node('Mul', 'f f', 'y')], [draw(2, 1, 3), draw(4, 1)])
    weighted = [node('Mul', 'f x1', 'y')]
    for op, attrs in (('Softmax', {'axis': 0}), ('LogSoftmax', {'axis': 1}), ('ReduceMean', {}), ('ReduceMax', {}),
                      ('ReduceLogSumExp', {}), ('ReduceL2', {}), ('Transpose', {'perm': [0, 1]}), ('CumSum', None)):
        nodes = [node(op, 'x0', 'f', **attrs)] if attrs is not None else [
            helper.make_node('Constant', [], ['axis'], value_int=1), node('CumSum', 'x0 axis', 'f', exclusive=1)]
        yield gradient_case(op.lower(), nodes + weighted, [draw(3, 4), draw(3, 4)])
    yield gradient_case('mlp', [node('Gemm', 'x0 x1 x2', 'a', transB=1), node('Relu', 'a', 'b'), node('MatMul', 'b x3', 'c'),
                                node('Softmax', 'c', 'd'), node('Log', 'd', 'e'), node('Mul', 'e x4', 'y')],
                        [draw(2, 3) - 0.8, draw(4, 3) - 0.8, draw(4), draw(4, 5), draw(2, 5)])
    yield gradient_case('layer_norm', [node('LayerNormalization', 'x0 x1 x2', 'a'), node('Mul', 'a a', 'y')],
                        [draw(2, 6), draw(6), draw(6)])
    conv = [node('Conv', 'x0 x1 x2', 'a', strides=[2, 1], pads=[1, 0, 1, 1], group=2), node('Tanh', 'a', 'b'),
            node('MaxPool', 'b', 'c', kernel_shape=[2, 2]), node('AveragePool', 'c', 'd', kernel_shape=[1, 2]),
            node('Mul', 'd d', 'y')]
    yield gradient_case('conv', conv, [draw(1, 4, 5, 5), draw(4, 2, 3, 2), draw(4)], fixed=(1,))
    yield gradient_case('gather', [node('Gather', 'x0 x1', 'a', axis=1), node('Mul', 'a a', 'y')],
                        [draw(3, 4), np.array([1, 1, 3])], 1)
    parts = [node('Concat', 'x0 x1', 'a', axis=0), helper.make_node('Split', ['a'], ['b', 'c'], axis=0, num_outputs=2),
             node('Mul', 'b c', 'd'), node('Unsqueeze', 'd x2', 'y')]
    yield gradient_case('split', parts, [draw(1, 3), draw(3, 3), np.array([0])], 2, fixed=(2,))
    yield gradient_case('unused', [node('Mul', 'x0 x0', 'y')], [draw(2), draw(3)])
    # The derivative of a derivative: 6 x of x^3.
    cube = [node('Mul', 'x0 x0', 's'), node('Mul', 's x0', 'c'),
            helper.make_node('Gradient', ['x0'], ['slope'], domain=DOMAIN, xs=['x0'], y='c')]
    x = draw(4)
    yield Case(f'{DOMAIN}::Gradient', [x], [6 * x], {'xs': ['x0'], 'y': 'slope'}, opset=1, name='second', before=tuple(cube))
    # At other values than those that the named tensors have, and of f32 and f16.
    for dtype in (np.float32, np.float16):
        x, at = draw(3).astype(dtype), draw(3).astype(dtype)
        yield Case(f'{DOMAIN}::Gradient', [x, at], [2 * at], {'xs': ['h'], 'y': 'y'}, opset=1, name='elsewhere',
                   before=(node('Exp', 'x0', 'h'), node('Mul', 'h h', 'y'), node('Identity', 'x1', 'other')), rtol=1e-3,
                   reads=('other',))


def cases():
    yield from gradients()
    for t, dtype in itertools.product((0, 1, 7), (np.float32, np.float64)):
        for attrs in ({}, {'norm_coefficient': 0.25, 'decay_factor': 0.5, 'epsilon': 0.125}):
            yield optimizer('Adagrad', adagrad, 1, t, dtype, attrs)
        for attrs in ({}, {'norm_coefficient': 0.25, 'norm_coefficient_post': 0.5, 'alpha': 0.75, 'beta': 0.875,
                           'epsilon': 0.125}):
            yield optimizer('Adam', adam, 2, t, dtype, attrs)
        for mode in ('standard', 'nesterov'):
            yield optimizer('Momentum', momentum, 1, t, dtype,
                            {'alpha': 0.75, 'beta': 0.5, 'mode': mode, 'norm_coefficient': 0.125})
