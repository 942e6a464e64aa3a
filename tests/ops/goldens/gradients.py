"""Gradients, place by place: what an element of x gets is the sum over all results that read it."""
import numpy as np

from table import golden, grid


def windows(extents, outs, kernel, stride, pad, dilation=None):
    """(output place, kernel place, input place) of a window operator; places outside of the input are left out."""
    dilation = dilation or [1] * len(kernel)
    for out in np.ndindex(*outs):
        for tap in np.ndindex(*kernel):
            at = tuple(o * s - p + t * d for o, s, p, t, d in zip(out, stride, pad, tap, dilation))
            if all(0 <= a < n for a, n in zip(at, extents)):
                yield out, tap, at


def outs_of(extents, kernel, stride, low, high):
    return [(n + lo + hi - k) // s + 1 for n, k, s, lo, hi in zip(extents, kernel, stride, low, high)]


def max_pooled(x, kernel, stride, low, high):
    """x [N, C, ...]: the largest of each window and the place, row by row, of the first that is as large."""
    outs = outs_of(x.shape[2:], kernel, stride, low, high)
    y = np.full((*x.shape[:2], *outs), -np.inf)
    places = np.zeros(y.shape, np.int64)
    for n, c in np.ndindex(*x.shape[:2]):
        for out, _, at in windows(x.shape[2:], outs, kernel, stride, low):
            if x[n, c][at] > y[n, c][out]:
                y[n, c][out] = x[n, c][at]
                places[n, c][out] = np.ravel_multi_index(at, x.shape[2:])
    return y, places


def to_places(shape, dy, places):
    dx = np.zeros(shape)
    for at in np.ndindex(*dy.shape):
        dx[at[:2]].reshape(-1)[places[at]] += dy[at]
    return dx


def average_back(shape, dy, kernel, stride, low, counts):
    """counts: of the elements that each window averages; None: those inside."""
    dx = np.zeros(shape)
    for n, c in np.ndindex(*shape[:2]):
        steps = list(windows(shape[2:], dy.shape[2:], kernel, stride, low))
        inside = np.zeros(dy.shape[2:])
        for out, _, _ in steps:
            inside[out] += 1
        for out, _, at in steps:
            dx[n, c][at] += dy[n, c][out] / (counts or inside[out])
    return dx


def last(x):
    return np.moveaxis(x, 1, -1)


def max_pool_lines():
    x = np.random.RandomState(1).permutation(2 * 2 * 5 * 4).reshape(2, 2, 5, 4) / 8 - 4
    kernel, stride = (3, 2), (2, 1)
    y, places = max_pooled(x, kernel, stride, (1, 0), (1, 0))
    dy = grid(2, *y.shape)
    dx = to_places(x.shape, dy, places)
    yield 'op:    MaxPoolWithArgmaxV3'
    first = dict(ksize=[1, 1, *kernel], strides=[1, 1, *stride], pads=[1, 0])
    channels_last = dict(ksize=[1, *kernel, 1], strides=[1, *stride, 1], pads=[1, 1, 0, 0], data_format='NHWC')
    yield golden([y, places.astype(np.int32)], x=x, **first)
    yield golden([last(y), last(places)], x=last(x), dtype=9, **channels_last)
    yield 'op:    MaxPoolGradWithArgmaxV3'
    yield golden([dx], x=x, grad=dy, argmax_data=places.astype(np.int32), **first)
    yield golden([last(dx)], x=last(x), grad=last(dy), argmax_data=last(places), dtype=9, **channels_last)
    yield 'op:    MaxPoolGradWithArgmaxV1'
    yield golden([dx], x=x, grad=dy, argmax_data=places.astype(np.int32), ksize=[1, *kernel, 1],
                 strides=[1, *stride, 1], pads=[1, 1, 0, 1])
    yield 'op:    MaxPoolGrad'
    nchw = dict(ksize=[1, 1, *kernel], strides=[1, 1, *stride], data_format='NCHW')
    for padding, low, high in (('VALID', (0, 0), (0, 0)), ('SAME', (1, 0), (1, 1))):
        y, places = max_pooled(x, kernel, stride, low, high)
        dy = grid(3, *y.shape)
        dx = to_places(x.shape, dy, places)
        yield golden([dx], x1=x, x2=y, grad=dy, padding=padding, **nchw)
        yield golden([last(dx)], x1=last(x), x2=last(y), grad=last(dy), padding=padding, ksize=[1, *kernel, 1],
                     strides=[1, *stride, 1])
    yield 'op:    MaxPool3DGrad'
    x = np.random.RandomState(4).permutation(2 * 3 * 4 * 3).reshape(1, 2, 3, 4, 3) / 8 - 4
    kernel, stride = (2, 3, 2), (1, 2, 1)
    y, places = max_pooled(x, kernel, stride, (0, 1, 1), (1, 1, 0))
    dy = grid(5, *y.shape)
    dx = to_places(x.shape, dy, places)
    yield golden([dx], orig_x=x, orig_y=y, grads=dy, ksize=[1, 1, *kernel], strides=[1, 1, *stride],
                 pads=[0, 1, 1, 1, 1, 0], data_format='NCDHW')
    yield golden([last(dx)], orig_x=last(x), orig_y=last(y), grads=last(dy), ksize=[1, *kernel, 1],
                 strides=[1, *stride, 1], pads=[0, 1, 1, 1, 1, 0])


def average_pool_lines():
    shape, kernel, stride = (1, 2, 5, 4), (3, 2), (2, 1)
    yield 'op:    AvgPoolGrad'
    for padding, low, high in (('VALID', (0, 0), (0, 0)), ('SAME', (1, 0), (1, 1))):
        dy = grid(6, 1, 2, *outs_of(shape[2:], kernel, stride, low, high))
        dx = average_back(shape, dy, kernel, stride, low, None)
        yield golden([dx], orig_input_shape=np.array(shape, np.int32), input_grad=dy, padding=padding,
                     ksize=[1, 1, *kernel], strides=[1, 1, *stride], data_format='NCHW')
        yield golden([last(dx)], orig_input_shape=np.array([1, 5, 4, 2], np.int32), input_grad=last(dy),
                     padding=padding, ksize=[1, *kernel, 1], strides=[1, *stride, 1])
    yield 'op:    AvgPool3DGrad'
    shape, kernel, stride, low, high = (1, 2, 3, 4, 3), (2, 3, 2), (1, 2, 1), (0, 1, 1), (1, 1, 0)
    dy = grid(7, 1, 2, *outs_of(shape[2:], kernel, stride, low, high))
    common = dict(pads=[0, 1, 1, 1, 1, 0], ksize=[1, 1, *kernel], strides=[1, 1, *stride], data_format='NCDHW')
    for counts, more in ((12, {}), (None, {'count_include_pad': False}), (5, {'divisor_override': 5})):
        dx = average_back(shape, dy, kernel, stride, low, counts)
        yield golden([dx], orig_input_shape=np.array(shape, np.int32), grads=dy, **common, **more)
    yield 'op:    AdaptiveAvgPool2dGrad'
    for shape, outs in (((1, 2, 5, 7), (3, 2)), ((2, 3, 4), (2, 3))):
        dy = grid(8, *shape[:-2], *outs)
        dx = np.zeros(shape)
        for i, j in np.ndindex(*outs):
            h, w = shape[-2:]
            rows = slice(i * h // outs[0], -(-(i + 1) * h // outs[0]))
            columns = slice(j * w // outs[1], -(-(j + 1) * w // outs[1]))
            part = dx[..., rows, columns]
            part += dy[..., i:i + 1, j:j + 1] / (part.shape[-2] * part.shape[-1])
        yield golden([dx], input_grad=dy, orig_input_shape=list(shape))


def convolution_back(x, w, dy, stride, low, dilation, groups):
    """x [N, C, ...], w [O, C / groups, ...], dy [N, O, ...]: the gradients by x and by w."""
    dx, dw = np.zeros(x.shape), np.zeros(w.shape)
    inputs, outputs = w.shape[1], w.shape[0] // groups
    for n, o, c in np.ndindex(x.shape[0], w.shape[0], inputs):
        channel = o // outputs * inputs + c
        for out, tap, at in windows(x.shape[2:], dy.shape[2:], w.shape[2:], stride, low, dilation):
            dx[(n, channel, *at)] += dy[(n, o, *out)] * w[(o, c, *tap)]
            dw[(o, c, *tap)] += dy[(n, o, *out)] * x[(n, channel, *at)]
    return dx, dw


def convolution_lines():
    x, w, dy = grid(9, 1, 4, 3, 5, 4), grid(10, 2, 2, 2, 2, 3), grid(11, 1, 2, 3, 2, 3)
    stride, low, dilation = (1, 2, 1), (0, 1, 1), (1, 2, 1)  # pads [0, 1], [1, 0], [1, 0]
    dx, dw = convolution_back(x, w, dy, stride, low, dilation, 2)
    first = dict(strides=[1, 1, *stride], pads=[0, 1, 1, 0, 1, 0], dilations=[1, 1, *dilation], groups=2,
                 data_format='NCDHW')
    channels_last = dict(strides=[1, *stride, 1], pads=[0, 1, 1, 0, 1, 0], dilations=[1, *dilation, 1], groups=2)

    def filter_last(w):  # [kernel..., C / groups, O]
        return np.moveaxis(w, (0, 1), (-1, -2))

    def extents(t):
        return np.array(t.shape, np.int32)
    yield 'op:    Conv3DBackpropInput'
    yield golden([dx], input_size=extents(x), filter=w, out_backprop=dy, **first)
    yield golden([last(dx)], input_size=extents(last(x)), filter=filter_last(w), out_backprop=last(dy),
                 **channels_last)
    yield 'op:    Conv3DBackpropFilter'
    yield golden([dw], x=x, filter_size=extents(w), out_backprop=dy, **first)
    yield golden([filter_last(dw)], x=last(x), filter_size=extents(filter_last(w)), out_backprop=last(dy),
                 **channels_last)
    x, w, dy = grid(12, 2, 3, 5, 4), grid(13, 6, 1, 3, 2), grid(14, 2, 6, 3, 3)
    dx, dw = convolution_back(x, w, dy, (2, 1), (1, 0), (1, 1), 3)
    # The filter is [height, width, C, multiplier] in both layouts of the others.
    turned = np.moveaxis(w.reshape(3, 2, 3, 2), (0, 1), (2, 3))
    dw = np.moveaxis(dw.reshape(3, 2, 3, 2), (0, 1), (2, 3))
    common = dict(strides=[1, 2, 1, 1], pads=[1, 1, 0, 0])
    yield 'op:    DepthwiseConv2DBackpropInput'
    yield golden([last(dx)], input_size=extents(last(x)), filter=turned, out_backprop=last(dy), **common)
    yield 'op:    DepthwiseConv2DBackpropFilter'
    yield golden([dw], input=last(x), filter_size=extents(turned), out_backprop=last(dy), **common)


def normalised_back(dy, x, rstd, mean, scale, axes):
    """Through the mean and the variance, each as a step of its own."""
    count = np.prod([x.shape[a] for a in axes])
    g = dy * scale
    variance = (g * (x - mean)).sum(axes, keepdims=True) * -0.5 * rstd**3
    middle = -g.sum(axes, keepdims=True) * rstd + variance * (-2 * (x - mean)).mean(axes, keepdims=True)
    return g * rstd + variance * 2 * (x - mean) / count + middle / count


def batch_norm_lines():
    epsilon = 0.0625
    x, dy, scale = grid(15, 3, 2, 2, 2), grid(16, 3, 2, 2, 2), grid(17, 2)
    axes = (0, 2, 3)
    mean, variance = x.mean(axes), x.var(axes)

    def along(t):
        return t.reshape(-1, 1, 1)
    rstd = 1 / np.sqrt(variance + epsilon)
    dx = normalised_back(dy, x, along(rstd), along(mean), along(scale), axes)
    dscale, doffset = (dy * (x - along(mean)) * along(rstd)).sum(axes), dy.sum(axes)
    empty = np.zeros(0)
    stats = dict(scale=scale, reserve_space_1=mean, reserve_space_2=variance, epsilon=epsilon)
    yield 'op:    BatchNormGrad'
    yield golden([dx, dscale, doffset, empty, empty], y_backprop=dy, x=x, **stats, data_format='NCHW')
    yield golden([last(dx), dscale, doffset, empty, empty], y_backprop=last(dy), x=last(x), **stats)
    yield golden([last(dy * along(rstd * scale)), dscale, doffset, empty, empty], y_backprop=last(dy), x=last(x),
                 **stats, is_training=False)
    yield 'op:    BNTrainingUpdateGrad BN3DTrainingUpdateGrad'
    stats = dict(batch_mean=mean, batch_variance=variance, epsilon=epsilon)
    yield golden([dscale, doffset], grads=dy, x=x, **stats)
    whole = {name: t if name == 'epsilon' else t.reshape(1, 2, 1, 1) for name, t in stats.items()}
    yield golden([dscale.reshape(1, 2, 1, 1), doffset.reshape(1, 2, 1, 1)], grads=dy, x=x, **whole)
    yield 'op:    BN3DTrainingReduceGrad BNTrainingReduceGrad'
    yield golden([dx], grads=dy, x=x, diff_scale=dscale, diff_offset=doffset, scale=scale, **stats)
    deep = (3, 2, 1, 2, 2)
    yield golden([dx.reshape(deep)], grads=dy.reshape(deep), x=x.reshape(deep), diff_scale=dscale,
                 diff_offset=doffset, scale=scale, **stats)
    yield 'op:    BNInferGrad'
    yield golden([dy * along(scale * rstd)], grads=dy, scale=scale, batch_variance=variance, epsilon=epsilon)


def layer_norm_lines():
    x, dy, gamma = grid(18, 2, 3, 4), grid(19, 2, 3, 4), grid(20, 4)
    yield 'op:    LayerNormGradV3'
    for axes, gamma in (((2,), grid(20, 4)), ((1, 2), grid(21, 3, 4))):
        mean = x.mean(axes, keepdims=True)
        rstd = 1 / np.sqrt(x.var(axes, keepdims=True) + 0.0625)
        dx = normalised_back(dy, x, rstd, mean, gamma, axes)
        others = tuple(range(3 - len(axes)))
        dgamma, dbeta = (dy * (x - mean) * rstd).sum(others), dy.sum(others)
        yield golden([dx, dgamma, dbeta], dy=dy, x=x, rstd=rstd, mean=mean, gamma=gamma)


def loss_lines():
    x, label = grid(22, 3, 4), grid(23, 3, 4)
    yield 'op:    MseLossGrad'
    yield golden([2 * (x - label) / 12 * 1.5], predict=x, label=label, dout=np.float64(1.5).reshape(1))
    yield golden([2 * (x - label) * 1.5], predict=x, label=label, dout=np.array(1.5), reduction='sum')
    dout = grid(24, 3, 4)
    yield golden([2 * (x - label) * dout], predict=x, label=label, dout=dout, reduction='none')
    target, weight = np.array([3, -100, 1], np.int32), np.array([0.5, 1, 2, 0.25])
    yield 'op:    NLLLossGrad'
    chosen = np.zeros((3, 4))
    chosen[0, 3], chosen[2, 1] = -0.25, -1
    common = dict(x=x, target_data=target, weight=weight, total_weight=np.array([1.25]))
    yield golden([chosen * 3 / 1.25], **common, y_grad=np.array([3.0]))
    yield golden([chosen * 3], **common, y_grad=np.array(3.0), reduction='sum')
    rows = grid(25, 3)
    yield golden([chosen * rows[:, None]], **common, y_grad=rows, reduction='none')
    image = grid(26, 1, 2, 3)  # [N, C, d]
    want = np.zeros((1, 2, 3))
    want[0, 1, 0], want[0, 0, 1] = -2 / 2.5, -0.5 / 2.5
    yield golden([want], x=image, y_grad=np.array(1.0), target_data=np.array([[1, 0, -1]]), total_weight=np.array(2.5),
                 weight=np.array([0.5, 2]), ignore_index=-1)


def view_lines():
    """x read through NumPy's own views, and what is read more than once added up."""
    yield 'op:    StridedSliceGrad'
    for shape, index, words in (
            ((5, 6), np.s_[1:4:2, -1:0:-2], dict(begin=[1, -1], end=[4, 0], strides=[2, -2])),
            ((3, 4, 5), np.s_[1, :, 1:4:2], dict(begin=[1, 0, 1], end=[2, 0, 4], strides=[1, 1, 2], begin_mask=2,
                                                  end_mask=2, shrink_axis_mask=1)),
            ((3, 4, 5), np.s_[..., None, 2:], dict(begin=[0, 0, 2], end=[0, 0, 0], strides=[1, 1, 1], end_mask=4,
                                                   ellipsis_mask=1, new_axis_mask=2)),
            ((3, 4), np.s_[2:2], dict(begin=[2], end=[2], strides=[1]))):
        want = np.zeros(shape)
        dy = grid(27, *want[index].shape)
        want[index] = dy
        numbers = {k: np.array(v) if isinstance(v, list) else v for k, v in words.items()}
        yield golden([want], shape=np.array(shape), dy=dy, **numbers)


def pad_lines():
    yield 'op:    MirrorPadGrad'
    for mode in ('REFLECT', 'SYMMETRIC'):
        shape, paddings = (3, 4), ((1, 2), (3, 0))
        rows, columns = (np.pad(np.arange(n), p, mode.lower()) for n, p in zip(shape, paddings))
        dy = grid(28, len(rows), len(columns))
        want = np.zeros(shape)
        np.add.at(want, (rows[:, None], columns[None]), dy)
        yield golden([want], x=dy, paddings=np.array(paddings), mode=mode)


def volume_back(x, places, g, align_corners):
    """GridSampler3D, linear and 0 outside. places [N, d, h, w, 3]: along the width first."""
    extents = np.array(x.shape[2:])
    half = (extents - 1) / 2 if align_corners else extents / 2
    dx, dplaces = np.zeros(x.shape), np.zeros(places.shape)
    for at in np.ndindex(*places.shape[:-1]):
        place = (places[at][::-1] + 1) * half - (0 if align_corners else 0.5)
        here = g[(at[0], slice(None), *at[1:])]
        for corner in np.ndindex(2, 2, 2):
            tap = np.floor(place).astype(int) + corner
            if ((tap < 0) | (tap >= extents)).any():
                continue
            share, slope = 1 - abs(place - tap), -np.sign(place - tap) * half
            reads = (at[0], slice(None), *tap)
            dx[reads] += here * share.prod()
            for d in range(3):
                dplaces[at][2 - d] += here @ x[reads] * slope[d] * np.delete(share, d).prod()
    return dx, dplaces


def volume_lines():
    x, g = grid(29, 1, 2, 3, 4, 3), grid(30, 1, 2, 2, 1, 3)
    places = grid(31, 1, 2, 1, 3, 3, low=-1, high=1) + 1 / 64  # none on a cell's middle, where slopes change
    yield 'op:    GridSampler3DGrad'
    for align_corners in (False, True):
        yield golden(volume_back(x, places, g, align_corners), grad=g, x=x, grid=places, align_corners=align_corners)


FILES = {'nn_pooling/pool_gradient_golden.cases': lambda: [*max_pool_lines(), *average_pool_lines()],
         'nn_calculation/conv_gradient_golden.cases': convolution_lines,
         'nn_batch_norm/training_golden.cases': batch_norm_lines,
         'nn_norm/gradient_golden.cases': lambda: [*layer_norm_lines(), *loss_lines()],
         'selection/slice_gradient_golden.cases': view_lines,
         'pad/gradient_golden.cases': pad_lines,
         'image/gradient_golden.cases': volume_lines}
