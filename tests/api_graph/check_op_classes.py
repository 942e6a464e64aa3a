#!/usr/bin/env python3
"""check_op_classes.py COMPILER SOURCE DIST: every generated class declares what the embedded table declares."""
import pathlib
import subprocess
import sys
import tempfile

HEAD = r"""
using namespace ge;
int bad = 0;

template <typename T>
bool Same(const Operator& a, const Operator& b, const char* name) {
  T x = T(), y = T();
  if (a.GetAttr(name, x) != b.GetAttr(name, y)) return false;
  return x == y;
}

void Check(const Operator& a, const char* type) {
  const Operator b = OperatorFactory::CreateOperator("n", type);
  std::map<AscendString, AscendString> x, y;
  (void)a.GetAllIrAttrNamesAndTypes(x);
  (void)b.GetAllIrAttrNamesAndTypes(y);
  bool same = x == y && a.GetInputsSize() == b.GetInputsSize() && a.GetOutputsSize() == b.GetOutputsSize() &&
              a.GetSubgraphNamesCount() == b.GetSubgraphNamesCount();
  for (const auto& attr : x) {
    const char* name = attr.first.GetString();
    same = same && Same<int64_t>(a, b, name) && Same<float>(a, b, name) && Same<bool>(a, b, name) &&
           Same<AscendString>(a, b, name) && Same<std::vector<int64_t>>(a, b, name) &&
           Same<std::vector<float>>(a, b, name) && Same<std::vector<AscendString>>(a, b, name) &&
           Same<std::vector<std::vector<int64_t>>>(a, b, name) && Same<DataType>(a, b, name);
  }
  if (!same) std::printf("%s differs\n", type);
  bad += same ? 0 : 1;
}
"""


def main():
    compiler, root, dist = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    sys.path.insert(0, str(root / "tools"))
    import op_tables  # pylint: disable=import-outside-toplevel
    ops = op_tables.read_all(root / "data" / "ops")
    lines = ["#include <cstdio>"]
    lines += [f'#include "{header}.h"' for header in sorted({op.header for op in ops})]
    lines += [HEAD, "int main() {"]
    lines += [f'  Check(op::{op.name}("n"), "{op.name}");' for op in ops]
    lines += ["  return bad == 0 ? 0 : 1;", "}"]
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder) / "all.cc", pathlib.Path(folder) / "all"
        source.write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([compiler, "-std=c++11", "-O0", source, "-o", program, "-I", dist / "include",
                        "-I", dist / "opp/built-in/op_proto/inc", "-L", dist / "lib64", "-lgraph",
                        f"-Wl,-rpath,{dist}/lib64"], check=True)
        result = subprocess.run([program], check=False)
    print(f"{len(ops)} classes compared with the embedded table")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
