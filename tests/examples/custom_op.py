#!/usr/bin/env python3
"""examples/custom_op builds against the install tree alone and computes, with its library found in each of the ways
that there are: custom_op.py BUILD"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
# Running mean over 2, Relu, running maximum over 3, by hand.
WANT = '4 4 1 \n4 \n3.5 4.5 5.5 6.5 7.5 \n'


def main():
    build = os.path.abspath(sys.argv[1])
    out = os.path.join(build, 'examples', 'custom_op')
    make = ['make', '-s', '-C', os.path.join(ROOT, 'examples', 'custom_op'), f'BUILD={build}']
    subprocess.run(make + ['CXXFLAGS=-O1 -Werror'], check=True)
    passed = failed = 0

    def check(what, program, env, status, want):
        nonlocal passed, failed
        done = subprocess.run([os.path.join(out, program)], capture_output=True, text=True, timeout=60, cwd='/',
                              env={'LD_LIBRARY_PATH': f'{build}/dist/lib64', **env})
        if (done.returncode, done.stdout, done.stderr) == (status, want, ''):
            passed += 1
        else:
            failed += 1
            print(f'{what}: exit status {done.returncode}, printed {done.stdout!r} and {done.stderr!r}')

    opp = os.path.join(out, 'opp')
    check('by variable', 'custom_op', {'ASCEND_CUSTOM_OPP_PATH': f'/no/such/folder:{opp}'}, 0, WANT)
    check('linked', 'custom_op_linked', {}, 0, WANT)
    check('linked and by variable', 'custom_op_linked', {'ASCEND_CUSTOM_OPP_PATH': opp}, 0, WANT)
    check('nowhere', 'custom_op', {}, 1, 'there is no operator RunningMean: set ASCEND_CUSTOM_OPP_PATH\n')
    with tempfile.TemporaryDirectory() as folder:
        vendors = os.path.join(folder, 'vendors')
        shutil.copytree(opp, os.path.join(vendors, 'mine'))
        with open(os.path.join(vendors, 'config.ini'), 'w') as f:
            f.write('load_priority=other, mine\n')
        check('by vendor', 'custom_op', {'ASCEND_OPP_PATH': folder}, 0, WANT)
    print(f'{passed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
