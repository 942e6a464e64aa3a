"""Caches of keys and values, latent attention and the gated delta rule, token by token."""
import numpy as np

from table import golden, grid


def rms(x, gamma, epsilon):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * gamma


def turn_half(x, cos, sin):
    """Pairs lie half a row apart."""
    half = x.shape[-1] // 2
    return x * cos + np.concatenate([-x[..., half:], x[..., :half]], -1) * sin


def turn_pairs(x, cos, sin):
    """Pairs lie side by side; the result has them half a row apart."""
    return turn_half(np.concatenate([x[..., 0::2], x[..., 1::2]], -1), cos, sin)


def write_slots(cache, rows, slots):
    """cache [blocks, size, ..]; -1 is written nowhere."""
    out = cache.copy()
    size = cache.shape[1]
    for row, slot in zip(rows, slots):
        if slot >= 0:
            out[slot // size, slot % size] = row
    return out


def kv_lines():
    batch, tokens, wide, narrow = 2, 2, 3, 4
    kv, gamma = grid(1, batch, 1, tokens, wide + narrow), grid(2, wide)
    cos, sin = grid(3, batch, 1, tokens, narrow), grid(4, batch, 1, tokens, narrow)
    c_kv, k_rope = rms(kv[..., :wide], gamma, 0.25), turn_pairs(kv[..., wide:], cos, sin)
    common = dict(kv=kv, gamma=gamma, cos=cos, sin=sin, epsilon=0.25)
    yield 'op:    KvRmsNormRopeCache'
    k_cache, ckv_cache = grid(5, batch, 1, 4, narrow), grid(6, batch, 1, 4, wide)
    index = np.array([[1, 3], [0, 2]])
    k_out, ckv_out = k_cache.copy(), ckv_cache.copy()
    for b, s in np.ndindex(batch, tokens):
        k_out[b, :, index[b, s]], ckv_out[b, :, index[b, s]] = k_rope[b, :, s], c_kv[b, :, s]
    yield golden([k_out, ckv_out, k_rope, c_kv], **common, index_data=index, k_cache=k_cache, ckv_cache=ckv_cache)
    k_cache, ckv_cache = grid(7, 3, 2, 1, narrow), grid(8, 3, 2, 1, wide)
    for slots in ([5, -1, 0, 2], [-1, -1, -1, -1]):
        outputs = [write_slots(cache, rows.transpose(0, 2, 1, 3).reshape(4, 1, -1), slots)
                   for cache, rows in ((k_cache, k_rope), (ckv_cache, c_kv))]
        yield golden(outputs, **common, index_data=np.array(slots), k_cache=k_cache, ckv_cache=ckv_cache,
                     cache_mode='PA_BNSD')


def paged_lines():
    tokens, heads, size, part = 3, 2, 4, 2
    key, value, slots = grid(60, tokens, heads, size), grid(61, tokens, heads, size - 1), [4, -1, 1]
    caches = [grid(62, 3, 2, heads, size), grid(63, 3, 2, heads, size - 1)]
    written = [write_slots(cache, rows, slots) for cache, rows in zip(caches, (key, value))]
    yield 'op:    ScatterPaKvCache'
    yield golden(written, after=dict(key_cache=written[0], value_cache=written[1]), key=key, key_cache=caches[0],
                 slot_mapping_data=np.array(slots), value=value, value_cache=caches[1])
    caches, value = [grid(64 + i, 3, heads * size // part, 2, part) for i in range(2)], grid(66, tokens, heads, size)
    written = [cache.copy() for cache in caches]
    for out, rows in zip(written, (key, value)):
        for row, slot in zip(rows, slots):
            if slot >= 0:
                out[slot // 2, :, slot % 2] = row.reshape(-1, part)
    yield golden(written, after=dict(key_cache=written[0], value_cache=written[1]), key=key, key_cache=caches[0],
                 slot_mapping_data=np.array(slots), value=value, value_cache=caches[1], cache_mode='PA_NZ')


def qkv_lines():
    tokens, heads, size, part = 3, (2, 1, 1), 4, 2
    qkv = grid(10, tokens, sum(heads) * size)
    gamma_q, gamma_k, cos, sin = grid(11, size), grid(12, size), grid(13, tokens, size), grid(14, tokens, size)
    split = qkv.reshape(tokens, -1, size)
    q = turn_half(rms(split[:, :2], gamma_q, 0.25), cos[:, None], sin[:, None]).reshape(tokens, -1)
    k = turn_half(rms(split[:, 2:3], gamma_k, 0.25), cos[:, None], sin[:, None]).reshape(tokens, -1)
    v = split[:, 3].copy()
    caches = [grid(15 + i, 2, size // part, 2, part) for i in range(2)]  # [blocks, H / x, size, x]
    slots = [3, -1, 1]
    written = []
    for cache, rows in zip(caches, (k, v)):
        out = cache.copy()
        for row, slot in zip(rows, slots):
            if slot >= 0:
                out[slot // 2, :, slot % 2] = row.reshape(-1, part)
        written.append(out)
    yield 'op:    QkvRmsNormRopeCache'
    yield golden([q, *written, q, k, v], qkv=qkv, q_gamma=gamma_q, k_gamma=gamma_k, cos=cos, sin=sin,
                 index_data=np.array(slots), q_out=np.zeros((tokens, 8)), k_cache=caches[0], v_cache=caches[1],
                 qkv_size=[1, tokens, 4, size], head_nums=list(heads), epsilon=0.25)


def quantised_lines():
    batch, tokens, size = 2, 2, 4
    x = grid(20, batch, tokens, 4 * size)
    cos, sin = grid(21, batch, tokens, 1, size), grid(22, batch, tokens, 1, size)
    split = x.reshape(batch, tokens, 4, size)
    q, k, v = turn_half(split[:, :, :2], cos, sin), turn_half(split[:, :, 2:3], cos, sin), split[:, :, 3:]
    scale_k, scale_v, offset = 2.0 ** -np.arange(3, 7), np.full(4, 0.25), np.arange(4.0)
    rows = [np.clip(np.rint(t), -128, 127).astype(np.int8) for t in (k / scale_k + offset, v / scale_v)]
    caches = [np.random.RandomState(23 + i).randint(-9, 9, (batch, 4, 1, size)).astype(np.int8) for i in range(2)]

    def f32(t):
        return np.float32(t)
    common = dict(x=f32(x), cos=f32(cos), sin=f32(sin), k_cache=caches[0], v_cache=caches[1])
    scales = dict(scale_k=f32(scale_k), scale_v=f32(scale_v), offset_k=f32(offset), size_splits=[8, 4, 4])
    yield 'op:    DequantRopeQuantKvcache'
    starts, written = [1, 2], [cache.copy() for cache in caches]
    for out, t in zip(written, rows):
        for b in range(batch):
            out[b, starts[b]:starts[b] + tokens] = t[b]
    results = [f32(q), f32(k), f32(v)]
    yield golden([*results, *written], **common, indices_data=np.array(starts), **scales)
    slots = [7, 0, 2, 5]
    paged = [write_slots(cache, t.reshape(4, 1, size), slots) for cache, t in zip(caches, rows)]
    yield golden([*results, *paged], **common, indices_data=np.array(slots), **scales, cache_mode='page')


def latent_lines():
    tokens, hidden, rank, heads, d, latent, rope = 3, 4, 3, 2, 2, 3, 2
    x = grid(30, 1, tokens, hidden)
    dq, uq = grid(31, hidden, rank), grid(32, rank, heads * (d + rope))
    uk, dkv = grid(33, heads, d, latent), grid(34, hidden, latent + rope)
    gamma_q, gamma_kv = grid(35, rank), grid(36, latent)
    cos, sin = grid(37, 1, tokens, rope), grid(38, 1, tokens, rope)
    cq = rms(x @ dq, gamma_q, 0.25)
    q = (cq @ uq).reshape(1, tokens, heads, d + rope)
    query = np.einsum('bsnd,ndl->bsnl', q[..., :d], uk)
    q_rope = turn_pairs(q[..., d:], cos[:, :, None], sin[:, :, None])
    kv = x @ dkv
    ckv, kr = rms(kv[..., :latent], gamma_kv, 0.25), turn_pairs(kv[..., latent:], cos, sin)
    kv_cache, kr_cache = grid(39, 2, 2, 1, latent), grid(40, 2, 2, 1, rope)
    slots = [2, -1, 0]
    empty = np.zeros(0, np.float32)
    yield 'op:    MlaPrologV3'
    yield golden([query, q_rope, write_slots(kv_cache, ckv[0][:, None], slots),
                  write_slots(kr_cache, kr[0][:, None], slots), empty, cq, empty],
                 token_x=x, weight_dq=dq, weight_uq_qr=uq, weight_uk=uk, weight_dkv_kr=dkv, rmsnorm_gamma_cq=gamma_q,
                 rmsnorm_gamma_ckv=gamma_kv, rope_sin=sin, rope_cos=cos, kv_cache=kv_cache, kr_cache=kr_cache,
                 cache_index_data=np.array([slots]), rmsnorm_epsilon_cq=0.25, rmsnorm_epsilon_ckv=0.25,
                 query_norm_flag=True)


def delta_lines():
    lengths, key_heads, heads, dk, dv = [3, 2], 1, 2, 2, 3
    tokens = sum(lengths)
    q, k, v = grid(50, tokens, key_heads, dk), grid(51, tokens, key_heads, dk), grid(52, tokens, heads, dv)
    beta, g = grid(53, tokens, heads, low=0, high=1), grid(54, tokens, heads, low=-1, high=0)
    states, indices = grid(55, 6, heads, dv, dk), [4, 1, 2, 0, 5]

    def run(decay, accepted):
        out, after, token = np.zeros((tokens, heads, dv)), states.copy(), 0
        for b, length in enumerate(lengths):
            s = states[indices[token + accepted[b] - 1]].copy()
            for t in range(token, token + length):
                for h in range(heads):
                    s[h] *= decay[t, h]
                    s[h] += np.outer(beta[t, h] * (v[t, h] - s[h] @ k[t, 0]), k[t, 0])
                    out[t, h] = s[h] @ (q[t, 0] * 0.5)
                after[indices[t]] = s
            token += length
        return [np.float32(out), np.float32(after)]

    def f32(t):
        return np.float32(t)
    common = dict(query=f32(q), key=f32(k), value=f32(v), beta=f32(beta), state=f32(states), scale_value=0.5,
                  actual_seq_lengths_data=np.array(lengths, np.int32),
                  ssm_state_indices_data=np.array(indices, np.int32))
    yield '# The state is f32: every token adds a few roundings to it.'
    yield 'op:    RecurrentGatedDeltaRule'
    yield 'tolerance: 32 2e-6'
    yield golden(run(np.ones((tokens, heads)), [1, 1]), **common)
    yield golden(run(np.exp(g), [2, 1]), **common, g=f32(g), num_accepted_tokens_data=np.array([2, 1], np.int32))


FILES = {'experiment/scatter_pa_kv_cache_golden.cases': paged_lines,
         'fusion/kv_cache_golden.cases': lambda: [*kv_lines(), *qkv_lines(), *quantised_lines()],
         'fusion/mla_prolog_golden.cases': latent_lines,
         'fusion/delta_rule_golden.cases': delta_lines}
