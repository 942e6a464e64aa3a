#!/usr/bin/env python3
"""check_headers.py COMPILER DIST [--together]: every public header alone, and a client of op classes, as C++11.
--together: all headers in one program instead."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

CLIENT = """
#include "array_ops.h"
#include "nn_calculation_ops.h"
#include "elewise_calculation_ops.h"
#include "split_combination_ops.h"
#include "control_flow_ops.h"
#include "ge/ge_api.h"
int Use() {
  using namespace ge;
  op::Data x("x");
  op::Conv2D conv(std::string("conv"));
  conv.set_input_x(x).set_input_filter_by_name(x, "y").set_attr_strides({1, 1, 1, 1});
  conv.set_attr_pads({0, 0, 0, 0}).set_attr_data_format("NCHW").set_attr_groups(1);
  op::ConcatD concat("concat");
  concat.create_dynamic_input_x(2).set_dynamic_input_x(0, conv).set_dynamic_input_x(1, conv, "y");
  AscendString format;
  return conv.get_attr_data_format(format) == GRAPH_SUCCESS &&
                 conv.get_attr_data_format() == "NCHW" && op::Conv2D::name_in_x() == "x"
             ? 0
             : 1;
}
"""


def compile_text(compiler, dist, text, extra=()):
    command = [compiler, "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++",
               "-I", f"{dist}/include", "-I", f"{dist}/include/graph",
               "-I", f"{dist}/opp/built-in/op_proto/inc", "-I", f"{dist}/opp", *extra, "-"]
    return subprocess.run(command, input=text, text=True, capture_output=True, check=False)


def main():
    compiler, dist = sys.argv[1], pathlib.Path(sys.argv[2])
    jobs = {}
    for folder in ("include", "opp"):
        for path in sorted((dist / folder).rglob("*.h")):
            jobs[str(path.relative_to(dist))] = (f'#include "{path.relative_to(dist / folder)}"\n', ())
    headers = len(jobs)
    if "--together" in sys.argv[3:]:
        jobs = {"all together": ("".join(text for text, _ in jobs.values()), ())}
    for abi in (0, 1):
        jobs[f"client, string ABI {abi}"] = (CLIENT, (f"-D_GLIBCXX_USE_CXX11_ABI={abi}",))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {name: pool.submit(compile_text, compiler, dist, *job) for name, job in jobs.items()}
        for name, run in runs.items():
            if run.result().returncode != 0:
                failed += 1
                print(f"{name}:\n{run.result().stderr[:2000]}")
    print(f"{len(jobs) - failed} of {len(jobs)} compile with {compiler}, {headers} headers")
    return 1 if failed or headers < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
