#!/usr/bin/env python3
"""gen_ops_page.py data/op_numbers.tsv docs/ops.md: the operators' table as a page.

The table is made by build/tests/ops/op_numbers --write (make ops-page does both).
"""
import csv
import pathlib
import sys

PAGE = """# Operators

Made by `make ops-page`: the test program `op_numbers` runs every operator and writes `data/op_numbers.tsv`, and
`tools/gen_ops_page.py` makes this page of it. Tests say when either is out of date.

{computing} operators compute, and serve {onnx} operators of ONNX; {cases} cases in `tests/ops` run each on the engine and on the
interpreter, beside ONNX's own node tests (`tests/onnx_node`), which count in no row.

## Error

| class | budget | what it means |
|---|---|---|
| exact | 0 | moves, comparisons, conversions, selections: no rounding but that of a dtype |
| elementwise | 2 ulp | arithmetic of one rounding |
| transcendental | 4 ulp | one function: exp, sin, pow, ... |
| ..., several | see below | a formula of several of these |
| reduction, contraction | 2 sqrt(K) 2^-23 of the largest output | K is the number of terms; the same bytes at any thread count |
| library | that of its cases | sorting, resampling, random numbers, texts, boxes and others that are no formula |
| - | | no cases: control flow and what `tests/ops` leaves to other tests |

*Worst ulp* is measured on the engine, in f32, with the kernels of the machine that wrote the table, over random, tiny, huge,
denormal, infinite and NaN arguments. *definition* is a judge in long double that is not made from the record; *f64* is the
record itself in double. f16 and bf16 are lifted to f32 and rounded once at an operator's outputs.

Formulas of several roundings are measured where the result is finite and at least 2^-100: their infinities and NaNs are those
of the formula step by step (swish of -inf is -inf * 0, NaN). Those that a definition judges hold the budget of their class. In
the others errors count from the largest term, not from the result, where terms cancel, and grow with the exponent where
exp is of a product: sums of three, `FusedMulAdd`, `FastGelu` in its far tail, gradients outside the range of their function.
`GeluV2` is 0.5 x (1 + erf(x / sqrt(2))), `Gelu` the same with tanh, as in other engines: below -2 the error is up to 2^-24 |x|,
not of the result. `Erfc` of f64 is 1 - erf.

## Ends of a range

`tests/ops/elewise_calculation/limits.cases` shows it, `tests/onnx_node` what is said of ONNX.

| what | here | elsewhere |
|---|---|---|
| integer sums, differences, products, negation, abs | wrap | NumPy wraps; ONNX and CANN do not say |
| integer division, ONNX `Div`, GE `Div`, `TruncateDiv` | towards 0 | NumPy's `//` rounds down, as GE `FloorDiv` does here |
| integer division or remainder by 0 | 0 | NumPy gives 0 and a warning; ONNX and CANN leave it open |
| smallest integer by -1 | wraps; remainder 0 | NumPy the same; ONNX and CANN leave it open |
| `FloorDiv`, `TruncateDiv` of floats | floor, trunc of the rounded quotient | NumPy's `//` corrects by the remainder |
| `Mod`, `FloorMod` | sign of the dividend, of the divisor | ONNX `Mod` follows its `fmod` attribute |
| float to integer | towards 0, ends of the range beyond it, NaN is 0 | NumPy and ONNX leave values out of range open; CANN saturates |
| integer to a narrower integer | wraps | NumPy and ONNX the same |
| float to bool | anything but 0, NaN too, is true | NumPy the same |
| f32 to f16 or bf16 | nearest even, beyond the range infinity | NumPy and ONNX the same |
| f32 to floats of 8 bits and less | saturates where `saturate` is 1, ONNX's default | as ONNX says |
| shift by the width or more | 0, or the sign | ONNX and NumPy leave it open |

## Table

*Dtypes* are those of the first input; *any* is every type that its formula takes.

| operator | dtypes | class | worst ulp | judge | ONNX | cases |
|---|---|---|---|---|---|---|
"""


def read(path):
    with open(path, encoding='utf-8', newline='') as f:
        return list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))


def as_page(rows):
    onnx = {op for row in rows for op in row['onnx'].split() if op != '-'}
    text = PAGE.format(computing=len(rows), onnx=len(onnx), cases=sum(int(row['cases']) for row in rows))
    columns = ('dtypes', 'class', 'worst_ulp', 'judge', 'onnx', 'cases')
    cell = lambda value: '' if value == '-' else value
    return text + ''.join(f"| `{row['op']}` | " + ' | '.join(cell(row[c]) for c in columns) + ' |\n' for row in rows)


def main():
    source, out = sys.argv[1:]
    pathlib.Path(out).write_text(as_page(read(source)), encoding='utf-8')


if __name__ == '__main__':
    main()
