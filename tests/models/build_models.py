"""ONNX models with the true topology and random weights from a fixed seed, spelled as an ordinary exporter does."""
import json
import struct

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

    def output(self, value, name, shape):
        self.nodes.append(helper.make_node('Identity', [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def model(self, result, shape, name='y'):
        self.output(result, name, shape)
        graph = helper.make_graph(self.nodes, 'g', self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
        onnx.checker.check_model(model)
        return model

    def plain_conv(self, x, c_in, c_out, kernel, stride=1, groups=1):
        return self.op('Conv', x, self.weight(c_out, c_in // groups, kernel, kernel, fan=c_in // groups * kernel * kernel),
                       strides=[stride] * 2, pads=[kernel // 2] * 4, kernel_shape=[kernel] * 2, group=groups)

    def silu(self, x):
        return self.op('Mul', x, self.op('Sigmoid', x))

    def conv(self, x, c_in, c_out, kernel, stride=1, groups=1, activation=None):
        x = self.plain_conv(x, c_in, c_out, kernel, stride, groups)
        scale, offset, mean, variance = (self.random.uniform(low, high, c_out).astype(np.float32)
                                         for low, high in ((0.5, 1.5), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5)))
        x = self.op('BatchNormalization', x, *map(self.constant, (scale, offset, mean, variance)))
        if activation == 'relu':
            x = self.op('Relu', x)
        elif activation == 'relu6':
            x = self.op('Clip', x, self.scalar(0), self.scalar(6))
        elif activation == 'silu':
            x = self.silu(x)
        return x

    def classifier(self, x, channels, classes):
        x = self.op('Flatten', self.op('GlobalAveragePool', x))
        bias = self.constant(np.zeros(classes, np.float32))
        return self.op('Gemm', x, self.weight(classes, channels, fan=channels), bias, transB=1)

    def product(self, x, n_in, n_out):
        return self.op('MatMul', x, self.weight(n_in, n_out, fan=n_in))

    def linear(self, x, n_in, n_out):
        return self.op('Add', self.product(x, n_in, n_out), self.constant(np.full(n_out, 0.01, np.float32)))

    def heads(self, x, batch, seq, heads, extent, perm=(0, 2, 1, 3)):
        return self.op('Transpose', self.op('Reshape', x, self.ints(batch, seq, heads, extent)), perm=perm)

    def rms_norm(self, x, extent):
        mean = self.op('ReduceMean', self.op('Mul', x, x), axes=[-1], keepdims=1)
        x = self.op('Div', x, self.op('Sqrt', self.op('Add', mean, self.scalar(1e-5))))
        return self.op('Mul', x, self.constant(np.ones(extent, np.float32)))

    def layer_norm(self, x, extent):
        return self.op('LayerNormalization', x, self.constant(np.ones(extent, np.float32)),
                       self.constant(np.zeros(extent, np.float32)), axis=-1, epsilon=1e-5)

    def gelu(self, x):
        erf = self.op('Erf', self.op('Div', x, self.scalar(2**0.5)))
        return self.op('Mul', self.op('Mul', x, self.op('Add', erf, self.scalar(1))), self.scalar(0.5))


def resnet50(batch=1, side=224, classes=1000):
    b = Builder()
    x = b.conv(b.input('x', [batch, 3, side, side]), 3, 64, 7, 2, activation='relu')
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
    return b.model(b.classifier(x, channels, classes), [batch, classes])


def mobilenetv2(batch=1, side=224, classes=1000):
    b = Builder()
    x = b.conv(b.input('x', [batch, 3, side, side]), 3, 32, 3, 2, activation='relu6')
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
    return b.model(b.classifier(x, 1280, classes), [batch, classes])


def efficientnet_b0(batch=1, side=224, classes=1000):
    b = Builder()
    x = b.conv(b.input('x', [batch, 3, side, side]), 3, 32, 3, 2, activation='silu')
    channels = 32
    for factor, c_out, blocks, first_stride, kernel in ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
                                                        (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)):
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            wide, narrow = channels * factor, max(1, channels // 4)
            y = x if factor == 1 else b.conv(x, channels, wide, 1, activation='silu')
            y = b.conv(y, wide, wide, kernel, stride, groups=wide, activation='silu')
            gate = b.silu(b.plain_conv(b.op('GlobalAveragePool', y), wide, narrow, 1))
            y = b.op('Mul', y, b.op('Sigmoid', b.plain_conv(gate, narrow, wide, 1)))
            y = b.conv(y, wide, c_out, 1)
            x = b.op('Add', x, y) if stride == 1 and channels == c_out else y
            channels = c_out
    x = b.conv(x, channels, 1280, 1, activation='silu')
    return b.model(b.classifier(x, 1280, classes), [batch, classes])


def bert(batch=2, seq=64, layers=4, d=256, ffn=1024, heads=4, vocab=3000):
    b = Builder()
    ids = b.input('input_ids', [batch, seq], TensorProto.INT64)
    mask = b.input('attention_mask', [batch, seq], TensorProto.INT64)
    x = b.op('Add', b.op('Gather', b.weight(vocab, d, fan=1), ids), b.weight(1, seq, d, fan=1))
    x = b.layer_norm(x, d)
    m = b.op('Cast', b.op('Unsqueeze', mask, b.ints(1, 2)), to=TensorProto.FLOAT)
    m = b.op('Mul', b.op('Sub', b.scalar(1), m), b.scalar(-1e4))

    for _ in range(layers):
        q = b.heads(b.linear(x, d, d), batch, seq, heads, d // heads)
        k = b.heads(b.linear(x, d, d), batch, seq, heads, d // heads, perm=[0, 2, 3, 1])
        v = b.heads(b.linear(x, d, d), batch, seq, heads, d // heads)
        scores = b.op('Div', b.op('MatMul', q, k), b.scalar((d // heads)**0.5))
        weights = b.op('Softmax', b.op('Add', scores, m), axis=-1)
        y = b.op('Transpose', b.op('MatMul', weights, v), perm=[0, 2, 1, 3])
        y = b.op('Reshape', y, b.ints(batch, seq, d))
        x = b.layer_norm(b.op('Add', x, b.linear(y, d, d)), d)
        y = b.linear(b.gelu(b.linear(x, d, ffn)), ffn, d)
        x = b.layer_norm(b.op('Add', x, y), d)
    return b.model(x, [batch, seq, d])


def bert_base(seq):
    return bert(1, seq, layers=12, d=768, ffn=3072, heads=12, vocab=30522)


def attention(keys, layers=4, heads=12, depth=64):
    """Scores, softmax and values alone; a layer's result is the next one's queries."""
    b = Builder()
    x = b.input('q', [1, heads, keys, depth])
    k, v = b.input('k', [1, heads, depth, keys]), b.input('v', [1, heads, keys, depth])
    for _ in range(layers):
        scores = b.op('Mul', b.op('MatMul', x, k), b.constant(np.float32(depth ** -0.5)))
        x = b.op('MatMul', b.op('Softmax', scores, axis=-1), v)
    return b.model(x, [1, heads, keys, depth])


def llama(batch=1, seq=128, past=0, layers=12, d=768, ffn=2048, heads=12, cached_heads=12, vocab=32000):
    """A decoder over `seq` tokens behind `past` cached ones: the last token's logits and each layer's grown cache."""
    b = Builder()
    extent, total = d // heads, past + seq
    angles = np.arange(past, total)[:, None] / 10000**(np.arange(0, extent, 2) / extent)
    cos, sin = (b.constant(np.tile(f(angles), 2)[None, None].astype(np.float32)) for f in (np.cos, np.sin))
    later = np.arange(total) > np.arange(past, total)[:, None]
    mask = b.constant(np.where(later, -1e9, 0)[None, None].astype(np.float32))

    def rotate(x):
        half = extent // 2
        low = b.op('Slice', x, b.ints(0), b.ints(half), b.ints(3))
        high = b.op('Slice', x, b.ints(half), b.ints(extent), b.ints(3))
        turned = b.op('Concat', b.op('Neg', high), low, axis=3)
        return b.op('Add', b.op('Mul', x, cos), b.op('Mul', turned, sin))

    def cached(x, name):
        if past:
            x = b.op('Concat', b.input(f'past_{name}', [batch, cached_heads, past, extent]), x, axis=2)
        b.output(x, name, [batch, cached_heads, total, extent])
        return x

    def for_all_heads(x):
        if cached_heads == heads:
            return x
        x = b.op('Unsqueeze', x, b.ints(2))
        x = b.op('Expand', x, b.ints(batch, cached_heads, heads // cached_heads, total, extent))
        return b.op('Reshape', x, b.ints(batch, heads, total, extent))
    x = b.op('Gather', b.weight(vocab, d, fan=1), b.input('input_ids', [batch, seq], TensorProto.INT64))
    for layer in range(layers):
        y = b.rms_norm(x, d)
        q = rotate(b.heads(b.product(y, d, d), batch, seq, heads, extent))
        k = rotate(b.heads(b.product(y, d, cached_heads * extent), batch, seq, cached_heads, extent))
        v = b.heads(b.product(y, d, cached_heads * extent), batch, seq, cached_heads, extent)
        k, v = for_all_heads(cached(k, f'k{layer}')), for_all_heads(cached(v, f'v{layer}'))
        scores = b.op('Mul', b.op('MatMul', q, b.op('Transpose', k, perm=[0, 1, 3, 2])), b.scalar(extent**-0.5))
        y = b.op('MatMul', b.op('Softmax', b.op('Add', scores, mask), axis=-1), v)
        y = b.op('Reshape', b.op('Transpose', y, perm=[0, 2, 1, 3]), b.ints(batch, seq, d))
        x = b.op('Add', x, b.product(y, d, d))
        y = b.rms_norm(x, d)
        y = b.op('Mul', b.silu(b.product(y, d, ffn)), b.product(y, d, ffn))
        x = b.op('Add', x, b.product(y, ffn, d))
    x = b.op('Slice', b.rms_norm(x, d), b.ints(seq - 1), b.ints(seq), b.ints(1))
    return b.model(b.product(x, d, vocab), [batch, 1, vocab], 'logits')


def read_safetensors(data):
    head_bytes = struct.unpack('<Q', data[:8])[0]
    head, base = json.loads(data[8:8 + head_bytes]), 8 + head_bytes
    return {name: np.frombuffer(data[base + row['data_offsets'][0]:base + row['data_offsets'][1]], np.float32)
            .reshape(row['shape']) for name, row in head.items() if name != '__metadata__' and row['dtype'] == 'F32'}


def minilm(data, heads=12):
    """A BERT encoder for token ids, mask and type ids of any batch and length, with the weights of a safetensors file."""
    w = read_safetensors(data)
    d = w['embeddings.word_embeddings.weight'].shape[1]
    b = Builder()
    ids, mask, types = (b.input(name, ['batch', 'seq'], TensorProto.INT64)
                        for name in ('input_ids', 'attention_mask', 'token_type_ids'))

    def linear(x, name):
        return b.op('Add', b.op('MatMul', x, b.constant(w[name + '.weight'].T)), b.constant(w[name + '.bias']))

    def norm(x, name):
        return b.op('LayerNormalization', x, b.constant(w[name + '.weight']), b.constant(w[name + '.bias']), axis=-1,
                    epsilon=1e-12)

    def embedding(name, indices):
        return b.op('Gather', b.constant(w[f'embeddings.{name}_embeddings.weight']), indices)
    length = b.op('Gather', b.op('Shape', ids), b.ints(1))
    positions = b.op('Slice', b.constant(np.arange(512)[None]), b.ints(0), length, b.ints(1))
    x = b.op('Add', b.op('Add', embedding('word', ids), embedding('token_type', types)), embedding('position', positions))
    x = norm(x, 'embeddings.LayerNorm')
    visible = b.op('Cast', b.op('Unsqueeze', mask, b.ints(1, 2)), to=TensorProto.FLOAT)
    hidden = b.op('Mul', b.op('Sub', b.scalar(1), visible), b.scalar(np.finfo(np.float32).min))
    layers = 1 + max(int(name.split('.')[2]) for name in w if name.startswith('encoder.layer.'))
    for layer in range(layers):
        p = f'encoder.layer.{layer}.'
        q, k, v = (b.heads(linear(x, f'{p}attention.self.{name}'), 0, 0, heads, d // heads, perm)
                   for name, perm in (('query', [0, 2, 1, 3]), ('key', [0, 2, 3, 1]), ('value', [0, 2, 1, 3])))
        scores = b.op('Add', b.op('Mul', b.op('MatMul', q, k), b.scalar((d // heads)**-0.5)), hidden)
        y = b.op('Transpose', b.op('MatMul', b.op('Softmax', scores, axis=-1), v), perm=[0, 2, 1, 3])
        y = linear(b.op('Reshape', y, b.ints(0, 0, d)), p + 'attention.output.dense')
        x = norm(b.op('Add', y, x), p + 'attention.output.LayerNorm')
        y = linear(b.gelu(linear(x, p + 'intermediate.dense')), p + 'output.dense')
        x = norm(b.op('Add', y, x), p + 'output.LayerNorm')
    return b.model(x, ['batch', 'seq', d], 'last_hidden_state')


BUILT = {
    'resnet50': resnet50,
    'resnet50_b8': lambda: resnet50(8),
    'mobilenetv2': mobilenetv2,
    'mobilenetv2_b8': lambda: mobilenetv2(8),
    'efficientnet_b0': efficientnet_b0,
    'bert': bert,
    'bert_base_s128': lambda: bert_base(128),
    'bert_base_s384': lambda: bert_base(384),
    'attention_1024': lambda: attention(1024),
    'attention_2048': lambda: attention(2048),
    'minilm_s64': lambda: bert(1, 64, layers=6, d=384, ffn=1536, heads=12, vocab=30522),
    'llama110m_prefill128': llama,
    'llama110m_decode256': lambda: llama(seq=1, past=256),
    'llama_grouped': lambda: llama(batch=2, seq=5, past=19, layers=2, d=128, ffn=192, heads=8, cached_heads=2, vocab=500),
}
