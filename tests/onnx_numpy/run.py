#!/usr/bin/env python3
"""ONNX operators against NumPy where ONNX's own cases do not reach: run.py BUILD [--only REGEX]

The modules beside this file whose names end in _cases define them. Every case runs twice: with extents known when the
model is compiled, and with none known.
"""
import argparse
import importlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'onnx_node'))
from case import model_of, read_tensor, tensor_bytes  # noqa: E402
import compare  # noqa: E402


def all_cases():
    for path in sorted(HERE.glob('*_cases.py')):
        for number, case in enumerate(importlib.import_module(path.stem).cases()):
            label = case.name or case.op.rpartition('::')[2].lower()
            yield f'{path.stem.removesuffix("_cases")}_{number:03}_{label}', case


def write(folder, case, dynamic):
    model, fed = model_of(case, dynamic)
    for run in range(case.runs):
        data = folder / f'test_data_set_{run}'
        data.mkdir(parents=True)
        for i, x in enumerate(fed):
            (data / f'input_{i}.pb').write_bytes(tensor_bytes(x))
    (folder / 'model.onnx').write_bytes(model.SerializeToString())


def verdict(folder, case):
    error = folder / 'error.txt'
    if error.exists():
        return ' '.join(error.read_text(errors='replace').split())
    count = len(case.out_types or case.outputs)
    got = [read_tensor(folder / f'test_data_set_{run}' / f'output_{k}.pb')
           for run in range(case.runs) for k in range(count)]
    if callable(case.outputs):
        return case.outputs(*got)
    for k, expected in enumerate(case.outputs):
        reason = '' if expected is None else compare.difference(expected, got[k], case.rtol, case.atol)
        if reason:
            return f'output {k}: {reason}'
    return ''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    work = pathlib.Path(args.build) / 'onnx_numpy'
    shutil.rmtree(work, ignore_errors=True)
    cases = [(name, case) for name, case in all_cases() if re.search(args.only, name)]
    passed = failed = 0
    for kind in ('static', 'dynamic'):
        for name, case in cases:
            write(work / kind / 'in' / kind / name, case, kind == 'dynamic')
        command = [os.path.join(args.build, 'dist', 'bin', 'belay'), 'cases', work / kind / 'in', work / kind / 'out']
        subprocess.run(command + ['--dynamic'] * (kind == 'dynamic'), check=True, stdout=subprocess.DEVNULL)
        for name, case in cases:
            reason = verdict(work / kind / 'out' / kind / name, case)
            passed, failed = passed + (not reason), failed + bool(reason)
            if reason:
                print(f'FAILED {kind}/{name}: {reason}')
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
