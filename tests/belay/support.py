"""What the tests of the belay program share: the program, models made with the onnx package, and counting."""
import os
import subprocess
import sys
import tempfile
import traceback

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h

BELAY = os.path.abspath(sys.argv[1])


def belay(*args, code=0, **more):
    done = subprocess.run([BELAY, *map(str, args)], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == code, f'exit status {done.returncode}, expected {code}: {done.stdout} {done.stderr}'
    return done


def value(name, dtype=T.FLOAT, dims=(2, 3)):
    return h.make_tensor_value_info(name, dtype, dims)


def write_model(path, nodes, inputs, outputs, initializers=(), opset=17, **more):
    graph = h.make_graph(nodes, 'g', inputs, outputs, list(initializers))
    model = h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid('', opset)], **more)
    onnx.save(model, path)
    return path


def save(folder, name, array):
    path = os.path.join(folder, name)
    np.save(path, array)
    return path


def run_tests(tests):
    """Calls each with a folder of its own; the last line printed is the count."""
    failed = 0
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
            except Exception:
                failed += 1
                print(f'{test.__name__} failed')
                traceback.print_exc(file=sys.stdout)
    print(f'{len(tests) - failed} passed, {failed} failed')
    sys.exit(failed != 0)
