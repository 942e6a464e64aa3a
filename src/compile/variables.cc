#include "compile/variables.h"

#include <map>

namespace belay {
namespace {

std::string TypeText(const VariableDecl& v) {
  return ToString(TensorType{v.dtype, Shape(v.dims.begin(), v.dims.end())});
}

Status Collect(const ModelGraph& model, std::map<std::string, VariableDecl>* found) {
  for (const ModelNode& node : model.nodes) {
    BELAY_TRY(std::optional<VariableDecl> decl, DeclaredVariable(node));
    if (decl) {
      auto [it, is_new] = found->emplace(decl->name, *decl);
      VariableDecl& have = it->second;
      if (have.dtype != decl->dtype || have.dims != decl->dims) {
        return InvalidArgument("variable '{}' is declared as {} and as {}", decl->name, TypeText(have),
                               TypeText(*decl));
      }
      if (!have.initial) have.initial = decl->initial;
    }
    for (auto& [name, graphs] : node.subgraphs) {
      for (auto& graph : graphs) BELAY_RETURN_IF_ERROR(Collect(*graph, found));
    }
  }
  return OkStatus();
}

}  // namespace

Result<std::optional<VariableDecl>> DeclaredVariable(const ModelNode& node) {
  const OpRecord* record = FindOpRecord(node.type);
  if (!record || !record->declares || node.refused) return std::optional<VariableDecl>();
  Graph unused;
  Builder builder(&unused);
  Body body(builder, node, *record->prototype, std::vector<Tensor>(node.input_ports.size()));
  try {
    VariableDecl decl = record->declares(body);
    for (int64_t d : decl.dims) {
      if (d < 0) Fail("a variable's extents must be known");
    }
    if (decl.dtype == DType::kUndefined) Fail("it declares no data type");
    return std::optional<VariableDecl>(std::move(decl));
  } catch (OpError& error) {
    return std::move(error.status).Context(fmt::format("node '{}' ({})", node.name, node.type));
  }
}

Result<std::vector<VariableDecl>> CollectVariables(const ModelGraph& model) {
  std::map<std::string, VariableDecl> found;
  BELAY_RETURN_IF_ERROR(Collect(model, &found));
  std::vector<VariableDecl> variables;
  for (auto& [name, decl] : found) variables.push_back(std::move(decl));
  return variables;
}

Result<std::set<std::string>> VariablesInside(const ModelNode& node) {
  std::map<std::string, VariableDecl> found;
  for (auto& [name, graphs] : node.subgraphs) {
    for (auto& graph : graphs) BELAY_RETURN_IF_ERROR(Collect(*graph, &found));
  }
  std::set<std::string> names;
  for (auto& [name, decl] : found) names.insert(name);
  return names;
}

}  // namespace belay
