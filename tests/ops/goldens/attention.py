"""Attention, one query token at a time: softmax of the scores it may see, applied to their values."""
import numpy as np

from table import golden, grid


def attention(q, k, v, scale=1.0, bias=None, bias_first=False, visible=None, sink=None, keep=None):
    """q [B, N, Sq, D], k [B, Nkv, Skv, D], v [B, Nkv, Skv, Dv]; visible(b, n, i, j) says what counts."""
    batch, heads, rows, _ = q.shape
    share = heads // k.shape[1]
    out = np.zeros(q.shape[:3] + (v.shape[3],))
    largest, total = np.zeros((batch, heads, rows)), np.zeros((batch, heads, rows))
    for b, n, i in np.ndindex(batch, heads, rows):
        seen = [j for j in range(k.shape[2]) if visible is None or visible(b, n, i, j)]
        scores = []
        for j in seen:
            s = float(np.dot(q[b, n, i], k[b, n // share, j]))
            added = 0.0 if bias is None else bias[b % bias.shape[0], n, i, j]
            scores.append((s + added) * scale if bias_first else s * scale + added)
        extra = [] if sink is None else [sink[n]]
        top = max(scores + extra) if scores + extra else -np.inf
        weights = [np.exp(s - top) for s in scores]
        norm = sum(weights) + sum(np.exp(s - top) for s in extra)
        for j, w in zip(seen, weights):
            factor = 1.0 if keep is None else keep[b, n, i, j]
            out[b, n, i] += w / norm * factor * v[b, n // share, j]
        largest[b, n, i], total[b, n, i] = top, norm
    return out, largest, total


def written(x, layout):
    """[B, N, S, D] in another layout."""
    order = {'BNSD': 'bnsd', 'BSND': 'bsnd', 'BSH': 'bsnd', 'SBH': 'sbnd', 'TND': 'bsnd'}[layout]
    y = np.einsum(f'bnsd->{order}', x)
    if layout in ('BSH', 'SBH'):
        y = y.reshape(y.shape[0], y.shape[1], -1)
    return y[0] if layout == 'TND' else y


def statistics(x):
    return np.repeat(x[..., None], 8, axis=-1)


def heads(seed, batch, n, rows, size):
    return grid(seed, batch, n, rows, size, low=-1, high=1)


def training_lines():
    q, k, v = heads(1, 2, 2, 3, 4), heads(2, 2, 2, 3, 4), heads(3, 2, 2, 3, 4)
    empty = np.zeros((0,))
    yield 'op:    FlashAttentionScore'
    for layout in ('BNSD', 'BSND', 'BSH', 'SBH'):
        out, top, norm = attention(q, k, v, 0.5)
        qkv = {name: written(x, layout) for name, x in (('query', q), ('key', k), ('value', v))}
        yield golden([statistics(top), statistics(norm), empty, written(out, layout)], **qkv, head_num=2,
                     input_layout=layout, scale_value=0.5)

    def case(q, k, v, sparse=None, visible=None, **given):
        """`visible` defines what `given` asks for."""
        bias = given.get('real_shift')
        keep = given.pop('keep', None)
        out, top, norm = attention(q, k, v, 0.5, bias, given.get('pse_type', 1) == 1, visible, keep=keep)
        if sparse is not None:
            given['sparse_mode'] = sparse
        return golden([statistics(top), statistics(norm), empty, out], query=q, key=k, value=v, head_num=q.shape[1],
                      input_layout='BNSD', scale_value=0.5, **given)

    q, k, v = heads(4, 1, 2, 3, 2), heads(5, 1, 1, 5, 2), heads(6, 1, 1, 5, 2)  # two heads share one of the keys
    pse = grid(7, 1, 2, 3, 5)
    mask = np.random.RandomState(8).rand(1, 1, 3, 5) < 0.4
    mask[0, 0, 1] = True  # a token that sees nothing
    more = k.shape[2] - q.shape[2]
    yield case(q, k, v)
    yield case(q, k, v, real_shift=pse)
    yield case(q, k, v, real_shift=pse, pse_type=0)
    yield case(q, k, v, atten_mask=mask[0, 0], sparse=1, visible=lambda b, n, i, j: not mask[0, 0, i, j])
    yield case(q, k, v, atten_mask=mask.astype(np.uint8), pre_tockens=1, next_tockens=1, sparse=0,
               visible=lambda b, n, i, j: not mask[0, 0, i, j] and i - 1 <= j <= i + 1)
    yield case(q, k, v, sparse=2, visible=lambda b, n, i, j: j <= i)
    yield case(q, k, v, sparse=3, visible=lambda b, n, i, j: j <= i + more)
    yield case(q, k, v, pre_tockens=2, next_tockens=-1, sparse=4,
               visible=lambda b, n, i, j: i + more - 2 <= j <= i + more - 1)
    two = [np.concatenate([x, x[:, :, ::-1]]) for x in (q, k, v)]
    prefix = np.array([4, 1])
    yield case(*two, prefix=prefix, sparse=5, visible=lambda b, n, i, j: j <= i + more or j < prefix[b])
    bits = np.random.RandomState(9).rand(q.shape[1] * 15) < 0.75
    keep = bits.reshape(1, 2, 3, 5) / 0.75
    yield case(q, k, v, drop_mask=np.packbits(bits, bitorder='little'), keep_prob=0.75, keep=keep)
    yield from packed_lines()


def packed_lines():
    """Two sequences after each other: each sees its own keys from the end backwards; the last token has none."""
    q, k, v = heads(10, 1, 2, 5, 2), heads(11, 1, 2, 6, 2), heads(12, 1, 2, 6, 2)
    q_ends, k_ends = [2, 4], [1, 6]
    out, top, norm = np.zeros((1, 2, 5, 2)), np.full((1, 2, 5), -np.inf), np.zeros((1, 2, 5))
    for (q0, q1), (k0, k1) in zip(((0, 2), (2, 4)), ((0, 1), (1, 6))):
        more = (k1 - k0) - (q1 - q0)
        part = attention(q[:, :, q0:q1], k[:, :, k0:k1], v[:, :, k0:k1], 0.5,
                         visible=lambda b, n, i, j, more=more: j <= i + more)
        out[:, :, q0:q1], top[:, :, q0:q1], norm[:, :, q0:q1] = part
    # A token that sees nothing has a sum of 0 and no maximum.
    stats = [written(statistics(x), 'TND') for x in (top, norm)]
    yield golden(stats + [np.zeros((0,)), written(out, 'TND')], query=written(q, 'TND'), key=written(k, 'TND'),
                 value=written(v, 'TND'), actual_seq_qlen_data=np.array(q_ends), actual_seq_kvlen=np.array(k_ends),
                 head_num=2, input_layout='TND', scale_value=0.5, sparse_mode=3)


def prompt_lines():
    q, k, v = heads(20, 2, 2, 3, 2), heads(21, 2, 1, 4, 2), heads(22, 2, 1, 4, 2)
    lengths, kv_lengths = np.array([3, 2]), np.array([2, 4])
    yield 'op:    PromptFlashAttention'
    for layout in ('BSH', 'BSND', 'BNSD'):
        out, _, _ = attention(q, k, v, 0.5)
        yield golden([written(out, layout)], query=written(q, layout), key=written(k, layout), value=written(v, layout),
                     num_heads=2, num_key_value_heads=1, input_layout=layout, scale_value=0.5)
    out, _, _ = attention(q, k, v, 0.5)
    common = dict(query=q, key=k, value=v, num_heads=2, scale_value=0.5)
    yield golden([written(out, 'BSND')], **common, input_layout='BNSD_BSND')
    pse = grid(23, 1, 2, 3, 4)
    out, _, _ = attention(q, k, v, 0.5, pse, visible=lambda b, n, i, j: i < lengths[b] and j < kv_lengths[b])
    yield golden([out], **common, input_layout='BNSD', pse_shift=pse, actual_seq_lengths_data=lengths,
                 actual_seq_lengths_kv=kv_lengths)
    out, _, _ = attention(q, k, v, 0.5, visible=lambda b, n, i, j: (
        i < lengths[b] and j < kv_lengths[b] and j <= i + kv_lengths[b] - lengths[b]))
    yield golden([out], **common, input_layout='BNSD', sparse_mode=3, actual_seq_lengths=lengths,
                 actual_seq_lengths_kv_data=kv_lengths)
    scale, offset = np.array([8.0]), np.array([1.0])
    out, _, _ = attention(q, k, v, 0.5)
    yield golden([np.clip(np.round(out * 8 + 1), -128, 127).astype(np.int8)], **common, input_layout='BNSD',
                 quant_scale2=scale.astype(np.float32), quant_offset2=offset.astype(np.float32))


def in_blocks(x, size, seed):
    """[B, N, S, D] cut into a shuffled cache [blocks, size, H] and its table."""
    rows = written(x, 'BSH')
    batch, tokens, width = rows.shape
    per_row = -(-tokens // size)
    order = np.random.RandomState(seed).permutation(batch * per_row)
    cache, table = np.full((batch * per_row + 1, size, width), 99.0), np.zeros((batch, per_row), np.int32)
    for b, i in np.ndindex(batch, per_row):
        block = order[b * per_row + i]
        part = rows[b, i * size:(i + 1) * size]
        cache[block, :len(part)] = part
        table[b, i] = block
    return cache, table


def step_lines():
    q, k, v = heads(30, 2, 4, 1, 2), heads(31, 2, 2, 5, 2), heads(32, 2, 2, 5, 2)
    lengths = np.array([5, 3])
    out, _, _ = attention(q, k, v, 0.5, visible=lambda b, n, i, j: j < lengths[b])
    mask = np.random.RandomState(33).rand(2, 5) < 0.4
    yield 'op:    IncreFlashAttention'
    for layout in ('BSH', 'BNSD', 'BSND'):
        yield golden([written(out, layout)], query=written(q, layout), key=written(k, layout), value=written(v, layout),
                     num_heads=4, num_key_value_heads=2, input_layout=layout, scale_value=0.5,
                     actual_seq_lengths_data=lengths)
    masked, _, _ = attention(q, k, v, 0.5, visible=lambda b, n, i, j: not mask[b, j])
    yield golden([masked], query=q, key=k, value=v, num_heads=4, num_key_value_heads=2, input_layout='BNSD',
                 scale_value=0.5, atten_mask=mask)
    (keys, table), (values, _) = in_blocks(k, 2, 34), in_blocks(v, 2, 34)
    yield golden([written(out, 'BSH')], query=written(q, 'BSH'), key=keys, value=values, num_heads=4,
                 num_key_value_heads=2, input_layout='BSH', scale_value=0.5, actual_seq_lengths=lengths,
                 block_table_data=table, block_size=2)
    cache = [x.astype(np.int8) for x in (k * 8, v * 8)]
    scale, offset = grid(35, 2, 2, 1, 2) / 8, grid(36, 2, 2, 1, 2)
    k8, v8 = ((x + offset[i][None]) * scale[i][None] for i, x in enumerate(cache))
    quantised, _, _ = attention(q, k8, v8, 0.5)
    yield golden([quantised], query=q, key=cache[0], value=cache[1], antiquant_scale=scale.astype(np.float32),
                 antiquant_offset=offset.astype(np.float32), num_heads=4, num_key_value_heads=2, input_layout='BNSD',
                 scale_value=0.5)


def lse(top, norm):
    return (top + np.log(norm))[..., None]


def both_lines():
    q, k, v = heads(40, 2, 4, 3, 2), heads(41, 2, 2, 5, 2), heads(42, 2, 2, 5, 2)
    lengths = np.array([5, 4])
    out, top, norm = attention(q, k, v, 0.5, visible=lambda b, n, i, j: j < lengths[b] and j <= i + lengths[b] - 3)
    common = dict(num_heads=4, num_key_value_heads=2, scale=0.5)
    yield 'op:    FusedInferAttentionScore'
    yield golden([out, lse(top, norm)], query=q, key=k, value=v, **common, input_layout='BNSD', sparse_mode=3,
                 actual_seq_lengths_kv_data=lengths, softmax_lse_flag=True)
    sink = grid(43, 4)
    out, _, _ = attention(q, k, v, 0.5, sink=sink)
    yield golden([written(out, 'BSH')], query=written(q, 'BSH'), key=written(k, 'BSH'), value=written(v, 'BSH'),
                 learnable_sink=sink, **common, input_layout='BSH')
    rope_q, rope_k = heads(44, 2, 4, 3, 2), heads(45, 2, 2, 5, 2)
    out, _, _ = attention(np.concatenate([q, rope_q], 3), np.concatenate([k, rope_k], 3), v, 0.5)
    yield golden([out], query=q, key=k, value=v, query_rope=rope_q, key_rope=rope_k, **common, input_layout='BNSD')
    scales = [grid(46 + i, 1, 2, 5) / 8 for i in range(2)]
    cache = [x.astype(np.int8) for x in (k * 8, v * 8)]
    k8, v8 = (x * scales[i].reshape(2, 1, 5, 1) for i, x in enumerate(cache))
    out, _, _ = attention(q, k8, v8, 0.5)
    k_scale, v_scale = (x.astype(np.float32) for x in scales)
    yield golden([out], query=q, key=cache[0], value=cache[1], key_antiquant_scale=k_scale, key_antiquant_mode=1,
                 value_antiquant_scale=v_scale, value_antiquant_mode=1, **common, input_layout='BNSD')
    yield from packed_cache_lines()


def packed_cache_lines():
    """Query tokens after each other, keys in the blocks of a cache."""
    q, k, v = heads(50, 1, 2, 4, 2), heads(51, 2, 2, 5, 2), heads(52, 2, 2, 5, 2)
    lengths = [5, 3]
    out, top, norm = np.zeros((1, 2, 4, 2)), np.zeros((1, 2, 4)), np.zeros((1, 2, 4))
    for b, (first, end) in enumerate(((0, 1), (1, 4))):
        more = lengths[b] - (end - first)
        part = attention(q[:, :, first:end], k[b:b + 1, :, :lengths[b]], v[b:b + 1, :, :lengths[b]], 0.5,
                         visible=lambda _, n, i, j, more=more: j <= i + more)
        out[:, :, first:end], top[:, :, first:end], norm[:, :, first:end] = part
    (keys, table), (values, _) = in_blocks(k, 2, 53), in_blocks(v, 2, 53)
    yield golden([written(out, 'TND'), written(lse(top, norm), 'TND')], query=written(q, 'TND'), key=keys, value=values,
                 actual_seq_lengths_data=np.array([1, 4]), actual_seq_lengths_kv_data=np.array(lengths),
                 block_table_data=table, num_heads=2, input_layout='TND', scale=0.5, sparse_mode=3, block_size=2,
                 softmax_lse_flag=True)


FILES = {'fusion/flash_attention_golden.cases': training_lines,
         'fusion/prompt_attention_golden.cases': prompt_lines,
         'fusion/step_attention_golden.cases': step_lines,
         'fusion/infer_attention_golden.cases': both_lines}
