#!/usr/bin/env python3
"""Runs ONNX's conformance cases through `belay cases`: run.py BUILD [--show]

What does not pass stands in not_passing.tsv, one case a line with the reason; a case of that list that passes, and one
that fails without being there, are failures. --show prints every case that does not pass, in the list's form.
"""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys

import numpy
import onnx

import cases
import compare

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'belay')


def case_folder():
    """Generated once for one generator, one onnx and one numpy."""
    with open(cases.__file__) as f:
        key = f.read()
    name = f'onnx_node-{onnx.__version__}-{numpy.__version__}-{hashlib.sha256(key.encode()).hexdigest()[:10]}'
    folder = os.path.join(CACHE, name)
    if not os.path.exists(folder):
        print(f'generating conformance cases in {folder}', flush=True)
        shutil.rmtree(folder + '.part', ignore_errors=True)
        os.makedirs(folder + '.part')
        cases.generate(folder + '.part')
        os.rename(folder + '.part', folder)
    return folder


def not_passing():
    rows = [line.rstrip('\n').split('\t') for line in open(os.path.join(HERE, 'not_passing.tsv'))
            if line.strip() and not line.startswith('#')]
    for row in rows:
        if len(row) != 2 or not row[1].strip():
            sys.exit(f'not_passing.tsv: a line needs a case, a tab and a reason: {row}')
    return dict(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--show', action='store_true')
    args = parser.parse_args()
    folder = case_folder()
    out = os.path.join(args.build, 'onnx_node')
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([os.path.join(args.build, 'dist', 'bin', 'belay'), 'cases', folder, out],
                   check=True, stdout=subprocess.DEVNULL)
    expected = not_passing()
    passed = failed = known = 0
    for kind, case, rtol, atol in cases.index(folder):
        reason = compare.check_case(os.path.join(folder, kind, case), os.path.join(out, kind, case), rtol, atol)
        listed = expected.pop(f'{kind}/{case}', None)
        if reason and args.show:
            print(f'{kind}/{case}\t{reason[:200]}')
        if bool(reason) != bool(listed):
            failed += 1
            print(f'FAILED {kind}/{case}: {reason or "passes, but stands in not_passing.tsv"}')
        elif listed:
            known += 1
        else:
            passed += 1
    for name in expected:
        failed += 1
        print(f'FAILED {name}: stands in not_passing.tsv, but there is no such case')
    print(f'{known} cases known not to pass')
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
