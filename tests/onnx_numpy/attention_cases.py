"""Attention one query at a time, and what decoders keep between steps."""
import itertools

import ml_dtypes
import numpy as np

from case import Case

RNG = np.random.default_rng(5)
ONNX_TYPES = {'float32': 1, 'float64': 11}


def draw(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def visible(b, i, j, queries, past, nonpad, settings):
    offset = past if nonpad is None else int(nonpad[b]) - queries
    place = i + offset
    left, right = settings.get('left_window_size', -1), settings.get('right_window_size', -1)
    return ((nonpad is None or j < nonpad[b]) and (not settings.get('is_causal') or j <= place) and
            (left < 0 or j >= place - left) and (right < 0 or j <= place + right))


def attention(q, k, v, mask=None, past=0, nonpad=None, **settings):
    """All in f64, [B, N, S, D]; gives y and the four stages of the scores."""
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    batch, heads, queries, size = q.shape
    keys, share = k.shape[2], heads // k.shape[1]
    scale, cap = settings.get('scale', 1 / np.sqrt(size)), settings.get('softcap', 0)
    if mask is not None:
        mask = mask if mask.dtype == bool else mask.astype(np.float64)
        fill = False if mask.dtype == bool else -np.inf
        mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, keys - mask.shape[-1])], constant_values=fill)
        mask = np.broadcast_to(mask, (batch, heads, queries, keys))
    stages = np.zeros((4, batch, heads, queries, keys))
    y = np.zeros((batch, heads, queries, v.shape[3]))
    for b, h, i in np.ndindex(batch, heads, queries):
        row = k[b, h // share] @ q[b, h, i] * scale
        stages[0, b, h, i] = row
        if cap:
            row = cap * np.tanh(row / cap)
        stages[1, b, h, i] = row
        for j in range(keys):
            if mask is not None and mask.dtype != bool:
                row[j] += float(mask[b, h, i, j])
            if not visible(b, i, j, queries, past, nonpad, settings) or (
                    mask is not None and mask.dtype == bool and not mask[b, h, i, j]):
                row[j] = -np.inf
        stages[2, b, h, i] = row
        if np.isfinite(row).any():
            weights = np.exp(row - row.max())
            stages[3, b, h, i] = weights / weights.sum()
        y[b, h, i] = stages[3, b, h, i] @ v[b, h // share]
    return y, stages


def flat(x):
    return x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)


def attention_case(q, k, v, mask=None, past=None, nonpad=None, three_d=False, opset=25, **settings):
    pasts = (None, None) if past is None else past
    whole = [x if p is None else np.concatenate([p, x], 2) for p, x in zip(pasts, (k, v))]
    y, stages = attention(q, *whole, mask, 0 if past is None else past[0].shape[2], nonpad, **settings)
    dtype = q.dtype
    outputs = [(flat(y) if three_d else y).astype(dtype), *whole,
               stages[settings.get('qk_matmul_output_mode', 0)].astype(dtype)]
    inputs = [q, k, v]
    if three_d:
        inputs = [flat(x) for x in inputs]
        settings = {**settings, 'q_num_heads': q.shape[1], 'kv_num_heads': k.shape[1]}
    tolerance = {'float32': 2e-6, 'float64': 1e-12, 'float16': 1e-3, 'bfloat16': 1e-2}[dtype.name]
    return Case('Attention', [*inputs, mask, *pasts, nonpad], outputs, settings, opset=opset, rtol=tolerance,
                atol=tolerance)


def attentions():
    q, k, v = draw(2, 6, 3, 8), draw(2, 2, 5, 8), draw(2, 2, 5, 4)
    past = (draw(2, 2, 3, 8), draw(2, 2, 3, 4))
    for three_d, causal, mode in itertools.product((False, True), (0, 1), (0, 1, 2, 3)):
        yield attention_case(q, k, v, three_d=three_d, is_causal=causal, qk_matmul_output_mode=mode, softcap=1.5)
        yield attention_case(q, k, v, draw(6, 3, 8), past, three_d=three_d, is_causal=causal, qk_matmul_output_mode=mode)
    for left, right, nonpad in itertools.product((-1, 0, 2), (-1, 0, 1), (None, np.array([4, 2]))):
        yield attention_case(q, k, v, nonpad=nonpad, left_window_size=left, right_window_size=right)
        yield attention_case(q, k, v, RNG.random((3, 4)) < 0.6, nonpad=nonpad, left_window_size=left,
                             right_window_size=right, is_causal=1, qk_matmul_output_mode=3)
    for mask in (draw(5), draw(1, 5), draw(2, 1, 1, 5), draw(1, 2), RNG.random((2, 1, 3, 1)) < 0.5,
                 RNG.integers(-2, 2, (3, 5)).astype(np.int32)):
        yield attention_case(q, k, v, mask, scale=0.25, opset=24)
    yield attention_case(q, k, v, np.full((3, 5), -np.inf, np.float32), qk_matmul_output_mode=3)
    for dtype in (np.float64, np.float16, ml_dtypes.bfloat16):
        yield attention_case(*(x.astype(dtype) for x in (q, k, v)), is_causal=1)
    yield attention_case(q, k, v, softmax_precision=11)
    yield attention_case(draw(0, 2, 3, 4), draw(0, 2, 5, 4), draw(0, 2, 5, 4))
    yield attention_case(draw(1, 2, 0, 4), draw(1, 2, 5, 4), draw(1, 2, 5, 4))


def rotate(x, cos, sin, part, interleaved):
    """x [B, S, N, D]; cos and sin [B, S, part/2]."""
    y = x.astype(np.float64).copy()
    for p in range(part // 2):
        i, j = (2 * p, 2 * p + 1) if interleaved else (p, p + part // 2)
        c, s = cos[:, :, None, p], sin[:, :, None, p]
        y[..., i], y[..., j] = c * x[..., i] - s * x[..., j], s * x[..., i] + c * x[..., j]
    return y.astype(x.dtype)


def rotaries():
    x = draw(2, 3, 4, 8)
    for part, interleaved, three_d, positions in itertools.product((0, 4), (0, 1), (False, True), (False, True)):
        half = (part or 8) // 2
        ids = np.array([[5, 0, 2], [1, 1, 4]]) if positions else None
        caches = [draw(6, half) if positions else draw(2, 3, half) for _ in range(2)]
        angles = [c[ids] if positions else c for c in caches]
        y = rotate(x, *angles, part or 8, interleaved)
        shaped = (lambda t: t.reshape(2, 3, 32)) if three_d else (lambda t: t.transpose(0, 2, 1, 3))
        attrs = {'interleaved': interleaved, 'rotary_embedding_dim': part, **({'num_heads': 4} if three_d else {})}
        yield Case('RotaryEmbedding', [shaped(x), *caches, ids], [shaped(y)], attrs, opset=23)


def tensor_scatters():
    for axis, mode, dtype in itertools.product((-2, 1, -1), ('linear', 'circular'), (np.float32, np.int8, np.float16)):
        cache = RNG.integers(-9, 9, (3, 5, 4, 6)).astype(dtype)
        dims = list(cache.shape)
        dims[axis] = 2
        update = RNG.integers(-9, 9, dims).astype(dtype)
        at = np.array([0, 2, 1]) + (cache.shape[axis] - 3 if mode == 'circular' else 0)
        present = np.moveaxis(cache.copy(), axis, 1)
        for b, s in itertools.product(range(3), range(2)):
            present[b, (at[b] + s) % cache.shape[axis]] = np.moveaxis(update, axis, 1)[b, s]
        yield Case('TensorScatter', [cache, update, at], [np.moveaxis(present, 1, axis)], {'axis': axis, 'mode': mode},
                   opset=24)
    cache, update = draw(2, 5, 3), draw(2, 4, 3)
    yield Case('TensorScatter', [cache, update], [np.concatenate([update, cache[:, 4:]], 1)], opset=24)


def linear_attention(q, k, v, state, decay, beta, rule, scale):
    """[B, T, N, D]; the state [B, N, D, Dv]."""
    state = state.astype(np.float64).copy()
    share = q.shape[2] // k.shape[2]
    y = np.zeros((*q.shape[:3], v.shape[3]))
    for b, t, n in np.ndindex(*k.shape[:3]):
        s = state[b, n]
        if 'gated' in rule:
            s = np.exp(decay[b, t, n].astype(float))[:, None] * s
        new = v[b, t, n].astype(float)
        if 'delta' in rule:
            new = beta[b, t, n] * (new - s.T @ k[b, t, n])
        state[b, n] = s = s + np.outer(k[b, t, n], new)
        for g in range(share):
            y[b, t, n * share + g] = scale * q[b, t, n * share + g] @ s
    return y, state


def linear_attentions():
    for rule, per_key, one_beta, has_past in itertools.product(
            ('linear', 'gated', 'delta', 'gated_delta'), (False, True), (False, True), (False, True)):
        explicit = 0.3 if per_key != one_beta else 0.0
        q, k, v = draw(2, 5, 4, 3), draw(2, 5, 2, 3) / 3, draw(2, 5, 2, 6)
        state = draw(2, 2, 3, 6) if has_past else None
        decay = -RNG.random((2, 5, 2, 3 if per_key else 1)).astype(np.float32)
        beta = RNG.random((2, 5, 1 if one_beta else 2)).astype(np.float32)
        y, last = linear_attention(q, k, v, np.zeros((2, 2, 3, 6)) if state is None else state,
                                   np.broadcast_to(decay, (2, 5, 2, 3)), np.broadcast_to(beta, (2, 5, 2)), rule,
                                   explicit or 3**-0.5)
        flat_ = [x.reshape(2, 5, -1) for x in (q, k, v, decay)]
        yield Case('LinearAttention',
                   [*flat_[:3], state, flat_[3] if 'gated' in rule else None, beta if 'delta' in rule else None],
                   [y.reshape(2, 5, -1).astype(np.float32), last.astype(np.float32)],
                   {'q_num_heads': 4, 'kv_num_heads': 2, 'update_rule': rule, 'scale': explicit}, opset=27, rtol=1e-4,
                   atol=1e-5)


def causal_convs():
    for taps, length, has_past, activation, dtype in ((1, 4, False, 'none', np.float32), (4, 7, True, 'silu', np.float32),
                                                      (3, 1, True, 'swish', np.float32), (5, 2, False, 'none', np.float16),
                                                      (3, 0, True, 'none', np.float32)):
        x, w, bias, past = draw(2, 3, length), draw(3, 1, taps), draw(3), draw(2, 3, taps - 1)
        x, w, bias, past = (t.astype(dtype) for t in (x, w, bias, past))
        whole = np.concatenate([past if has_past else np.zeros_like(past), x], 2).astype(np.float64)
        y = np.zeros(x.shape)
        for t in range(length):
            y[:, :, t] = (whole[:, :, t:t + taps] * w[:, 0].astype(float)).sum(2) + bias
        if activation != 'none':
            y = y / (1 + np.exp(-y))
        yield Case('CausalConvWithState', [x, w, bias, past if has_past else None],
                   [y.astype(dtype), whole[:, :, length:].astype(dtype)], {'activation': activation}, opset=27, fixed=(1,),
                   rtol=1e-3 if dtype == np.float16 else 2e-6, atol=2e-3 if dtype == np.float16 else 1e-6)


def cases():
    for part in (attentions, rotaries, tensor_scatters, linear_attentions, causal_convs):
        yield from part()
