"""ONNX models with the true topology and random weights from a fixed seed, spelled as an ordinary exporter does."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    def __init__(self):
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []
        self.random = np.random.default_rng(7)

    def name(self, prefix):
        return f'{prefix}_{len(self.nodes)}_{len(self.constants)}'

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def constant(self, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), self.name('constant')))
        return self.constants[-1].name

    def scalar(self, value):
        return self.constant(np.array(value, np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape, fan):
        return self.constant((self.random.standard_normal(shape) / np.sqrt(fan)).astype(np.float32))

    def op(self, op_type, *inputs, **attributes):
        output = self.name(op_type)
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], name=output, **attributes))
        return output

    def model(self, result, shape):
        self.nodes.append(helper.make_node('Identity', [result], ['y']))
        output = helper.make_tensor_value_info('y', TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, 'g', self.inputs, [output], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
        onnx.checker.check_model(model)
        return model

    def conv(self, x, c_in, c_out, kernel, stride=1, groups=1, activation=None):
        x = self.op('Conv', x, self.weight(c_out, c_in // groups, kernel, kernel, fan=c_in // groups * kernel * kernel),
                    strides=[stride] * 2, pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2, group=groups)
        scale, offset, mean, variance = (self.random.uniform(low, high, c_out).astype(np.float32)
                                         for low, high in ((0.5, 1.5), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)))
        x = self.op('BatchNormalization', x, *map(self.constant, (scale, offset, mean, variance)))
        if activation == 'relu':
            x = self.op('Relu', x)
        elif activation == 'relu6':
            x = self.op('Clip', x, self.scalar(0), self.scalar(6))
        return x

    def classifier(self, x, channels, classes):
        x = self.op('Flatten', self.op('GlobalAveragePool', x))
        bias = self.constant(np.zeros(classes, np.float32))
        return self.op('Gemm', x, self.weight(classes, channels, fan=channels), bias, transB=1)

    def linear(self, x, n_in, n_out):
        x = self.op('MatMul', x, self.weight(n_in, n_out, fan=n_in))
        return self.op('Add', x, self.constant(np.full(n_out, 0.01, np.float32)))

    def layer_norm(self, x, extent):
        return self.op('LayerNormalization', x, self.constant(np.ones(extent, np.float32)),
                       self.constant(np.zeros(extent, np.float32)), axis=-1, epsilon=1e-5)

    def gelu(self, x):
        erf = self.op('Erf', self.op('Div', x, self.scalar(2**0.5)))
        return self.op('Mul', self.op('Mul', x, self.op('Add', erf, self.scalar(1))), self.scalar(0.5))


def resnet50(side=224, classes=1000):
    b = Builder()
    x = b.conv(b.input('x', [1, 3, side, side]), 3, 64, 7, 2, activation='relu')
    x = b.op('MaxPool', x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    channels = 64
    for width, blocks, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            y = b.conv(x, channels, width, 1, activation='relu')
            y = b.conv(y, width, width, 3, stride, activation='relu')
            y = b.conv(y, width, 4 * width, 1)
            if block == 0:
                x = b.conv(x, channels, 4 * width, 1, stride)
            x = b.op('Relu', b.op('Add', x, y))
            channels = 4 * width
    return b.model(b.classifier(x, channels, classes), [1, classes])


def mobilenetv2(side=224, classes=1000):
    b = Builder()
    x = b.conv(b.input('x', [1, 3, side, side]), 3, 32, 3, 2, activation='relu6')
    channels = 32
    for factor, c_out, blocks, first_stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            wide = channels * factor
            y = x if factor == 1 else b.conv(x, channels, wide, 1, activation='relu6')
            y = b.conv(y, wide, wide, 3, stride, groups=wide, activation='relu6')
            y = b.conv(y, wide, c_out, 1)
            x = b.op('Add', x, y) if stride == 1 and channels == c_out else y
            channels = c_out
    x = b.conv(x, channels, 1280, 1, activation='relu6')
    return b.model(b.classifier(x, 1280, classes), [1, classes])


def bert(batch=2, seq=64, layers=4, d=256, ffn=1024, heads=4, vocab=3000):
    b = Builder()
    ids = b.input('input_ids', [batch, seq], TensorProto.INT64)
    mask = b.input('attention_mask', [batch, seq], TensorProto.INT64)
    x = b.op('Add', b.op('Gather', b.weight(vocab, d, fan=1), ids), b.weight(1, seq, d, fan=1))
    x = b.layer_norm(x, d)
    m = b.op('Cast', b.op('Unsqueeze', mask, b.ints(1, 2)), to=TensorProto.FLOAT)
    m = b.op('Mul', b.op('Sub', b.scalar(1), m), b.scalar(-1e4))

    def split_heads(t, perm):
        return b.op('Transpose', b.op('Reshape', t, b.ints(batch, seq, heads, d // heads)), perm=perm)
    for _ in range(layers):
        q = split_heads(b.linear(x, d, d), [0, 2, 1, 3])
        k = split_heads(b.linear(x, d, d), [0, 2, 3, 1])
        v = split_heads(b.linear(x, d, d), [0, 2, 1, 3])
        scores = b.op('Div', b.op('MatMul', q, k), b.scalar((d // heads)**0.5))
        weights = b.op('Softmax', b.op('Add', scores, m), axis=-1)
        y = b.op('Transpose', b.op('MatMul', weights, v), perm=[0, 2, 1, 3])
        y = b.op('Reshape', y, b.ints(batch, seq, d))
        x = b.layer_norm(b.op('Add', x, b.linear(y, d, d)), d)
        y = b.linear(b.gelu(b.linear(x, d, ffn)), ffn, d)
        x = b.layer_norm(b.op('Add', x, y), d)
    return b.model(x, [batch, seq, d])


BUILT = {'resnet50': resnet50, 'mobilenetv2': mobilenetv2, 'bert': bert}
