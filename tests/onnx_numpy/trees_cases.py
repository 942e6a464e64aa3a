"""Tree ensembles and n-grams."""
import itertools
from math import erf

import numpy as np
from onnx import numpy_helper

from case import Case

RNG = np.random.default_rng(11)
OPS = {'BRANCH_LEQ': np.less_equal, 'BRANCH_LT': np.less, 'BRANCH_GTE': np.greater_equal, 'BRANCH_GT': np.greater,
       'BRANCH_EQ': np.equal, 'BRANCH_NEQ': np.not_equal}
MODES = [*OPS, 'BRANCH_MEMBER']


def grow(depth, features, targets, member, values):
    """A tree as nested tuples: (feature, mode, split, missing, yes, no), or a list of votes (target, weight)."""
    if depth == 0 or RNG.random() < 0.1:
        return [(int(RNG.integers(targets)), float(RNG.choice(values))) for _ in range(1)]
    mode = MODES[RNG.integers(7 if member else 6)]
    split = set(RNG.integers(-3, 4, 3) / 2.0) if mode == 'BRANCH_MEMBER' else float(RNG.integers(-4, 5) / 2)
    return (int(RNG.integers(features)), mode, split, int(RNG.integers(2)), *(
        grow(depth - 1, features, targets, member, values) for _ in range(2)))


def leaf_of(tree, x):
    while isinstance(tree, tuple):
        feature, mode, split, missing, yes, no = tree
        v = x[feature]
        holds = bool(missing) if np.isnan(v) else v in split if mode == 'BRANCH_MEMBER' else OPS[mode](v, split)
        tree = yes if holds else no
    return tree


def scores(trees, x, targets, aggregate='SUM', base=None):
    out = np.zeros((x.shape[0], targets))
    for r, row in enumerate(x):
        votes = [vote for tree in trees for vote in leaf_of(tree, row)]
        for t in range(targets):
            weights = [w for target, w in votes if target == t]
            if weights:
                out[r, t] = {'SUM': sum, 'MIN': min, 'MAX': max, 'AVERAGE': lambda w: sum(w) / len(trees)}[aggregate](weights)
    return out + (0 if base is None else np.array(base))


def transformed(s, name):
    if name == 'LOGISTIC':
        return 1 / (1 + np.exp(-s))
    if name.startswith('SOFTMAX'):
        e = np.exp(s - s.max(1, keepdims=True)) * (1 if name == 'SOFTMAX' else s != 0)
        return e / np.maximum(e.sum(1, keepdims=True), 1e-300)
    return s


def walk(tree, nodes):
    """Old form: nodes in preorder with their numbers."""
    number = len(nodes)
    nodes.append(None)
    if isinstance(tree, tuple):
        yes, no = (walk(child, nodes) for child in tree[4:])
        nodes[number] = (*tree[:4], yes, no)
    else:
        nodes[number] = tree
    return number


def old_attributes(trees, votes):
    a = {f'nodes_{k}': [] for k in ('treeids', 'nodeids', 'featureids', 'modes', 'values', 'truenodeids', 'falsenodeids',
                                    'missing_value_tracks_true')}
    b = {f'{votes}_{k}': [] for k in ('treeids', 'nodeids', 'ids', 'weights')}
    for t, tree in enumerate(trees):
        nodes = []
        walk(tree, nodes)
        for i, node in enumerate(nodes):
            branch = isinstance(node, tuple)
            row = (t, i, *((node[0], node[1], node[2], node[4], node[5], node[3]) if branch else (0, 'LEAF', 0.0, 0, 0, 0)))
            for key, value in zip(a, row):
                a[key].append(value)
            for target, weight in [] if branch else node:
                for key, value in zip(b, (t, i, target, weight)):
                    b[key].append(value)
    return {**a, **b}


def new_attributes(trees, dtype):
    """Branches and leaves are numbered apart."""
    branches, leaves = [], []

    def number(tree):
        if not isinstance(tree, tuple):
            leaves.append(tree[0])
            return 1, len(leaves) - 1
        at = len(branches)
        branches.append(tree)
        branches[at] = (tree, number(tree[4]), number(tree[5]))
        return 0, at
    roots = [number(t)[1] for t in trees]
    members = [v for tree, *_ in branches if tree[1] == 'BRANCH_MEMBER' for v in [*sorted(tree[2]), np.nan]]
    splits = [0.0 if tree[1] == 'BRANCH_MEMBER' else tree[2] for tree, *_ in branches]
    return {
        'tree_roots': roots, 'nodes_featureids': [b[0][0] for b in branches],
        'nodes_modes': numpy_helper.from_array(np.array([MODES.index(b[0][1]) for b in branches], np.uint8)),
        'nodes_splits': numpy_helper.from_array(np.array(splits, dtype)),
        'nodes_missing_value_tracks_true': [b[0][3] for b in branches],
        'nodes_trueleafs': [b[1][0] for b in branches], 'nodes_truenodeids': [b[1][1] for b in branches],
        'nodes_falseleafs': [b[2][0] for b in branches], 'nodes_falsenodeids': [b[2][1] for b in branches],
        'leaf_targetids': [t for t, _ in leaves],
        'leaf_weights': numpy_helper.from_array(np.array([w for _, w in leaves], dtype)),
        **({'membership_values': numpy_helper.from_array(np.array(members, dtype))} if members else {})}


def rows(count, features, dtype):
    x = RNG.integers(-5, 6, (count, features)) / 2.0
    if np.dtype(dtype).kind == 'f':
        x[RNG.random(x.shape) < 0.1] = np.nan
    return x.astype(dtype)


def forest(targets, member=False, values=(-2.5, -1, 0.5, 3)):
    trees = []
    while len(trees) < 4:  # a tree has a branch at its root
        tree = grow(3, 3, targets, member, values)
        trees += [tree] if isinstance(tree, tuple) else []
    return trees


