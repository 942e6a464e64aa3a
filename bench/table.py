#!/usr/bin/env python3
"""The last figures of every case in a ledger as a table in Markdown: table.py LEDGER [PRECISION]

One row a case: for each number of threads Belay's median, the faster peer with its own, the median of the paired
ratios with its quartiles (above 1 Belay is faster). The last row has the geometric means. See run.py.
"""
import csv
import math
import statistics
import sys


def latest(path, precision):
    """{case: {threads: row}}, in the order of the ledger."""
    cases = {}
    with open(path) as f:
        for row in csv.DictReader(f, delimiter='\t'):
            if row['precision'] == precision:
                cases.setdefault(row['case'], {})[int(row['threads'])] = row
    return cases


def cells(row):
    if row is None:
        return ['', '', '']
    return [row['belay_ms'], f'{row["peer"]} {row["peer_ms"]}', f'**{float(row["ratio"]):.2f}** ({row["quartiles"]})']


def mean(rows):
    return math.exp(statistics.mean(math.log(float(row['ratio'])) for row in rows))


def main():
    path, precision = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else 'fp32'
    cases = latest(path, precision)
    threads = sorted({t for rows in cases.values() for t in rows})
    titles = [c for t in threads for c in (f'ms, {t} thread{"s" if t > 1 else ""}', 'faster peer, ms', 'ratio')]
    print('| case | ' + ' | '.join(titles) + ' |')
    print('|---|' + '---:|---|---|' * len(threads))
    for case, rows in cases.items():
        print(f'| {case} | ' + ' | '.join(c for t in threads for c in cells(rows.get(t))) + ' |')
    means = [['', '', f'**{mean([rows[t] for rows in cases.values() if t in rows]):.3f}**'] for t in threads]
    print('| geometric mean | ' + ' | '.join(cell for m in means for cell in m) + ' |')


if __name__ == '__main__':
    main()
