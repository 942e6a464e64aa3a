"""Steps of optimisers as their papers and TensorFlow's documentation state them, slot by slot.

Each definition takes the inputs by name and returns what the variable and its slots hold afterwards.
"""
import numpy as np

from table import golden, grid

sqrt, sign = np.sqrt, np.sign


def gradient_descent(var, alpha, delta):
    return dict(var=var - alpha * delta)


def momentum(var, accum, lr, grad, momentum, use_nesterov=False):
    accum = momentum * accum + grad
    step = lr * grad + lr * momentum * accum if use_nesterov else lr * accum
    return dict(var=var - step, accum=accum)


def fused_momentum(var, accum, lr, x1, momentum, x2, use_nesterov=False):
    grad = x1 * x2
    accum = momentum * accum + grad
    step = lr * grad + lr * momentum * accum if use_nesterov else lr * accum
    return dict(var=var - step, accum=accum)


def keras_momentum(var, accum, lr, grad, momentum, use_nesterov=False):
    accum = momentum * accum - lr * grad
    return dict(var=var + (momentum * accum - lr * grad if use_nesterov else accum), accum=accum)


def moments(m, v, beta1, beta2, grad):
    return beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2


def adam(var, m, v, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad, use_nesterov=False):
    rate = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
    m, v = moments(m, v, beta1, beta2, grad)
    top = beta1 * m + (1 - beta1) * grad if use_nesterov else m
    return dict(var=var - rate * top / (sqrt(v) + epsilon), m=m, v=v)


def amsgrad(var, m, v, vhat, beta1_power, beta2_power, lr, beta1, beta2, epsilon, grad):
    rate = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
    m, v = moments(m, v, beta1, beta2, grad)
    vhat = np.maximum(vhat, v)
    return dict(var=var - rate * m / (sqrt(vhat) + epsilon), m=m, v=v, vhat=vhat)


def adam_w(var, m, v, beta1_power, beta2_power, lr, weight_decay, beta1, beta2, epsilon, grad, max_grad_norm=None,
           amsgrad=False, maximize=False):
    grad = -grad if maximize else grad
    m, v = moments(m, v, beta1, beta2, grad)
    after = dict(m=m, v=v)
    if amsgrad:
        v = after['max_grad_norm'] = np.maximum(max_grad_norm, v)
    m_hat, v_hat = m / (1 - beta1_power * beta1), v / (1 - beta2_power * beta2)
    after['var'] = var * (1 - lr * weight_decay) - lr * m_hat / (sqrt(v_hat) + epsilon)
    return after


def ada_max(var, m, v, beta1_power, lr, beta1, beta2, epsilon, grad):
    m = beta1 * m + (1 - beta1) * grad
    v = np.maximum(beta2 * v, abs(grad))
    return dict(var=var - lr / (1 - beta1_power) * m / (v + epsilon), m=m, v=v)


def adagrad(var, accum, lr, grad, update_slots=True):
    accum = accum + grad**2 if update_slots else accum
    return dict(var=var - lr * grad / sqrt(accum), accum=accum)


def adagrad_v2(var, accum, lr, epsilon, grad, update_slots=True):
    accum = accum + grad**2 if update_slots else accum
    return dict(var=var - lr * grad / (sqrt(accum) + epsilon), accum=accum)


def rms_prop(var, ms, mom, lr, rho, momentum, epsilon, grad):
    ms = rho * ms + (1 - rho) * grad**2
    mom = momentum * mom + lr * grad / sqrt(ms + epsilon)
    return dict(var=var - mom, ms=ms, mom=mom)


def centered_rms_prop(var, mg, ms, mom, lr, rho, momentum, epsilon, grad):
    mg = rho * mg + (1 - rho) * grad
    ms = rho * ms + (1 - rho) * grad**2
    mom = momentum * mom + lr * grad / sqrt(ms - mg**2 + epsilon)
    return dict(var=var - mom, mg=mg, ms=ms, mom=mom)


