"""LSTM, GRU and RNN over all their attributes, one sample and one step at a time in f64."""
import itertools

import numpy as np

from case import Case

RNG = np.random.default_rng(23)
GATES = {'LSTM': 4, 'GRU': 3, 'RNN': 1}
DEFAULTS = {'LSTM': ['Sigmoid', 'Tanh', 'Tanh'], 'GRU': ['Sigmoid', 'Tanh'], 'RNN': ['Tanh']}
FUNCTIONS = {  # with the defaults of alpha and beta, None where there is none
    'Sigmoid': (lambda x, a, b: 1 / (1 + np.exp(-x)), None, None), 'Tanh': (lambda x, a, b: np.tanh(x), None, None),
    'Relu': (lambda x, a, b: np.maximum(x, 0), None, None), 'Softsign': (lambda x, a, b: x / (1 + np.abs(x)), None, None),
    'Softplus': (lambda x, a, b: np.log1p(np.exp(x)), None, None), 'Affine': (lambda x, a, b: a * x + b, 1.0, 0.0),
    'LeakyRelu': (lambda x, a, b: np.where(x < 0, a * x, x), 0.01, None),
    'ThresholdedRelu': (lambda x, a, b: np.where(x > a, x, 0), 1.0, None),
    'ScaledTanh': (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    'HardSigmoid': (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    'Elu': (lambda x, a, b: np.where(x < 0, a * (np.exp(x) - 1), x), 1.0, None)}


def activations(names, alphas, betas, clip):
    alphas, betas, out = list(alphas), list(betas), []
    for name in names:
        f, a, b = FUNCTIONS[name]
        a = alphas.pop(0) if a is not None and alphas else a
        b = betas.pop(0) if b is not None and betas else b
        out.append(lambda x, f=f, a=a, b=b: f(np.clip(x, -clip, clip) if clip else x, a, b))
    return out


def step(op, x, h, c, w, r, wb, rb, p, f, attrs):
    n = len(h)
    if op == 'RNN':
        return f[0](w @ x + wb + r @ h + rb), c
    gate = [slice(k * n, (k + 1) * n) for k in range(GATES[op])]
    if op == 'LSTM':
        a = w @ x + wb + r @ h + rb
        i = f[0](a[gate[0]] + p[:n] * c)
        forget = 1 - i if attrs.get('input_forget') else f[0](a[gate[2]] + p[2 * n:] * c)
        c = forget * c + i * f[1](a[gate[3]])
        return f[0](a[gate[1]] + p[n:2 * n] * c) * f[2](c), c
    wx = w @ x + wb
    z, reset = (f[0](wx[gate[k]] + r[gate[k]] @ h + rb[gate[k]]) for k in (0, 1))
    if attrs.get('linear_before_reset'):
        new = f[1](wx[gate[2]] + reset * (r[gate[2]] @ h + rb[gate[2]]))
    else:
        new = f[1](wx[gate[2]] + r[gate[2]] @ (reset * h) + rb[gate[2]])
    return (1 - z) * new + z * h, c


def layer(op, x, w, r, bias, lengths, h0, c0, p, direction, functions, attrs):
    steps, batch, _ = x.shape
    directions, n = r.shape[0], r.shape[2]
    y, h, c = np.zeros((steps, directions, batch, n)), h0.copy(), c0.copy()
    half = GATES[op] * n
    for d, b in np.ndindex(directions, batch):
        f = functions[d * len(DEFAULTS[op]):(d + 1) * len(DEFAULTS[op])]
        back = direction == 'reverse' or d == 1
        for t in range(lengths[b]) if not back else reversed(range(lengths[b])):
            h[d, b], c[d, b] = step(op, x[t, b], h[d, b], c[d, b], w[d], r[d], bias[d, :half], bias[d, half:], p[d], f, attrs)
            y[t, d, b] = h[d, b]
    return y, h, c


def recurrent(op, direction='forward', dtype=np.float32, lengths=None, states=False, peepholes=False, with_bias=True,
              layout=0, names=None, alphas=(), betas=(), clip=0.0, n=3, batch=3, **attrs):
    directions, size, steps = 2 if direction == 'bidirectional' else 1, 2, 4
    def draw(*shape):
        return RNG.uniform(-1, 1, shape).astype(dtype)
    w, r = draw(directions, GATES[op] * n, size), draw(directions, GATES[op] * n, n)
    bias, x = draw(directions, 2 * GATES[op] * n), draw(steps, batch, size)
    h0, c0, p = draw(directions, batch, n), draw(directions, batch, n), draw(directions, 3 * n)
    wide = [t.astype(np.float64) for t in (x, w, r, bias, h0, c0, p)]
    for used, k in ((with_bias, 3), (states, 4), (states, 5), (peepholes, 6)):
        wide[k] = wide[k] if used else 0 * wide[k]
    f = activations(names or DEFAULTS[op] * directions, alphas, betas, clip)
    y, h, c = layer(op, *wide[:4], [steps] * batch if lengths is None else lengths, *wide[4:], direction, f, attrs)
    def shaped(t, perm):
        return t.transpose(perm) if layout else t
    inputs = [shaped(x, (1, 0, 2)), w, r, bias if with_bias else None, None if lengths is None else np.array(lengths, np.int32),
              shaped(h0, (1, 0, 2)) if states else None]
    outputs = [shaped(y, (2, 0, 1, 3)), shaped(h, (1, 0, 2))]
    if op == 'LSTM':
        inputs += [shaped(c0, (1, 0, 2)) if states else None, p if peepholes else None]
        outputs.append(shaped(c, (1, 0, 2)))
    given = {'hidden_size': n, 'direction': direction, 'layout': layout, **attrs}
    for name, value in (('activations', names), ('activation_alpha', alphas), ('activation_beta', betas), ('clip', clip)):
        given.update({name: value} if value else {})
    tolerance = {'rtol': 1e-4, 'atol': 1e-5} if dtype == np.float32 else {'rtol': 1e-10, 'atol': 1e-12}
    return Case(op, inputs, [t.astype(dtype) for t in outputs], given, opset=22, fixed=(1, 2), **tolerance)


def cases():
    for op, direction, lengths, layout in itertools.product(GATES, ('forward', 'reverse', 'bidirectional'),
                                                            (None, [4, 1, 3]), (0, 1)):
        extra = {'peepholes': True} if op == 'LSTM' else {}
        yield recurrent(op, direction, lengths=lengths, layout=layout, states=lengths is not None, **extra)
        yield recurrent(op, direction, np.float64, lengths=lengths, with_bias=False, clip=0.375, **extra)
    yield recurrent('LSTM', input_forget=1)
    yield recurrent('GRU', linear_before_reset=1)
    for name, (_, a, b) in FUNCTIONS.items():
        yield recurrent('RNN', names=[name])
        if a is not None:
            yield recurrent('LSTM', names=[name] * 3, alphas=[0.3, 0.4, 0.5], betas=[0.7, 0.6, 0.5] if b is not None else ())
    yield recurrent('LSTM', 'bidirectional', names=['HardSigmoid', 'Tanh', 'LeakyRelu', 'Sigmoid', 'Affine', 'Elu'],
                    alphas=[0.25, 0.5, 0.75, 0.9], betas=[0.4, 0.1], clip=0.8)
    for op, dtype in itertools.product(GATES, (np.float32, np.float64)):  # more than vectors and their blocks hold
        yield recurrent(op, 'bidirectional', dtype, lengths=[4, 4, 2, 4, 4, 1, 4], n=53, batch=7)
