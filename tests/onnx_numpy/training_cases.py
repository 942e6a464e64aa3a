"""Optimisers, and gradients against finite differences."""
import itertools

import numpy as np

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


def cases():
    for t, dtype in itertools.product((0, 1, 7), (np.float32, np.float64)):
        for attrs in ({}, {'norm_coefficient': 0.25, 'decay_factor': 0.5, 'epsilon': 0.125}):
            yield optimizer('Adagrad', adagrad, 1, t, dtype, attrs)
        for attrs in ({}, {'norm_coefficient': 0.25, 'norm_coefficient_post': 0.5, 'alpha': 0.75, 'beta': 0.875,
                           'epsilon': 0.125}):
            yield optimizer('Adam', adam, 2, t, dtype, attrs)
        for mode in ('standard', 'nesterov'):
            yield optimizer('Momentum', momentum, 1, t, dtype,
                            {'alpha': 0.75, 'beta': 0.5, 'mode': mode, 'norm_coefficient': 0.125})
