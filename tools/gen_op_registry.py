#!/usr/bin/env python3
"""Writes the table of op records: every BELAY_..OP..(Name in src/ops/*/*.cc becomes one row."""
import pathlib, re, sys

src, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
names = []
for f in sorted(src.rglob('*.cc')):
    for m in re.finditer(r'^BELAY_[A-Z_]*OP[A-Z_]*\(\s*(\w+)', f.read_text(), re.M):
        names.append(m.group(1))
dup = sorted({n for n in names if names.count(n) > 1})
if dup:
    sys.exit('op records declared twice: ' + ', '.join(dup))
text = ['#include "graph/op_record.h"', 'namespace belay {']
text += [f'void BelayOp_{n}(OpRecord&);' for n in names]
text += ['const OpRegistryRow kOpRegistry[] = {'] + [f'  {{"{n}", BelayOp_{n}}},' for n in names]
text += ['  {nullptr, nullptr}};', f'const int kOpRegistrySize = {len(names)};', '}  // namespace belay', '']
new = '\n'.join(text)
out.parent.mkdir(parents=True, exist_ok=True)
if not out.exists() or out.read_text() != new:
    out.write_text(new)
