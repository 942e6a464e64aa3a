#!/usr/bin/env python3
"""gen_api_page.py DIST PAGE [--check]: docs/api.md from data/api and the libraries in DIST/lib64.

--check writes nothing: it says whether PAGE is up to date, and whether every C function that a library exports is
declared in data/api. Counts by library go to standard output.
"""
import collections
import pathlib
import sys

import api_table

DATA = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'api'

PAGE = """# Interface

Made by `tools/gen_api_page.py build/dist docs/api.md` from `data/api`, the functions that CANN declares, and from the built
libraries, in which functions that refuse or change nothing stand in sections of their own (`src/api/marks.h`).

*full* does its work, and refuses by name what an argument asks for and is not built. *no effect* accepts good arguments
and changes nothing, because what it sets means nothing on a CPU. *refuses* returns a failure status and says so. Functions
under "not there" are declared by CANN and are not exported.
"""


def title(declaration):
    prefix = '' if declaration.kind == 'function' or not declaration.cls else declaration.cls + ': '
    return f'`{prefix}{declaration.signature}`'.replace('|', '\\|')


def short_name(declaration):
    name = declaration.signature.split('(')[0].split()[-1].lstrip('*&')
    return f'{declaration.cls}::{name}' if declaration.cls else name


def page(declarations, libraries):
    text = PAGE
    by_header = collections.defaultdict(list)
    for d in declarations:
        by_header[(d.library or 'in no library', d.header)].append(d)
    for (library, header), rows in sorted(by_header.items()):
        text += f'\n## {header or "no header"} (lib{library}.so)\n'
        found = [(d, *api_table.where(d.symbol, library, libraries)) for d in rows]
        there = [(d, reality if at == library else f'{reality}, in lib{at}.so') for d, at, reality in found if at]
        if there:
            text += '\n| function | |\n|---|---|\n'
            text += ''.join(f'| {title(d)} | {reality} |\n' for d, reality in there)
        absent = sorted({short_name(d) for d, at, _ in found if not at})
        if absent:
            text += '\nNot there: ' + ', '.join(f'`{name}`' for name in absent) + '.\n'
    return text


def print_counts(declarations, libraries):
    counts = collections.defaultdict(collections.Counter)
    for d in declarations:
        _, reality = api_table.where(d.symbol, d.library, libraries)
        counts[d.library or '-'][reality or 'not there'] += 1
    for library, kinds in sorted(counts.items()):
        print(f'{library}: ' + ', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items())))


def undeclared(declarations, libraries):
    known = {d.symbol for d in declarations}
    return [f'lib{library}.so exports {symbol}, which data/api does not declare'
            for library, exports in libraries.items() for symbol in exports
            if not symbol.startswith('_Z') and symbol not in known]


def main():
    dist, path = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    declarations = api_table.read_declarations(DATA)
    libraries = api_table.public_libraries(dist / 'lib64')
    text = page(declarations, libraries)
    print_counts(declarations, libraries)
    if '--check' not in sys.argv[3:]:
        path.write_text(text, encoding='utf-8')
        return
    problems = undeclared(declarations, libraries)
    if not path.exists() or path.read_text(encoding='utf-8') != text:
        problems.append(f'{path} is out of date: run tools/gen_api_page.py {dist} {path}')
    for problem in problems:
        print(problem)
    print(f'{2 - min(len(problems), 2)} passed, {min(len(problems), 2)} failed')
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
