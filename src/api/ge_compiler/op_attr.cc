// aclgrphSetOpAttr: operators that a file lists, by name or as OpType::TYPE, get a mark for the compiler.
#include <fstream>

#include "api/ge_compiler/report.h"
#include "ge/ge_ir_build.h"

using belay::InvalidArgument;

namespace ge {
namespace {

constexpr const char kByType[] = "OpType::";

std::string Trimmed(const std::string& line) {
  const size_t first = line.find_first_not_of(" \t\r\n"), last = line.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? "" : line.substr(first, last - first + 1);
}

bool IsListed(const GNode& node, const std::string& entry) {
  AscendString text;
  if (entry.rfind(kByType, 0) == 0) {
    return node.GetType(text) == GRAPH_SUCCESS && entry.substr(sizeof kByType - 1) == text.GetString();
  }
  return node.GetName(text) == GRAPH_SUCCESS && entry == text.GetString();
}

belay::Status MarkListed(const Graph& graph, const char* path, const char* mark) {
  if (!graph.IsValid()) return belay::FailedPrecondition("the graph is empty");
  if (path == nullptr) return InvalidArgument("the path is null");
  std::ifstream file(path);
  if (!file) return InvalidArgument("'{}' cannot be read", path);
  const std::vector<GNode> nodes = graph.GetAllNodes();
  std::vector<GNode> marked;
  for (std::string line; std::getline(file, line);) {
    const std::string entry = Trimmed(line);
    const size_t before = marked.size();
    for (const GNode& node : nodes) {
      if (!entry.empty() && IsListed(node, entry)) marked.push_back(node);
    }
    if (!entry.empty() && marked.size() == before) {
      return InvalidArgument("'{}' lists '{}', but the graph has no such operator", path, entry);
    }
  }
  int64_t yes = 1;
  for (const GNode& node : marked) (void)node.SetAttr(mark, yes);
  return belay::OkStatus();
}

}  // namespace

// Keeping the dtype means that precision modes leave the operands of a product alone. Weights are never compressed, so
// that mark changes nothing.
graphStatus aclgrphSetOpAttr(Graph& graph, aclgrphAttrType attr_type, const char* cfg_path) {
  return belay::api::Reported("aclgrphSetOpAttr", [&]() -> belay::Status {
    switch (attr_type) {
      case ATTR_TYPE_KEEP_DTYPE: return MarkListed(graph, cfg_path, "_keep_dtype");
      case ATTR_TYPE_WEIGHT_COMPRESS: return MarkListed(graph, cfg_path, "_weight_compress");
    }
    return InvalidArgument("there is no attribute {}", static_cast<uint32_t>(attr_type));
  });
}

}  // namespace ge
