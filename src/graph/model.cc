#include "graph/model.h"

#include <algorithm>
#include <utility>

#include "graph/graph.h"

namespace belay {

bool IsData(const ModelNode& node) { return !node.refused && (node.type == "Data" || node.type == "RefData"); }

std::string UniqueName(const std::string& wanted, std::set<std::string>* taken) {
  std::string name = wanted;
  for (int i = 1; !taken->insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

std::vector<int64_t> DescribedDims(const TensorType& type) {
  std::vector<int64_t> dims;
  for (const Dim& d : type.shape) dims.push_back(d.IsConst() ? d.value() : -1);
  return dims;
}

std::string Describe(const ModelNode& node) {
  std::string text = "node '" + node.name + "' (" + node.type + ")";
  return node.origin.empty() ? text : text + " from " + node.origin;
}

Result<std::vector<int>> TopologicalOrder(const ModelGraph& model) {
  const int n = static_cast<int>(model.nodes.size());
  std::vector<int> order, state(n, 0);
  std::vector<std::pair<int, size_t>> stack;
  for (int root = 0; root < n; ++root) {
    if (state[root]) continue;
    state[root] = 1;
    stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [i, next] = stack.back();
      const ModelNode& node = model.nodes[i];
      if (next == node.inputs.size() + node.control_inputs.size()) {
        state[i] = 2;
        order.push_back(i);
        stack.pop_back();
        continue;
      }
      const size_t k = next++;
      const int from = k < node.inputs.size() ? node.inputs[k].node
                                              : node.control_inputs[k - node.inputs.size()];
      if (from < 0) continue;
      if (from >= n) return InvalidArgument("{} reads node {}, which does not exist", Describe(node), from);
      if (state[from] == 1) return InvalidArgument("the graph has a cycle through {}", Describe(node));
      if (state[from] == 0) {
        state[from] = 1;
        stack.emplace_back(from, 0);
      }
    }
  }
  return order;
}

std::shared_ptr<ModelGraph> WithTypes(const ModelGraph& model, const ModelTypes& types) {
  auto typed = std::make_shared<ModelGraph>(model);
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    ModelNode& node = typed->nodes[i];
    for (auto& [name, graphs] : node.subgraphs) {
      for (auto& sub : graphs) sub = WithTypes(*sub, types);
    }
    const auto known = types.find(&model.nodes[i]);
    if (known == types.end()) continue;
    node.output_descs.resize(std::max(node.output_descs.size(), known->second.size()));
    for (size_t k = 0; k < known->second.size(); ++k) {
      const TensorType& type = known->second[k];
      if (type.dtype == DType::kUndefined) continue;
      ModelDesc& desc = node.output_descs[k];
      desc.dtype = type.dtype;
      desc.dims = DescribedDims(type);
    }
  }
  return typed;
}

}  // namespace belay
