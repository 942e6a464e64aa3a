"""Reader of data/ops/*.tsv: the prototypes as Python objects, their defaults normalised."""
import collections
import pathlib
import re

Port = collections.namedtuple("Port", "name kind types")  # kind: req opt dyn
Attr = collections.namedtuple("Attr", "name type default")  # default None: required
Op = collections.namedtuple(
    "Op", "name header in_all_ops inputs outputs attrs subgraphs dtype_vars status also_in")

# Short type name -> (ge::DataType identifier, number).
DTYPES = {
    "f32": ("DT_FLOAT", 0), "f16": ("DT_FLOAT16", 1), "i8": ("DT_INT8", 2), "i32": ("DT_INT32", 3),
    "u8": ("DT_UINT8", 4), "i16": ("DT_INT16", 6), "u16": ("DT_UINT16", 7), "u32": ("DT_UINT32", 8),
    "i64": ("DT_INT64", 9), "u64": ("DT_UINT64", 10), "f64": ("DT_DOUBLE", 11), "b": ("DT_BOOL", 12),
    "str": ("DT_STRING", 13), "c64": ("DT_COMPLEX64", 16), "c128": ("DT_COMPLEX128", 17),
    "qi8": ("DT_QINT8", 18), "qi16": ("DT_QINT16", 19), "qi32": ("DT_QINT32", 20),
    "qu8": ("DT_QUINT8", 21), "qu16": ("DT_QUINT16", 22), "res": ("DT_RESOURCE", 23),
    "strref": ("DT_STRING_REF", 24), "var": ("DT_VARIANT", 26), "bf16": ("DT_BF16", 27),
    "undef": ("DT_UNDEFINED", 28), "i4": ("DT_INT4", 29), "u1": ("DT_UINT1", 30), "i2": ("DT_INT2", 31),
    "u2": ("DT_UINT2", 32), "c32": ("DT_COMPLEX32", 33), "hif8": ("DT_HIFLOAT8", 34),
    "f8e5m2": ("DT_FLOAT8_E5M2", 35), "f8e4m3": ("DT_FLOAT8_E4M3FN", 36), "f8e8m0": ("DT_FLOAT8_E8M0", 37),
    "f6e3m2": ("DT_FLOAT6_E3M2", 38), "f6e2m3": ("DT_FLOAT6_E2M3", 39), "f4e2m1": ("DT_FLOAT4_E2M1", 40),
    "f4e1m2": ("DT_FLOAT4_E1M2", 41),
}

_CONSTANTS = {"UNKNOWN_RANK": "{-2}", "UNKNOWN_SHAPE": "{-1}"}
ATTR_TYPES = {"Int", "Float", "Bool", "String", "Type", "Tensor", "Bytes", "NamedAttrs", "ListInt", "ListFloat",
              "ListBool", "ListString", "ListType", "ListTensor", "ListListInt", "ListNamedAttrs"}


def _number(text):
    """A decimal literal, or a quotient of two as the tables write 1/4."""
    parts = [float(p) for p in text.split("/")]
    value = parts[0]
    for p in parts[1:]:
        value /= p
    return text if len(parts) == 1 else repr(value)


def _items(text):
    text = _CONSTANTS.get(text, text).strip()
    inner = text[1:-1] if text[:1] in "{[" and text else text
    return [p.strip() for p in inner.split(",") if p.strip()]


def normalise_default(kind, text):
    """The default as graph/prototype.h documents it."""
    if kind == "Int":
        return str(DTYPES[text][1]) if text in DTYPES else text or "0"
    if kind == "Float":
        return _number(text or "0")
    if kind == "Bool":
        return "true" if text in ("true", "1") else "false"
    if kind == "String":
        return text[1:-1] if text.startswith('"') else text
    if kind == "Type":
        return text
    if kind == "ListListInt":
        return text[1:-1].strip()
    if kind in ("ListInt", "ListBool", "ListType"):
        return ",".join(_items(text))
    if kind == "ListFloat":
        return ",".join(_number(p) for p in _items(text))
    if kind == "ListString":
        return ",".join(p.strip('"') for p in _items(text))
    return ""


def _attr(text):
    name, kind, default = text.split(":", 2)
    if ", " in kind:  # "Int, 0:required" is how one release spells a default
        kind, default = kind.split(", ")[0], "=" + kind.split(", ")[1]
    kind = kind[:1].upper() + kind[1:]
    if kind not in ATTR_TYPES:
        raise ValueError(f"unknown attribute type {kind} of {name}")
    if default == "required":
        return Attr(name, kind, None)
    return Attr(name, kind, normalise_default(kind, default[1:]))


def _ports(text):
    """The ports; one that releases declare with different types stands twice and is joined."""
    ports = {}
    for item in [] if text == "-" else text.split(";"):
        name, kind, types = item.split(":", 2)
        if name in ports:
            types = "|".join(dict.fromkeys(ports[name].types.split("|") + types.split("|")))
        ports[name] = Port(name, kind, types)
    return list(ports.values())


def _dash(text):
    return "" if text == "-" else text


def read_table(path):
    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    columns = lines[0].split("\t")
    for line in lines[1:]:
        if not line:
            continue
        row = dict(zip(columns, line.split("\t")))
        attrs = [] if row["attrs"] == "-" else [
            _attr(a) for a in re.split(r";(?=\w+:\w+(?:, \w+)?:)", row["attrs"])]
        subgraphs = [] if row["subgraphs"] == "-" else [
            tuple(s.split(":")) for s in row["subgraphs"].split(";")]
        yield Op(row["op"], pathlib.Path(path).stem, row["in_all_ops"] == "y", _ports(row["inputs"]),
                 _ports(row["outputs"]), attrs, subgraphs, _dash(row["dtype_vars"]), _dash(row["status"]),
                 _dash(row["also_in"]))


def read_all(folder, pattern="*.tsv"):
    """CANN's operators; with the pattern **/*.tsv those of data/ops/onnx too, which have no client class."""
    ops = [op for path in sorted(pathlib.Path(folder).glob(pattern)) for op in read_table(path)]
    return sorted(ops, key=lambda op: op.name)
