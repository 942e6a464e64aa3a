#!/usr/bin/env python3
"""check_linked.py LIB64: what the torch-npu wheels list as needed is there: each library of linked.tsv exists, and
each symbol is found when its library is loaded (in it, or in one it depends on)."""
import pathlib
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exports(library):
    lines = output('nm', '-D', '--defined-only', library).splitlines()
    return {line.split()[-1].split('@')[0] for line in lines}


def with_dependencies(folder, name):
    found, wanted = {}, [name]
    while wanted:
        name = wanted.pop()
        if name in found or not (folder / name).exists():
            continue
        found[name] = exports(folder / name)
        wanted += re.findall(r'NEEDED.*\[(.*)\]', output('readelf', '-d', folder / name))
    return set().union(*found.values()) if found else None


def main():
    folder = pathlib.Path(sys.argv[1])
    table = pathlib.Path(__file__).with_name('linked.tsv').read_text().split('\n')[:-1]
    visible, failed = {}, 0
    for row in table:
        library, _, symbol = row.partition('\t')
        if library not in visible:
            visible[library] = with_dependencies(folder, library)
        if visible[library] is None or (symbol and symbol not in visible[library]):
            print('missing:', library, symbol)
            failed += 1
    print(f'{len(table) - failed} passed, {failed} failed')
    sys.exit(failed > 0)


main()
