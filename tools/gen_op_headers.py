#!/usr/bin/env python3
"""gen_op_headers.py DATA_OPS OUT: one client header of REG_OP classes per table, and all_ops.h."""
import json
import pathlib
import sys

import op_tables

GROUPS = {
    "@all": "ALL", "@quant": "QuantifiedType", "@ordinary": "OrdinaryType", "@basic": "BasicType",
    "@number": "NumberType", "@real": "RealNumberType", "@complex": "ComplexDataType",
    "@int": "IntegerDataType", "@sint": "SignedDataType", "@uint": "UnsignedDataType",
    "@floating": "FloatingDataType", "@index": "IndexNumberType", "@unary": "UnaryDataType",
    "@float": "FLOAT",
}
GROUP_MEMBERS = {
    "@floating": "f64 f32 f16", "@float": "f32 f16 bf16", "@index": "i32 i64",
    "@complex": "c64 c128", "@quant": "qi8 qi16 qi32 qu8 qu16",
    "@int": "i8 i16 i32 i64 u8 u16 u32 u64", "@sint": "i8 i16 i32 i64", "@uint": "u8 u16 u32 u64",
    "@real": "f64 f32 f16 i8 i16 i32 i64 u8 u16 u32 u64", "@unary": "c64 c128 f64 f32 f16",
    "@number": "c128 c64 f64 f32 f16 i16 i32 i64 i8 qi32 qi8 qu8 u16 u32 u64 u8",
    "@basic": "c128 c64 f64 f32 f16 i16 i32 i64 i8 qi16 qi32 qi8 qu16 qu8 u16 u32 u64 u8",
    "@ordinary": "b c128 c64 f64 f32 f16 i16 i32 i64 i8 u16 u32 u64 u8",
}
PORT_MACRO = {("input", "req"): "INPUT", ("input", "opt"): "OPTIONAL_INPUT", ("input", "dyn"): "DYNAMIC_INPUT",
              ("output", "req"): "OUTPUT", ("output", "dyn"): "DYNAMIC_OUTPUT"}


def tensor_type(types):
    """`f32|f16` as a TensorType expression."""
    parts = types.split("|")
    if "?" in parts or "@all" in parts:
        return "TensorType::ALL()"
    if len(parts) == 1 and parts[0] in GROUPS:
        return f"TensorType::{GROUPS[parts[0]]}()"
    names = [n for p in parts for n in (GROUP_MEMBERS[p].split() if p in GROUP_MEMBERS else [p])]
    return "TensorType({" + ", ".join(op_tables.DTYPES[n][0] for n in dict.fromkeys(names)) + "})"


def port_type(types):
    return types[1:] if types.startswith("$") else tensor_type(types)


def default_expression(attr):
    kind, text = attr.type, attr.default
    if kind == "String":
        return json.dumps(text)
    if kind == "Type":
        return op_tables.DTYPES[text][0]
    if kind == "Float":
        return text if any(c in text for c in ".eE") else text + ".0"
    if kind == "Tensor":
        return "Tensor()"
    if kind == "ListString":
        return "{" + ", ".join(json.dumps(t) for t in text.split(",") if t) + "}"
    if kind.startswith("List"):
        return "{" + ", ".join(text.split(",")) + "}" if text else "{}"
    return text


def datatype_rule(text):
    if text.startswith("promote("):
        return "Promote({" + ", ".join(json.dumps(s) for s in text[8:-1].split("&")) + "})"
    if text.startswith("list:"):
        return f"ListTensorType({tensor_type(text[5:])})"
    return tensor_type(text)


def op_lines(op):
    yield f"REG_OP({op.name})"
    for side, ports in (("input", op.inputs), ("output", op.outputs)):
        for port in ports:
            yield f"    .{PORT_MACRO[side, port.kind]}({port.name}, {port_type(port.types)})"
    for attr in op.attrs:
        if attr.default is None:
            yield f"    .REQUIRED_ATTR({attr.name}, {attr.type})"
        else:
            yield f"    .ATTR({attr.name}, {attr.type}, {default_expression(attr)})"
    for variable in filter(None, op.dtype_vars.split(";")):
        name, rule = variable.split(":", 1)
        yield f"    .DATATYPE({name}, {datatype_rule(rule)})"
    for name, kind in op.subgraphs:
        yield f"    .{'DYNAMIC_GRAPH' if kind == 'dyn' else 'GRAPH'}({name})"
    yield f"    .OP_END_BUILT_IN({op.name})"


def header_text(stem, ops):
    guard = f"OP_PROTO_INC_{stem.upper()}_H_"
    lines = [f"// Generated from data/ops/{stem}.tsv.", f"#ifndef {guard}", f"#define {guard}",
             '#include "graph/operator_reg.h"', "", "namespace ge {"]
    for op in ops:
        if op.status:
            lines.append(f"// {op.status}")
        lines += [*op_lines(op), ""]
    return "\n".join(lines + ["}  // namespace ge", f"#endif  // {guard}", ""])


def write_headers(source, target, write):
    by_header = {}
    for op in op_tables.read_all(source):
        by_header.setdefault(op.header, []).append(op)
    for stem, ops in sorted(by_header.items()):
        write(target / f"{stem}.h", header_text(stem, ops))
    reached = sorted(stem for stem, ops in by_header.items() if any(op.in_all_ops for op in ops))
    guard = "OP_PROTO_INC_ALL_OPS_H_"
    includes = "".join(f'#include "{stem}.h"\n' for stem in reached)
    write(target / "all_ops.h", f"#ifndef {guard}\n#define {guard}\n{includes}#endif  // {guard}\n")


def main():
    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_headers(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), write)


if __name__ == "__main__":
    main()
