// belay ops: every GE operator type, whether it computes, and the ONNX operators it serves.
#include <cstdio>
#include <set>

#include "commands.h"
#include "graph/op_record.h"

namespace belay::tool {
namespace {

int PrintOps(bool computing_only) {
  int declared = 0, computing = 0;
  std::set<std::string> onnx_ops;
  std::printf("op\tstate\tonnx\n");
  for (const Prototype& proto : AllPrototypes()) {
    ++declared;
    const OpRecord* record = FindOpRecord(proto.op);
    const bool computes = record && record->computes;
    computing += computes;
    std::string onnx;
    if (record) {
      for (const std::string& op : OnnxOpsOf(*record)) {
        onnx += (onnx.empty() ? "" : ",") + op;
        onnx_ops.insert(op);
      }
    }
    if (computing_only && !computes) continue;
    std::printf("%s\t%s\t%s\n", proto.op, computes ? "computing" : "declared",
                onnx.empty() ? "-" : onnx.c_str());
  }
  std::printf("# %d declared, %d computing, %zu ONNX operators\n", declared, computing,
              onnx_ops.size());
  return 0;
}

}  // namespace

void AddOps(CLI::App* app, int* exit_code) {
  CLI::App* command = app->add_subcommand("ops", "list operators");
  auto computing = std::make_shared<bool>(false);
  command->add_flag("--computing", *computing, "only those that compute");
  command->callback([=] { *exit_code = PrintOps(*computing); });
}

}  // namespace belay::tool
