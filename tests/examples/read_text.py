#!/usr/bin/env python3
"""Builds examples/read_text against the install tree and has it read the pictures here: read_text.py BUILD

Each PICTURE.png must give the lines of PICTURE.txt, in this order, with a confidence of at least 0.7.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, '..', '..', 'examples', 'read_text')
LINE = re.compile(r'^(\d\.\d{3}) +[\d.]+ ms (?: -?\d+,-?\d+){4}  (.*)$')


def check(program, build, models, picture, scratch):
    name = os.path.splitext(os.path.basename(picture))[0]
    copy = shutil.copy(picture, scratch)
    env = dict(os.environ, LD_LIBRARY_PATH=os.path.join(build, 'dist', 'lib64'))
    done = subprocess.run([program, models, copy], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        return f'exit status {done.returncode}: {done.stderr.strip()}'
    found = [m.groups() for m in map(LINE.match, done.stdout.splitlines()) if m]
    expected = open(os.path.join(HERE, name + '.txt')).read().splitlines()
    if [text for _, text in found] != expected:
        return f'read {[text for _, text in found]}, expected {expected}'
    if min(float(confidence) for confidence, _ in found) < 0.7:
        return f'low confidence: {found}'
    if not os.path.exists(os.path.join(scratch, name + '.annotated.png')):
        return 'no annotated picture was written'
    return ''


def main():
    build = os.path.abspath(sys.argv[1])
    subprocess.run(['make', '-s', '-C', EXAMPLE, 'build', 'models', f'BUILD={build}'], check=True)
    models = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'belay', 'models')
    program = os.path.join(build, 'examples', 'read_text', 'read_text')
    pictures = [os.path.join(EXAMPLE, 'test.png')] + sorted(glob.glob(os.path.join(HERE, '*.png')))
    failed = 0
    for picture in pictures:
        with tempfile.TemporaryDirectory() as scratch:
            problem = check(program, build, models, picture, scratch)
        print(f"{os.path.basename(picture)}: {problem or 'ok'}", flush=True)
        failed += bool(problem)
    print(f'{len(pictures) - failed} passed, {failed} failed')
    sys.exit(failed > 0)


if __name__ == '__main__':
    main()
