"""Recurrent cells, step by step in f64. GE returns every step's state and gates."""
import numpy as np

from table import golden, grid


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def columns(w, order, gate, hidden):
    at = order.index(gate) * hidden
    return w[..., at:at + hidden]


def lstm(x, w, bias, order='ijfo', h=None, c=None, lengths=None, forget=0.0, peep=None, reverse=False):
    steps, batch, inner = x.shape
    hidden = w.shape[1] // 4
    h = np.zeros((batch, hidden)) if h is None else h.copy()
    c = np.zeros((batch, hidden)) if c is None else c.copy()
    wci, wcf, wco = peep if peep is not None else (0, 0, 0)
    out = {name: np.zeros((steps, batch, hidden)) for name in 'yhcijfot'}
    lengths = [steps] * batch if lengths is None else lengths
    for b in range(batch):
        for n in range(lengths[b]):
            t = lengths[b] - 1 - n if reverse else n
            sums = np.concatenate([x[t, b], h[b]]) @ w + bias
            part = {gate: columns(sums, order, gate, hidden) for gate in 'ijfo'}
            i, f = sigmoid(part['i'] + wci * c[b]), sigmoid(part['f'] + forget + wcf * c[b])
            j = np.tanh(part['j'])
            c[b] = c[b] * f + i * j
            o = sigmoid(part['o'] + wco * c[b])
            h[b] = np.tanh(c[b]) * o
            for name, value in zip('yhcijfot', (h[b], h[b], c[b], i, j, f, o, np.tanh(c[b]))):
                out[name][t, b] = value
        for t in range(lengths[b], steps):
            out['h'][t, b], out['c'][t, b], out['t'][t, b] = h[b], c[b], np.tanh(c[b])
    return [out[name] for name in 'yhcijfot']


def gru(x, wx, wh, bx, bh, order='zrh', h=None, reset_after=True):
    steps, batch, _ = x.shape
    hidden = wh.shape[0]
    h = np.zeros((batch, hidden)) if h is None else h.copy()
    out = [np.zeros((steps, batch, hidden)) for _ in range(6)]
    for t in range(steps):
        inside = {gate: x[t] @ columns(wx, order, gate, hidden) + columns(bx, order, gate, hidden) for gate in 'zrh'}
        weight = {gate: columns(wh, order, gate, hidden) for gate in 'zrh'}
        extra = {gate: columns(bh, order, gate, hidden) for gate in 'zrh'}
        z, r = (sigmoid(inside[gate] + h @ weight[gate] + extra[gate]) for gate in 'zr')
        recurrent = (h if reset_after else r * h) @ weight['h'] + extra['h']
        new = np.tanh(inside['h'] + (r if reset_after else 1) * recurrent)
        h = (1 - z) * new + z * h
        for name, value in enumerate((h, h, z, r, new, recurrent)):
            out[name][t] = value
    return out


def lines():
    def f32(**given):
        return {k: np.float32(v) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v for k, v in given.items()}

    def judged(outputs, **given):
        return golden([np.float32(x) for x in outputs], **f32(**given))
    steps, batch, inner, hidden = 3, 2, 2, 3
    x, w, bias = grid(1, steps, batch, inner), grid(2, inner + hidden, 4 * hidden, high=1, low=-1), grid(3, 4 * hidden)
    h, c = grid(4, batch, hidden), grid(5, batch, hidden)
    yield '# Cells compute in f32: each step adds roundings of its sums, exponentials and quotients.'
    yield 'op:    DynamicRNN'
    yield 'tolerance: 16 1e-6'
    yield judged(lstm(x, w, bias), x=x, w=w, b=bias)
    yield judged(lstm(x, w, bias, 'ifjo', h, c, forget=0.5), x=x, w=w, b=bias, init_h=h[None], init_c=c[None],
                 gate_order='ifco', forget_bias=0.5)
    lengths = np.array([3, 1], np.int32)
    yield judged(lstm(x, w, bias, h=h, c=c, lengths=lengths), x=x, w=w, b=bias, init_h=h[None], init_c=c[None],
                 seq_length_data=lengths)
    peep = grid(6, 3, hidden)
    yield judged(lstm(x, w, bias, c=c, peep=peep, reverse=True), x=x, w=w, b=bias, init_c=c[None], wci=peep[0],
                 wcf=peep[1], wco=peep[2], use_peephole=True, direction='REDIRECTIONAL')
    wx, wh = grid(7, inner, 3 * hidden), grid(8, hidden, 3 * hidden)
    bx, bh = grid(9, 3 * hidden), grid(10, 3 * hidden)
    common = dict(x=x, weight_input=wx, weight_hidden=wh, bias_input=bx, bias_hidden=bh)
    yield 'op:    DynamicGRUV2'
    yield 'tolerance: 16 1e-6'
    yield judged(gru(x, wx, wh, bx, bh, h=h), **common, init_h=h[None])
    yield judged(gru(x, wx, wh, bx, bh, 'rzh', reset_after=False), **common, gate_order='rzh', reset_after=False)


FILES = {'rnn/dynamic_golden.cases': lines}
