#!/usr/bin/env python3
"""Writes the *_golden.cases tables beside the operators' hand-made ones from the definitions in this folder.

  make.py            writes them
  make.py --check    says which differ from what it would write
"""
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
HEAD = '# Written by goldens/make.py from the NumPy definitions in goldens/{}.py.'


def tables():
    sys.path.insert(0, str(HERE))
    for path in sorted(HERE.glob('*.py')):
        if path.stem in ('make', 'table'):
            continue
        for name, lines in importlib.import_module(path.stem).FILES.items():
            yield HERE.parent / name, '\n'.join([HEAD.format(path.stem), *lines()]) + '\n'


def main():
    check = sys.argv[1:] == ['--check']
    stale = 0
    count = 0
    for path, text in tables():
        count += 1
        if path.exists() and path.read_text() == text:
            continue
        if check:
            stale += 1
            print(f'{path.relative_to(HERE.parent)} is not what {HERE.name}/make.py writes')
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if check:
        print(f'{count - stale} passed, {stale} failed')
    sys.exit(1 if stale else 0)


main()
