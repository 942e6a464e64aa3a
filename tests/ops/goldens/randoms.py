"""Philox4x32-10 (Salmon et al., SC 2011) block by block in Python integers, and what TensorFlow makes of its words."""
import math

import numpy as np

from table import golden

MASK = 0xffffffff


def philox(counter, key):
    c = [counter >> 32 * i & MASK for i in range(4)]
    k = [key & MASK, key >> 32 & MASK]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & MASK, p0 >> 32 ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


# The authors' known answers.
assert philox(0, 0) == [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
assert philox((1 << 128) - 1, (1 << 64) - 1) == [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]


def words(count, key, low=0, high=0):
    start = high << 64 | low
    return [w for j in range(-(-count // 4)) for w in philox((start + j) % (1 << 128), key)][:count]


def uniform(count, dtype, *stream):
    if dtype == 'f64':
        w = words(2 * count, *stream)
        return np.array([((w[2 * i] & 0xfffff) << 32 | w[2 * i + 1]) / 2.0**52 for i in range(count)])
    bits = {'f32': 23, 'f16': 10}[dtype]
    values = [(w & (1 << bits) - 1) / 2.0**bits for w in words(count, *stream)]
    return np.array(values, np.float32 if dtype == 'f32' else np.float16)


def normal(count, dtype, *stream):
    u = uniform(count + count % 2, dtype, *stream)
    out = []
    for a, b in zip(u[::2].astype(float), u[1::2].astype(float)):
        radius, angle = math.sqrt(-2 * math.log(max(a, 1e-7))), 2 * math.pi * b
        out += [math.sin(angle) * radius, math.cos(angle) * radius]
    return np.array(out[:count])


def shaped(x, *shape):
    return x.reshape(shape)


def counter_lines():
    key, low, high = 0x123456789ab, (1 << 53) - 1024, 5
    shape = np.array([3, 3])
    given = dict(shape=shape, key=np.array([key], np.uint64), counter=np.array([low, high], np.uint64),
                 alg=np.array([1], np.int32))
    yield 'op:    StatelessRandomUniformV2'
    for dtype in ('f32', 'f16', 'f64'):
        yield golden([shaped(uniform(9, dtype, key, low, high), 3, 3)], **given, dtype=dtype)
    yield 'op:    StatelessRandomNormalV2'
    # f32 results carry the error of their sine and cosine; f64 ones show that the formula is right.
    yield golden([shaped(normal(9, 'f64', key, low, high), 3, 3)], **given, dtype='f64')
    prob = np.array([0.25, 0.5, 0.75, 1, 0])
    stream = dict(seed_data=np.array([7]), offset_data=np.array([9]))
    y = uniform(5, 'f64', 7, 0, 9) < prob
    yield 'op:    StatelessBernoulliV2'
    yield golden([y.astype(float)], x=prob, **stream)
    yield golden([y], x=prob, **stream, dtype='b')
    yield 'op:    StatelessBernoulli'
    yield golden([shaped(uniform(6, 'f64', 7, 0, 9) < 0.5, 2, 3).astype(np.int8)], shape=np.array([2, 3]),
                 prob=np.array(0.5), **stream, dtype='i8')
    yield 'op:    StatelessRandperm'
    w = words(14, 7, 0, 9)
    order = sorted(range(7), key=lambda i: w[2 * i + 1] << 32 | w[2 * i])
    yield golden([np.array(order)], n=np.array([7]), **stream)


def seed_lines():
    shape = np.array([2, 5])
    yield 'op:    RandomUniform'
    for dtype in ('f32', 'f64'):
        yield golden([shaped(uniform(10, dtype, 3, 0, 4), 2, 5)], shape=shape, seed=3, seed2=4, dtype=dtype)
    yield 'op:    RandomStandardNormal'
    yield golden([shaped(normal(10, 'f64', 3, 0, 4), 2, 5)], shape=shape, seed=3, seed2=4, dtype='f64')
    yield 'op:    RandomUniformInt'
    w = words(20, 3, 0, 4)
    drawn = [-5 + (w[2 * i + 1] << 32 | w[2 * i]) % 12 for i in range(10)]
    yield golden([shaped(np.array(drawn), 2, 5)], shape=shape, min=np.array([-5]), max=np.array([7]), seed=3, seed2=4)
    x = np.array([[0.5, 2, 0, 1], [0, 0, 1, 0]])
    stream = dict(seed_data=np.array([3]), offset_data=np.array([4]))

    def draw(weights, u):
        return np.array([[int((np.cumsum(row) <= share * row.sum()).sum()) for share in shares]
                         for row, shares in zip(weights, u)])
    yield 'op:    Multinomial'
    yield golden([draw(np.exp(x), shaped(uniform(12, 'f64', 3, 0, 4), 2, 6)).astype(np.int32)], logits=x,
                 num_samples=np.array(6, np.int32), dtype='i32', seed=3, seed2=4)
    yield 'op:    MultinomialWithReplacement'
    yield golden([draw(x, shaped(uniform(12, 'f64', 3, 0, 4), 2, 6))], x=x, **stream, numsamples=6, replacement=True)
    noise = -np.log1p(-shaped(uniform(8, 'f64', 3, 0, 4), 2, 4))
    order = np.argsort(-x / noise, axis=1, kind='stable')[:, :3]
    yield golden([order], x=x, **stream, numsamples=3)
    keep = uniform(256, 'f32', 3, 0, 9) < 0.75
    bits = np.packbits(keep, bitorder='little')
    yield 'op:    StatelessDropOutGenMask'
    yield golden([bits], shape=np.array([10, 13]), prob=np.array(0.75, np.float32), seed_data=np.array([3]),
                 seed1_data=np.array([4]), offset_data=np.array([5]))
    yield golden([bits], shape=np.array([10, 13]), prob=np.array(0.75, np.float32), seed_data=np.array([3]),
                 seed1_data=np.array([0]), offset_data=np.array([0, 9]))
    yield 'op:    DropOutGenMask'
    yield golden([bits[:16]], shape=np.array([2, 3]), prob=np.array(0.75, np.float32), seed=3, seed2=9)
    x = np.arange(1.0, 7).reshape(2, 3)
    yield 'op:    DropOutDoMask'
    yield golden([np.where(shaped(keep[:6], 2, 3), x / 0.75, 0)], x=x, mask_data=bits[:16],
                 keep_prob=np.array(0.75, np.float64))


FILES = {'random/random_golden.cases': seed_lines, 'stateless_random/stateless_golden.cases': counter_lines}