def adadelta(var, accum, accum_update, lr, rho, epsilon, grad):
    accum = rho * accum + (1 - rho) * grad**2
    update = sqrt(accum_update + epsilon) / sqrt(accum + epsilon) * grad
    return dict(var=var - lr * update, accum=accum, accum_update=rho * accum_update + (1 - rho) * update**2)


def shrunk(x, rate, l1, l2):
    return sign(x) * np.maximum(abs(x) - rate * l1, 0) / (1 + rate * l2)


def proximal_gradient_descent(var, alpha, l1, l2, delta):
    return dict(var=shrunk(var - alpha * delta, alpha, l1, l2))


def proximal_adagrad(var, accum, lr, l1, l2, grad):
    accum = accum + grad**2
    rate = lr / sqrt(accum)
    return dict(var=shrunk(var - rate * grad, rate, l1, l2), accum=accum)


def add_sign(var, m, lr, alpha, sign_decay, beta, grad):
    m = beta * m + (1 - beta) * grad
    return dict(var=var - lr * (alpha + sign_decay * sign(grad) * sign(m)) * grad, m=m)


def power_sign(var, m, lr, logbase, sign_decay, beta, grad):
    m = beta * m + (1 - beta) * grad
    return dict(var=var - lr * np.exp(logbase * sign_decay * sign(grad) * sign(m)) * grad, m=m)


def ftrl_v2(var, accum, linear, grad, lr, l1, l2, l2_shrinkage, lr_power):
    pull = grad + 2 * l2_shrinkage * var
    new = accum + grad**2
    linear = linear + pull - (new**-lr_power - accum**-lr_power) / lr * var
    quadratic = new**-lr_power / lr + 2 * l2
    return dict(var=np.where(abs(linear) > l1, (sign(linear) * l1 - linear) / quadratic, 0), accum=new, linear=linear)


def ftrl(var, accum, linear, grad, lr, l1, l2, lr_power):
    return ftrl_v2(var, accum, linear, grad, lr, l1, l2, 0, lr_power)


NUMBERS = dict(alpha=0.25, lr=0.125, momentum=0.75, x2=0.5, beta=0.75, beta1=0.875, beta2=0.75, beta1_power=0.5,
               beta2_power=0.25, epsilon=0.125, rho=0.75, l1=0.5, l2=0.25, l2_shrinkage=0.125, lr_power=-0.5,
               weight_decay=0.5, sign_decay=0.5, logbase=0.75)
POSITIVE = ('v', 'vhat', 'accum', 'accum_update', 'ms', 'max_grad_norm')