def ensembles():
    for number, aggregate in enumerate(('AVERAGE', 'SUM', 'MIN', 'MAX')):
        for code, name in ((0, 'NONE'), (1, 'SOFTMAX'), (2, 'LOGISTIC'), (3, 'SOFTMAX_ZERO')):
            trees = forest(3, True)
            for dtype in (np.float32, np.float64):
                x = rows(20, 3, dtype)
                y = transformed(scores(trees, x, 3, aggregate), name)
                yield Case('ai.onnx.ml::TreeEnsemble', [x], [y.astype(dtype)],
                           {**new_attributes(trees, dtype), 'n_targets': 3, 'aggregate_function': number,
                            'post_transform': code}, opset=5)
            x = rows(20, 3, np.float32)
            y = transformed(scores(plain := forest(2), x, 2, aggregate, [0.5, -1]), name)
            yield Case('ai.onnx.ml::TreeEnsembleRegressor', [x], [y.astype(np.float32)],
                       {**old_attributes(plain, 'target'), 'n_targets': 2, 'aggregate_function': aggregate,
                        'base_values': [0.5, -1.0], 'post_transform': name}, opset=3)
    trees = forest(1, values=(0.125, 0.25))
    x = rows(20, 3, np.int64)
    halfway = scores(trees, x, 1)

    def probit(y):
        back = np.array([[0.5 * (1 + erf(v / 2**0.5)) for v in row] for row in y])
        return '' if np.abs(back - halfway).max() < 1e-6 else 'the normal distribution does not give the scores back'
    yield Case('ai.onnx.ml::TreeEnsembleRegressor', [x], probit,
               {**old_attributes(trees, 'target'), 'n_targets': 1, 'post_transform': 'PROBIT'}, opset=3,
               out_types=[np.float32])


def classifiers():
    for name, dtype in itertools.product(('NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO'), (np.float32, np.int32)):
        trees, x = forest(3), rows(30, 3, dtype)
        s = scores(trees, x, 3, base=[0.1, 0.2, -0.3])
        yield Case('ai.onnx.ml::TreeEnsembleClassifier', [x],
                   [np.array([7, -1, 5])[s.argmax(1)], transformed(s, name).astype(np.float32)],
                   {**old_attributes(trees, 'class'), 'classlabels_int64s': [7, -1, 5], 'base_values': [0.1, 0.2, -0.3],
                    'post_transform': name}, opset=3)
    for positive, name in itertools.product((True, False), ('NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO')):
        trees = forest(1, values=(0.125, 0.25) if positive else (-1.0, 0.5, 0.75))
        x = rows(30, 3, np.float32)
        s = scores(trees, x, 1)[:, 0]
        both = np.stack([1 - s if positive and name == 'NONE' else -s, s], 1)
        both = transformed(both, name)
        label = np.where(s > (0.5 if positive else 0), 4, 3)
        yield Case('ai.onnx.ml::TreeEnsembleClassifier', [x], [label, both.astype(np.float32)],
                   {**old_attributes(trees, 'class'), 'classlabels_int64s': [3, 4], 'post_transform': name}, opset=3)


def ngrams(x, grams, columns, weights, shortest, longest, skip, mode):
    out = np.zeros((x.shape[0], max(columns) + 1))
    for r, row in enumerate(x):
        for gram, column, weight in zip(grams, columns, weights):
            n = len(gram)
            found = 0
            for step in range(1, 2 if n == 1 else skip + 2):
                for at in range(len(row) - (n - 1) * step):
                    found += tuple(row[at:at + (n - 1) * step + 1:step]) == gram
            if shortest <= n <= longest:
                out[r, column] += {'TF': found, 'IDF': min(found, 1) * weight, 'TFIDF': found * weight}[mode]
    return out.astype(np.float32)


def vectorizers():
    grams = [(1,), (3,), (0, 1), (1, 1), (2, 3), (1, 2, 0)]
    columns, weights = [2, 0, 1, 6, 3, 5], [1.0, 2.0, 0.5, 3.0, 1.0, 4.0]
    for mode, (low, high), skip, dtype in itertools.product(('TF', 'IDF', 'TFIDF'), ((1, 3), (2, 2)), (0, 2),
                                                            (np.int32, np.int64)):
        x = RNG.integers(0, 4, (3, 9)).astype(dtype)
        attrs = {'mode': mode, 'min_gram_length': low, 'max_gram_length': high, 'max_skip_count': skip,
                 'ngram_counts': [0, 2, 8], 'ngram_indexes': columns, 'weights': weights,
                 'pool_int64s': [v for g in grams for v in g]}
        y = ngrams(x, grams, columns, weights, low, high, skip, mode)
        yield Case('TfIdfVectorizer', [x], [y], attrs, opset=9)
        yield Case('TfIdfVectorizer', [x[0]], [y[0]], attrs, opset=9)


def cases():
    for part in (ensembles, classifiers, vectorizers):
        yield from part()
    x = RNG.integers(-5, 5, (2, 3, 4))
    for dtype in (np.float32, np.float64, np.int32, np.int64):
        yield Case('ai.onnx.ml::Binarizer', [x.astype(dtype)], [(x > 0.5).astype(dtype)], {'threshold': 0.5}, opset=1)
        at = np.array([[3, 0, 3]])
        yield Case('ai.onnx.ml::ArrayFeatureExtractor', [x.astype(dtype), at], [x[..., [3, 0, 3]].astype(dtype)], opset=1)
        yield Case('ai.onnx.ml::ArrayFeatureExtractor', [x[0, 0].astype(dtype), at], [x[0, :1, [3, 0, 3]].T.astype(dtype)],
                   opset=1)
