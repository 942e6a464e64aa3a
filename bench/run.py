#!/usr/bin/env python3
"""Latency of Belay and of onnxruntime on the models of tests/models, taking turns: run.py BUILD/dist [CASE...]

TSV: case, threads, Belay's and onnxruntime's median ms, the median of the paired ratios with its quartiles (above 1:
Belay is slower), Belay's load time in s. BELAY_BENCH_THREADS (default 2) sets the threads of both, BELAY_BENCH_ROUNDS
(default 9) the turns. The figures are this machine's: compare only what one run printed.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tests', 'models'))
import compare_models  # noqa: E402

THREADS = int(os.environ.get('BELAY_BENCH_THREADS', '2'))
ROUNDS = int(os.environ.get('BELAY_BENCH_ROUNDS', '9'))
TURN_SECONDS = 0.15
PAUSE_SECONDS = 0.02  # so that one side's spinning threads do not eat the other's turn


class Belay:
    """`belay bench --turns` in a process of its own; it times its own runs, so the pipe is not counted."""

    def __init__(self, program, path, inputs, dynamic, folder):
        command = [program, 'bench', path, '--threads', str(THREADS), '--turns']
        command += compare_models.input_flags(inputs, dynamic, folder)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
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


class Onnxruntime:
    def __init__(self, path, inputs):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
        self.inputs = inputs

    def run(self, count):
        start = time.perf_counter()
        for _ in range(count):
            self.session.run(None, self.inputs)
        return time.perf_counter() - start


def turn(side):
    """Seconds of one run, from as many runs as fill a turn."""
    time.sleep(PAUSE_SECONDS)
    once = side.run(1)
    count = max(3, int(TURN_SECONDS / max(once, 1e-6)))
    return side.run(count) / count


def measure(program, case):
    model, shapes, dynamic, _ = compare_models.CASES[case]
    path, inputs = compare_models.model_file(model), compare_models.make_inputs(shapes)
    with tempfile.TemporaryDirectory() as folder:
        belay, other = Belay(program, path, inputs, dynamic, folder), Onnxruntime(path, inputs)
        pairs = [(turn(belay), turn(other)) for _ in range(ROUNDS)]
        belay.close()
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(side) * 1e3 for side in zip(*pairs))
    quarter = len(ratios) // 4
    return (f'{case}\t{THREADS}\t{ours:.3f}\t{theirs:.3f}\t{statistics.median(ratios):.2f}'
            f'\t{ratios[quarter]:.2f}-{ratios[-1 - quarter]:.2f}\t{belay.load_seconds:.2f}')


def main():
    program = os.path.join(sys.argv[1], 'bin', 'belay')
    print('case\tthreads\tbelay_ms\tonnxruntime_ms\tratio\tquartiles\tload_s', flush=True)
    for case in sys.argv[2:] or compare_models.CASES:
        print(measure(program, case), flush=True)


if __name__ == '__main__':
    main()
