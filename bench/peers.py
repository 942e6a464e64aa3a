"""Sides of a comparison. Each runs one model on given inputs: `run(count)` gives the seconds of `count` runs."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'models'))
import compare_models  # noqa: E402

CORES = sorted(os.sched_getaffinity(0))


def share_cores(count):
    """New threads and processes of all sides run on the same `count` cores: virtual ones differ by half for minutes."""
    os.sched_setaffinity(0, CORES[:count])


class Belay:
    """`belay bench --turns` in a process of its own; it times its own runs, so the pipe is not counted."""

    def __init__(self, dist, path, inputs, threads, precision, folder, dynamic=False):
        command = [os.path.join(dist, 'bin', 'belay'), 'bench', path, '--threads', str(threads), '--turns']
        command += ['--precision', 'bf16'] if precision == 'bf16' else []
        command += compare_models.input_flags(inputs, dynamic, folder)
        compiles = dict(os.environ, BELAY_CACHE='off')  # as its peers do when they load
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
                                        env=compiles)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ['ready']:
            raise RuntimeError(f'belay bench: exit status {self.process.wait()}')
        self.load_seconds = float(ready[1])

    def run(self, count):
        self.process.stdin.write(f'run {count}\n')
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f'belay bench: exit status {self.process.wait()}')
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peer:
    def __init__(self, load):
        start = time.perf_counter()
        self.once = load()
        self.load_seconds = time.perf_counter() - start

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.once()
        return time.perf_counter() - start

    def close(self):
        pass


def onnxruntime(path, inputs, threads):
    """fp32; inputs and outputs are bound once."""
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3

    def load():
        session = ort.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        binding = session.io_binding()
        for name, array in inputs.items():
            binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array))
        for output in session.get_outputs():
            binding.bind_output(output.name, 'cpu')
        return lambda: session.run_with_iobinding(binding)
    return Peer(load)


def openvino(path, inputs, threads, precision, dynamic=False):
    import openvino as ov
    core = ov.Core()

    def load():
        model = core.read_model(path)
        if not dynamic:
            model.reshape({port: list(inputs[port.get_any_name()].shape) for port in model.inputs})
        settings = {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'ENABLE_CPU_PINNING': False,
                    'INFERENCE_PRECISION_HINT': 'bf16' if precision == 'bf16' else 'f32'}
        request = core.compile_model(model, 'CPU', settings).create_infer_request()
        for name, array in inputs.items():
            request.set_tensor(name, ov.Tensor(array, shared_memory=True))
        return request.infer
    return Peer(load)


def load_sides(dist, base, path, inputs, threads, precision, folder, dynamic=False):
    """Belay first; with `base`, against another Belay only. dynamic: open extents stay open."""
    makers = {'belay': lambda: Belay(dist, path, inputs, threads, precision, folder, dynamic)}
    if base:
        makers['base'] = lambda: Belay(base, path, inputs, threads, precision, folder, dynamic)
    else:
        if precision != 'bf16':
            makers['onnxruntime'] = lambda: onnxruntime(path, inputs, threads)
        makers['openvino'] = lambda: openvino(path, inputs, threads, precision, dynamic)
    return started(makers)


def started(makers):
    """{name: side or the reason why there is none}"""
    sides = {}
    for name, make in makers.items():
        try:
            sides[name] = make()
            sides[name].run(2)
        except Exception as error:
            sides[name] = ' '.join(str(error).split())[:120] or type(error).__name__
    return sides
