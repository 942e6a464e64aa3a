"""One ONNX node, inputs for it, and what NumPy says it gives."""
import dataclasses
import typing

import numpy as np
import onnx
from onnx import helper, numpy_helper


@dataclasses.dataclass
class Case:
    op: str  # 'domain::Op' outside ai.onnx
    inputs: list  # arrays, None for one that is left out
    outputs: list  # arrays; None for one that is not judged; or a function of the outputs that says what is wrong
    attrs: dict = dataclasses.field(default_factory=dict)
    opset: int = 25
    name: str = ''
    rtol: float = 1e-5
    atol: float = 1e-6
    const: tuple = ()  # numbers of inputs that are initializers
    fixed: tuple = ()  # numbers of inputs whose extents are never open
    out_types: typing.Optional[list] = None  # dtypes of the outputs, where `outputs` does not tell
    before: tuple = ()  # nodes before the judged one; they read x0, x1, ...
    reads: tuple = ()  # the names that the judged node reads, where they are not x0, x1, ...
    runs: int = 1  # a function `outputs` gets the outputs of all runs after each other

    @property
    def domain(self):
        return self.op.rpartition('::')[0]


def value_info(name, dtype, dims):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), dims)


def model_of(case, dynamic):
    """The model, and the arrays that feed it. In a dynamic one no input's extent is known."""
    names, inputs, fed, initializers = [], [], [], []
    for i, x in enumerate(case.inputs):
        names.append('' if x is None else f'x{i}')
        if x is None:
            continue
        if i in case.const:
            initializers.append(numpy_helper.from_array(x, f'x{i}'))
            continue
        open_dims = dynamic and i not in case.fixed
        inputs.append(value_info(f'x{i}', x.dtype, [f'd{i}_{k}' if open_dims else n for k, n in enumerate(x.shape)]))
        fed.append(x)
    types = case.out_types or [y.dtype for y in case.outputs]
    outputs = [value_info(f'y{k}', t, None) for k, t in enumerate(types)]
    node = helper.make_node(case.op.rpartition('::')[2], case.reads or names, [f'y{k}' for k in range(len(types))],
                            domain=case.domain, **case.attrs)
    graph = helper.make_graph([*case.before, node], case.name or case.op, inputs, outputs, initializers)
    opsets = [helper.make_opsetid(case.domain, case.opset)]
    if case.domain:  # for `before`
        opsets.append(helper.make_opsetid('', 21))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10), fed


def tensor_bytes(array):
    return numpy_helper.from_array(np.asarray(array)).SerializeToString()


def read_tensor(path):
    with open(path, 'rb') as f:
        return numpy_helper.to_array(onnx.TensorProto.FromString(f.read()))
