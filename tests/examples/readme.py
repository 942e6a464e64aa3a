#!/usr/bin/env python3
"""The program in README.md compiles against the install tree alone and prints what its comment says: readme.py BUILD"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def main():
    dist = os.path.join(os.path.abspath(sys.argv[1]), 'dist')
    program = re.search(r'^```cpp\n(.*?)^```', open(os.path.join(ROOT, 'README.md')).read(), re.S | re.M)[1]
    if len(program.splitlines()) > 30:
        sys.exit('the program in README.md is longer than 30 lines')
    with tempfile.TemporaryDirectory() as folder:
        source, binary = os.path.join(folder, 'program.cc'), os.path.join(folder, 'program')
        with open(source, 'w') as f:
            f.write(program)
        include = [f'{dist}/include', f'{dist}/include/graph', f'{dist}/opp/built-in/op_proto/inc']
        subprocess.run(['g++', source, *(f'-I{path}' for path in include), f'-L{dist}/lib64', '-lge_runner', '-lgraph',
                        '-lascendcl', '-o', binary], check=True)
        env = {'LD_LIBRARY_PATH': f'{dist}/lib64', 'PATH': os.environ['PATH']}
        done = subprocess.run([binary], capture_output=True, text=True, env=env, timeout=60)
    if done.returncode != 0 or done.stdout != '0 2 0 4\n' or done.stderr:
        print(f'exit status {done.returncode}, printed {done.stdout!r} and {done.stderr!r}')
        sys.exit('0 passed, 1 failed')
    print('1 passed, 0 failed')


if __name__ == '__main__':
    main()
