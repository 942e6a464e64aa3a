"""Readers of data/api/*.tsv (every public function that CANN declares) and of what the built libraries export."""
import collections
import csv
import pathlib
import re
import subprocess

# kind: function, method, static, constructor, destructor. old_abi_symbol: the name under the older layout of std::string,
# where it is another one.
Declaration = collections.namedtuple('Declaration', 'library header cls kind signature symbol old_abi_symbol')

# Sections of src/api/marks.h.
REALITY = {'belay_refuses': 'refuses', 'belay_no_effect': 'no effect'}


def read_declarations(folder):
    rows = []
    for path in sorted(pathlib.Path(folder).glob('*.tsv')):
        with open(path, encoding='utf-8', newline='') as f:
            for row in csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE):
                fields = [row[c] for c in ('library', 'header', 'class', 'kind', 'signature', 'symbol', 'old_abi_symbol')]
                rows.append(Declaration(*('' if x == '-' else x for x in fields)))
    symbols = collections.Counter(row.symbol for row in rows)
    twice = [s for s, count in symbols.items() if count > 1]
    if twice:
        raise SystemExit('declared twice in data/api: ' + ', '.join(twice))
    return rows


def readelf(option, path):
    return subprocess.run(['readelf', '-W', option, str(path)], check=True, capture_output=True, text=True).stdout


def exported(path):
    """Functions of a library by symbol: 'full', 'no effect' or 'refuses'."""
    sections = dict(re.findall(r'^ *\[ *(\d+)\] (\S+)', readelf('-S', path), re.M))
    found = {}
    for line in readelf('--dyn-syms', path).splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[3] in ('FUNC', 'IFUNC') and fields[6] != 'UND':
            found[fields[7].split('@')[0]] = REALITY.get(sections.get(fields[6], ''), 'full')
    return found


def where(symbol, library, libraries):
    """The library that exports a symbol, its own first, and how real it is there; two empty texts where none does."""
    for name in [library, *libraries]:
        if symbol and symbol in libraries.get(name, {}):
            return name, libraries[name][symbol]
    return '', ''


def public_libraries(lib64):
    return {path.name[3:-3]: exported(path) for path in sorted(pathlib.Path(lib64).glob('lib*.so'))
            if path.name != 'libbelay_engine.so'}