# Operator, definition, names in the prototype's order, flags; the slots that are outputs; those that are attributes.
STEPS = [
    ('ApplyGradientDescent', gradient_descent, 'var alpha delta', [{}], 'var'),
    ('ApplyProximalGradientDescent', proximal_gradient_descent, 'var alpha l1 l2 delta', [{}], 'var'),
    ('ApplyMomentum', momentum, 'var accum lr grad momentum', [{}, dict(use_nesterov=True)], 'var'),
    ('ApplyMomentumD', momentum, 'var accum lr grad momentum', [{}, dict(use_nesterov=True)], 'var accum'),
    ('FusedMulApplyMomentum', fused_momentum, 'var accum lr x1 momentum x2', [{}, dict(use_nesterov=True)], 'var accum'),
    ('ApplyKerasMomentum', keras_momentum, 'var accum lr grad momentum', [{}, dict(use_nesterov=True)], 'var'),
    ('ApplyKerasMomentumD', keras_momentum, 'var accum lr grad momentum', [{}], 'var accum'),
    ('ApplyAdam', adam, 'var m v beta1_power beta2_power lr beta1 beta2 epsilon grad',
     [{}, dict(use_nesterov=True)], 'var'),
    ('ApplyAdamD', adam, 'var m v beta1_power beta2_power lr beta1 beta2 epsilon grad', [{}], 'var m v'),
    ('ApplyAdamWithAmsgrad', amsgrad, 'var m v vhat beta1_power beta2_power lr beta1 beta2 epsilon grad', [{}], 'var'),
    ('ApplyAdamWithAmsgradV2', amsgrad, 'var m v vhat beta1_power beta2_power lr beta1 beta2 epsilon grad', [{}],
     'var m v vhat'),
    ('ApplyAdamW', adam_w, 'var m v beta1_power beta2_power lr weight_decay beta1 beta2 epsilon grad',
     [{}, dict(maximize=True)], 'var m v'),
    ('ApplyAdamW', adam_w, 'var m v beta1_power beta2_power lr weight_decay beta1 beta2 epsilon grad max_grad_norm',
     [dict(amsgrad=True)], 'var m v'),
    ('ApplyAdaMax', ada_max, 'var m v beta1_power lr beta1 beta2 epsilon grad', [{}], 'var'),
    ('ApplyAdaMaxD', ada_max, 'var m v beta1_power lr beta1 beta2 epsilon grad', [{}], 'var m v'),
    ('ApplyAdagrad', adagrad, 'var accum lr grad', [{}, dict(update_slots=False)], 'var'),
    ('ApplyAdagradD', adagrad, 'var accum lr grad', [{}], 'var accum'),
    ('ApplyAdagradV2', adagrad_v2, 'var accum lr epsilon grad', [{}, dict(update_slots=False)], 'var'),
    ('ApplyAdagradV2D', adagrad_v2, 'var accum lr epsilon grad', [{}], 'var accum', 'epsilon'),
    ('ApplyProximalAdagrad', proximal_adagrad, 'var accum lr l1 l2 grad', [{}], 'var'),
    ('ApplyRMSProp', rms_prop, 'var ms mom lr rho momentum epsilon grad', [{}], 'var'),
    ('ApplyRMSPropD', rms_prop, 'var ms mom lr rho momentum epsilon grad', [{}], 'var ms mom',
     'rho momentum epsilon'),
    ('ApplyCenteredRMSProp', centered_rms_prop, 'var mg ms mom lr rho momentum epsilon grad', [{}], 'var'),
    ('ApplyAdadelta', adadelta, 'var accum accum_update lr rho epsilon grad', [{}], 'var'),
    ('ApplyAdadeltaD', adadelta, 'var accum accum_update lr rho epsilon grad', [{}], 'var accum accum_update'),
    ('ApplyAddSign', add_sign, 'var m lr alpha sign_decay beta grad', [{}], 'var'),
    ('ApplyPowerSign', power_sign, 'var m lr logbase sign_decay beta grad', [{}], 'var'),
    ('ApplyFtrl', ftrl, 'var accum linear grad lr l1 l2 lr_power', [{}], 'var'),
    ('ApplyFtrlD', ftrl, 'var accum linear grad lr l1 l2 lr_power', [{}], 'var accum linear'),
    ('ApplyFtrlV2', ftrl_v2, 'var accum linear grad lr l1 l2 l2_shrinkage lr_power', [{}], 'var'),
    ('ApplyFtrlV2D', ftrl_v2, 'var accum linear grad lr l1 l2 l2_shrinkage lr_power', [{}], 'var accum linear'),
]


def value(name, position):
    if name in NUMBERS:
        return np.float64(NUMBERS[name])
    if name in POSITIVE:
        return grid(position, 2, 3, low=0) + 0.125
    if name == 'mg':
        return grid(position, 2, 3) / 8
    return grid(position, 2, 3)


def lines():
    for op, step, names, flags, outputs, *attrs in STEPS:
        attrs = attrs[0].split() if attrs else []
        given = {name: value(name, i) for i, name in enumerate(names.split())}
        yield f'op:    {op}'
        for flag in flags:
            after = step(**given, **flag)
            inputs = {name: float(x) if name in attrs else np.asarray(x) for name, x in given.items()}
            yield golden([after[name] for name in outputs.split()], after=after, **inputs, **flag)


FILES = {'nn_training/apply_golden.cases': lines}
