"""Models of int8 arithmetic for the benchmark: a built model, quantised by onnxruntime's own tool."""
import os

import compare_models

QUANTIZED = ('Conv', 'MatMul', 'Gemm', 'Add', 'GlobalAveragePool', 'MaxPool')


def model_file(case):
    """QDQ form of `case`: u8 activations with ranges from one random input, s8 weights by channel. Made once."""
    source = compare_models.model_file(case)
    path = source.removesuffix('.onnx') + '-int8.onnx'
    if not os.path.exists(path):
        quantize(case, source, path + '.part')
        os.replace(path + '.part', path)
    return path


def quantize(case, source, path):
    from onnxruntime import quantization

    class OneInput(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = iter([compare_models.make_inputs(case)])

        def get_next(self):
            return next(self.left, None)

    quantization.quantize_static(source, path, OneInput(), quant_format=quantization.QuantFormat.QDQ, per_channel=True,
                                 activation_type=quantization.QuantType.QUInt8,
                                 weight_type=quantization.QuantType.QInt8, op_types_to_quantize=list(QUANTIZED))
