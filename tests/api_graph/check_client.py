#!/usr/bin/env python3
"""check_client.py COMPILER DIST: a program built against the install tree alone, under each string ABI, runs,
also when the tree was moved and set_env.sh names its new place."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROGRAM = r"""
#include <cstdio>
#include <string>
#include <vector>
#include "all_ops.h"
#include "ge/ge_api.h"
#include "parser/onnx_parser.h"

#define EXPECT(condition)                                     \
  if (!(condition)) {                                         \
    std::printf("line %d: %s\n", __LINE__, #condition);       \
    return 1;                                                 \
  }

int main() {
  using namespace ge;
  op::Data data(std::string("data"));
  data.update_output_desc_y(TensorDesc(Shape({2, 3}), FORMAT_ND, DT_FLOAT));
  op::Relu relu("relu");
  relu.set_input_x(data, std::string("y"));
  relu.SetAttr(std::string("label"), std::string("text"));
  relu.SetAttr("labels", std::vector<std::string>{"a", "b"});
  std::string text;
  std::vector<std::string> texts;
  EXPECT(relu.GetAttr("label", text) == GRAPH_SUCCESS && text == "text");
  EXPECT(relu.GetAttr(std::string("labels"), texts) == GRAPH_SUCCESS && texts.size() == 2);
  EXPECT(relu.GetName() == "relu" && relu.GetOpType() == "Relu");
  EXPECT(relu.GetAllAttrNamesAndTypes().at("labels") == "VT_LIST_STRING");
  Graph graph(std::string("graph"));
  graph.SetInputs(std::vector<Operator>{data});
  graph.SetOutputs(std::vector<std::pair<Operator, std::string>>{{relu, "y"}});
  EXPECT(graph.IsValid() && graph.GetName() == "graph" && graph.GetAllNodes().size() == 2);
  const std::string& name = graph.GetName();
  EXPECT(&name == &graph.GetName());
  std::vector<std::string> types;
  EXPECT(OperatorFactory::GetOpsTypeList(types) == GRAPH_SUCCESS && types.size() >= 1855);
  EXPECT(OperatorFactory::CreateOperator(std::string("n"), std::string("Nothing")).IsEmpty());
  Tensor tensor(TensorDesc(Shape({2}), FORMAT_ND, DT_STRING));
  EXPECT(tensor.SetData(std::vector<std::string>{"x", "yz"}) == GRAPH_SUCCESS);
  op::Conv2D conv("conv");
  EXPECT(conv.get_attr_data_format() == "NHWC");
  EXPECT(GEInitialize(std::map<std::string, std::string>{}) == SUCCESS);
  {
    Session session(std::map<std::string, std::string>{});
    EXPECT(session.AddGraph(1, graph) == SUCCESS);
    EXPECT(session.RemoveGraph(7) != SUCCESS);
    EXPECT(GEGetErrorMsg().find('7') != std::string::npos);
  }
  EXPECT(GEFinalize() == SUCCESS);
  EXPECT(StatusFactory::Instance()->GetErrDesc(FAILED) == "Failed");
  return 0;
}
"""


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if result.returncode != 0:
        print(" ".join(map(str, command)), result.stdout, result.stderr[:3000], sep="\n")
    return result.returncode == 0


def runs_when_moved(dist, program):
    with tempfile.TemporaryDirectory() as folder:
        moved = pathlib.Path(folder) / "moved"
        (moved / "lib64").mkdir(parents=True)
        for library in (dist / "lib64").glob("*.so*"):
            (moved / "lib64" / library.name).symlink_to(library)
        shutil.copy(dist / "set_env.sh", moved)
        # The variable goes before RUNPATH, so the libraries of the moved tree are used.
        script = f'. {moved}/set_env.sh && [ "$ASCEND_HOME_PATH" = "{moved}" ] && {program} && ' \
                 f'ldd {program} | grep -q "{moved}/lib64/libgraph.so"'
        return run(["bash", "-c", script])


def main():
    compiler, dist = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    passed = 0
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "client.cc"
        source.write_text(PROGRAM, encoding="utf-8")
        for abi in (0, 1):
            program = pathlib.Path(folder) / f"client{abi}"
            # The libraries' own needs are found by RUNPATH, as they are when the program runs.
            built = run([compiler, "-std=c++11", "-Wall", "-Wextra", "-Werror", f"-D_GLIBCXX_USE_CXX11_ABI={abi}",
                         source, "-o", program, "-I", dist / "include", "-I", dist / "include/graph",
                         "-I", dist / "opp/built-in/op_proto/inc", "-L", dist / "lib64",
                         "-lge_runner", "-lgraph", "-lascendcl", f"-Wl,-rpath,{dist}/lib64"])
            passed += built and run([program]) and runs_when_moved(dist, program)
    print(f"{passed} of 2 string ABIs pass with {compiler}")
    return 0 if passed == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
