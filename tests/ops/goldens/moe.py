"""Mixtures of experts, token by token: choice of experts, rows sorted by expert, results brought back."""
import numpy as np

from table import golden, grid


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def best(scores, k):
    """The k largest of a row, equal ones in their order."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]


def gate(x, k, finished=None, renorm=False):
    rows, experts = x.shape
    weights, index = np.zeros((rows, k)), np.zeros((rows, k), np.int32)
    for i, row in enumerate(x):
        chosen = best(row, k)
        weights[i] = softmax(row[chosen]) if renorm else softmax(row)[chosen]
        index[i] = [experts] * k if finished is not None and finished[i] else chosen
    return weights, index


def grouped_gate(x, k, groups, kept, bias, sigmoid, mode, factor, eps):
    scores = 1 / (1 + np.exp(-x)) if sigmoid else softmax(x)
    weights, index = np.zeros((len(x), k)), np.zeros((len(x), k), np.int32)
    for i, row in enumerate(scores):
        choice = row + bias
        parts = choice.reshape(groups, -1)
        strength = [part.max() if mode == 0 else sum(sorted(part)[-2:]) for part in parts]
        allowed = best(strength, kept)
        choice = np.array([c if j // parts.shape[1] in allowed else -np.inf for j, c in enumerate(choice)])
        index[i] = best(choice, k)
        weights[i] = row[index[i]] * factor / (row[index[i]].sum() + eps if sigmoid else 1)
    return weights, index, scores


def route(x, row_idx, expert_idx, active):
    """Rows of x in the order of their experts; where each pair went."""
    pairs = sorted(zip(expert_idx.ravel(), range(expert_idx.size)), key=lambda p: (p[0], p[1]))
    rows = [row_idx.ravel()[place] for _, place in pairs]
    where = np.zeros(len(rows), np.int32)
    for i, r in enumerate(rows):
        where[r] = i
    kept = min(len(x), active) * expert_idx.shape[1]
    return x[[r % len(x) for r in rows[:kept]]], where, np.array([e for e, _ in pairs], np.int32)


def finalize(expanded, where, scales, x1, x2, bias, experts, place):
    """place(i, k): where the k-th row of token i is numbered; -1 there means dropped."""
    y = np.zeros((len(scales), expanded.shape[1]))
    for i in range(len(scales)):
        for k in range(scales.shape[1]):
            row = where[place(i, k)]
            if row >= 0:
                y[i] += scales[i, k] * (expanded[row] + bias[experts[i, k]])
    return y + x1 + x2


def lines():
    x, k = grid(1, 5, 6), 2
    finished = np.array([False, True, False, False, True])
    rows = np.arange(5 * k, dtype=np.int32).reshape(k, 5).T
    yield 'op:    MoeGatingTopKSoftmax'
    yield golden([*gate(x, k), rows], x=x, k=k)
    yield golden([*gate(x, k, finished), rows], x=x, finished=finished, k=k)
    yield 'op:    MoeGatingTopKSoftmaxV2'
    for renorm in (0, 1):
        yield golden([*gate(x, k, renorm=renorm), softmax(x)], x=x, k=k, renorm=renorm)
    yield 'op:    MoeGatingTopK'
    x, bias = grid(2, 3, 8), grid(3, 8)
    for norm, mode in ((0, 0), (1, 0), (1, 1)):
        outputs = grouped_gate(x, 3, 4, 2, bias, norm == 1, mode, 2.5, 0.125)
        yield golden(outputs, x=x, bias=bias, k=3, k_group=2, group_count=4, group_select_mode=mode, norm_type=norm,
                     routed_scaling_factor=2.5, eps=0.125)
    tokens, experts = 4, 3
    x = grid(4, tokens, 2)
    expert_idx = np.random.RandomState(5).randint(0, experts, (tokens, k)).astype(np.int32)
    row_idx = np.arange(tokens * k, dtype=np.int32).reshape(k, tokens).T
    yield 'op:    MoeInitRouting'
    for active in (tokens, 3):
        yield golden(route(x, row_idx, expert_idx, active), x=x, row_idx_data=row_idx, expert_idx_data=expert_idx,
                     active_num=active)
    yield 'op:    MoeComputeExpertTokens'
    ordered = np.sort(expert_idx.ravel())
    yield golden([np.array([(ordered <= e).sum() for e in range(experts)], np.int32)], sorted_experts=ordered,
                 num_experts=experts)
    expanded, where, _ = route(x, row_idx, expert_idx, tokens)
    expanded = expanded * 2
    scales, bias, x1, x2 = grid(6, tokens, k), grid(7, experts, 2), grid(8, tokens, 2), grid(9, tokens, 2)
    by_k = finalize(expanded, where, scales, x1, x2, bias, expert_idx, lambda i, j: j * tokens + i)
    yield 'op:    MoeFinalizeRouting'
    yield golden([by_k], expanded_x=expanded, x1=x1, x2=x2, bias=bias, scales=scales, expanded_row_idx_data=where,
                 expanded_expert_idx_data=expert_idx)
    yield 'op:    MoeFinalizeRoutingV2'
    dropped = where.copy()
    dropped[::3] = -1
    for mode in range(4):
        index = dropped if mode % 2 else where
        place = (lambda i, j: i * k + j) if mode >= 2 else (lambda i, j: j * tokens + i)
        y = finalize(expanded, index, scales, x1, 0, bias, expert_idx, place)
        yield golden([y], expanded_x=expanded, expanded_row_idx_data=index, x1=x1, bias=bias, scales=scales,
                     expert_idx=expert_idx, drop_pad_mode=mode)


def routed(x, expert_idx, active, first, end):
    """Pairs numbered token by token; experts outside [first, end) come last."""
    k = expert_idx.shape[1]
    keys = [e if first <= e < end else 10**6 for e in expert_idx.ravel()]
    pairs = sorted(range(len(keys)), key=lambda p: (keys[p], p))
    where = np.zeros(len(pairs), np.int32)
    for i, p in enumerate(pairs):
        where[p] = i
    counts = np.array([keys.count(e) for e in range(first, end)])
    return x[[p // k for p in pairs[:active]]], where, counts, np.array(pairs, np.int32)


def version_lines():
    x = grid(20, 4, 3)
    expert_idx = np.array([[2, 0], [1, 2], [0, 1], [2, 1]], np.int32)
    rows, where, counts, pairs = routed(x, expert_idx, 8, 0, 3)
    common = dict(x=x, expert_idx_data=expert_idx, expert_num=3)
    yield 'op:    MoeInitRoutingV2'
    yield golden([rows, where, np.cumsum(counts).astype(np.int32), np.zeros(0, np.int32)], **common,
                 expert_tokens_count_or_cumsum_flag=1)
    yield golden([rows[:5], where, counts.astype(np.int32)], **common, active_num=5, expert_tokens_count_or_cumsum_flag=2)
    yield 'op:    MoeInitRoutingV3'
    yield golden([rows, where, np.cumsum(counts), np.zeros(0, np.float32)], **common, expert_tokens_num_flag=True)
    rows, _, counts, pairs = routed(x, expert_idx, 6, 1, 3)
    yield golden([rows, pairs, counts, np.zeros(0, np.float32)], **common, active_num=6, active_expert_range=[1, 3],
                 expert_tokens_num_type=1, expert_tokens_num_flag=True, row_idx_type=1)
    scale = np.abs(rows).max(-1) / 127
    yield golden([np.rint(rows / scale[:, None]).astype(np.int8), pairs, np.zeros(0, np.int64), scale], **common,
                 active_num=6, active_expert_range=[1, 3], row_idx_type=1, quant_mode=1)


FILES = {'fusion/moe_golden.cases': lambda: [*lines(), *version_lines()]}
