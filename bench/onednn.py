"""oneDNN's primitives on rows of f32, one thread: a side of bench/peers.py, through the library's C interface.

Numbers are those of its public header dnnl_types.h; the wheel onednn-cpu-gomp brings the library, and GNU OpenMP is its
threading."""
import ctypes
import os
import sys
import time

import numpy as np

CPU, IN_ORDER, F32, INFERENCE = 1, 1, 3, 96
SOFTMAX_ACCURATE, GELU_TANH, GELU_ERF, BINARY_ADD = 0x30000, 0x2b, 0x31, 0x1fff0
USE_SCALE, USE_SHIFT = 2, 4
SRC, SRC_1, DST, SCALE, SHIFT = 1, 2, 17, 51, 52
EPSILON = 1e-5  # LayerNormalization's default in ONNX


class Argument(ctypes.Structure):
    _fields_ = [('name', ctypes.c_int), ('memory', ctypes.c_void_p)]


class Library:
    def __init__(self):
        self.dnnl = ctypes.CDLL(os.path.join(sys.prefix, 'lib', 'libdnnl.so.3'))
        ctypes.CDLL('libgomp.so.1').omp_set_num_threads(1)
        self.engine = self.make('dnnl_engine_create', ctypes.c_int(CPU), ctypes.c_size_t(0))
        self.stream = self.make('dnnl_stream_create', self.engine, ctypes.c_uint(IN_ORDER))

    def call(self, name, *arguments):
        status = getattr(self.dnnl, name)(*arguments)
        if status != 0:
            raise RuntimeError(f'{name}: status {status}')

    def make(self, name, *arguments):
        made = ctypes.c_void_p()
        self.call(name, ctypes.byref(made), *arguments)
        return made

    def describe(self, shape):
        dims = (ctypes.c_int64 * len(shape))(*shape)
        strides = (ctypes.c_int64 * len(shape))(*(int(np.prod(shape[k + 1:])) for k in range(len(shape))))
        return self.make('dnnl_memory_desc_create_with_strides', len(shape), dims, ctypes.c_int(F32), strides)

    def memory(self, array):
        return self.make('dnnl_memory_create', self.describe(array.shape), self.engine, ctypes.c_void_p(array.ctypes.data))


def aligned(array):
    """A copy that begins at a line of the cache."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


class Rows:
    """One operator of bench/rows.py on `arrays`; `output` holds what the last run gave."""
    library = None

    def __init__(self, operator, arrays):
        Rows.library = Rows.library or Library()
        lib, self.arrays = Rows.library, [aligned(a) for a in arrays]
        x = self.arrays[0]
        self.output = aligned(np.zeros(x.shape, x.dtype))
        kind, names, rest = self.primitive(operator, lib.describe(x.shape))
        description = lib.make(f'dnnl_{kind}_primitive_desc_create', lib.engine, *rest, None)
        self.ready = lib.make('dnnl_primitive_create', description)
        values = [*zip(names, self.arrays), (DST, self.output)]
        self.arguments = (Argument * len(values))(*(Argument(name, lib.memory(a)) for name, a in values))
        self.execute = lib.dnnl.dnnl_primitive_execute
        self.execute.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]

    def primitive(self, operator, rows):
        """The kind of primitive, its inputs, and what describes it."""
        unary = ctypes.c_int(INFERENCE)
        if operator == 'softmax':
            return 'softmax_forward', [SRC], [unary, ctypes.c_int(SOFTMAX_ACCURATE), rows, rows, ctypes.c_int(1)]
        if operator == 'layernorm':
            statistics = Rows.library.describe(self.arrays[0].shape[:1])
            return ('layer_normalization_forward', [SRC, SCALE, SHIFT],
                    [unary, rows, rows, statistics, ctypes.c_float(EPSILON), ctypes.c_uint(USE_SCALE | USE_SHIFT)])
        if operator == 'add':
            return 'binary', [SRC, SRC_1], [ctypes.c_int(BINARY_ADD), rows, rows, rows]
        algorithm = {'gelu': GELU_ERF, 'gelu_tanh': GELU_TANH}[operator]
        return 'eltwise_forward', [SRC], [unary, ctypes.c_int(algorithm), rows, rows, ctypes.c_float(0), ctypes.c_float(0)]

    def run(self, count):
        execute, ready, stream = self.execute, self.ready, Rows.library.stream
        arguments, number = self.arguments, len(self.arguments)
        start = time.perf_counter()
        for _ in range(count):
            execute(ready, stream, number, arguments)
        return time.perf_counter() - start

    def close(self):
        pass
