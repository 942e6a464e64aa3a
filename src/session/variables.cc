#include "session/variables.h"

#include <cstring>

#include "graph/graph.h"

namespace belay {
namespace {

std::string TypeText(DType dtype, const std::vector<int64_t>& dims) {
  return ToString(TensorType{dtype, Shape(dims.begin(), dims.end())});
}

void SetInitial(const VariableDecl& decl, Variable* variable) {
  if (!decl.initial || variable->has_value) return;
  if (variable->bytes) std::memcpy(variable->data, decl.initial->data(), variable->bytes);
  variable->has_value = true;
}

}  // namespace

Result<std::vector<std::shared_ptr<Variable>>> VariableStore::Bind(const std::vector<VariableDecl>& decls,
                                                                   const std::string& graph) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const VariableDecl& decl : decls) {
    auto it = entries_.find(decl.name);
    if (it == entries_.end()) continue;
    const Variable& have = *it->second.variable;
    if (have.dtype == decl.dtype && have.dims == decl.dims) continue;
    return InvalidArgument("variable '{}' is {} here, but {} in {}\nDo: declare it alike in all graphs of the "
                           "session, or rename it", decl.name, TypeText(decl.dtype, decl.dims),
                           TypeText(have.dtype, have.dims), it->second.graph);
  }
  std::vector<std::shared_ptr<Variable>> bound;
  for (const VariableDecl& decl : decls) {
    Entry& entry = entries_[decl.name];
    if (!entry.variable) {
      Result<std::shared_ptr<Variable>> made = Variable::Make(decl.name, decl.dtype, decl.dims);
      if (!made.ok()) {
        entries_.erase(decl.name);
        return std::move(made).status().Context("variable '" + decl.name + "'");
      }
      entry = {*made, graph};
    }
    SetInitial(decl, entry.variable.get());
    bound.push_back(entry.variable);
  }
  return bound;
}

Result<LiteralPtr> VariableStore::Read(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = entries_.find(name);
  if (it == entries_.end()) {
    std::string known;
    for (auto& [other, entry] : entries_) known += (known.empty() ? "" : ", ") + other;
    return NotFound("there is no variable '{}' (the session has {})\nDo: compile a graph that declares it first", name,
                    known.empty() ? "none" : known);
  }
  const Variable& v = *it->second.variable;
  if (!v.has_value) {
    return FailedPrecondition("variable '{}' has no value yet\nDo: run a graph that assigns it first", name);
  }
  return LiteralPtr(Literal::Copy(v.dtype, v.dims, v.data));
}

}  // namespace belay
