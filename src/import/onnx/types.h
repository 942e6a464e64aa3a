// What is known about ONNX values while importing: dtype, rank, some extents. Rules ask for it where an
// operator's GE form depends on the rank. The compiler infers everything again, exactly.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "graph/element_type.h"
#include "graph/literal.h"
#include "import/onnx/proto.h"

namespace belay::onnx {

struct ValueType {
  DType dtype = DType::kUndefined;
  bool ranked = false;
  std::vector<int64_t> dims;  // -1 unknown; empty when not ranked
  // Of sequences and optionals, which are kResource of rank 0: what they hold, as far as it is known.
  std::shared_ptr<const ValueType> element = nullptr;
  bool optional = false;

  int rank() const { return ranked ? static_cast<int>(dims.size()) : -1; }
  static ValueType OfRank(DType dtype, int64_t rank) {
    const bool ranked = rank >= 0 && rank <= 64;  // more than that only in hostile files
    return {dtype, ranked, std::vector<int64_t>(ranked ? rank : 0, -1)};
  }
  static ValueType Of(DType dtype, std::vector<int64_t> dims) {
    return {dtype, true, std::move(dims)};
  }
  static ValueType Sequence(const ValueType& element, bool optional = false) {
    return {DType::kResource, true, {}, std::make_shared<ValueType>(element), optional};
  }
};

ValueType FromProto(const TypeProto& type);
// What a sequence or optional holds, as the compiler is told; nullptr of tensors.
ElementTypePtr ElementOf(const ValueType& type);
// Fills what `known` leaves open from `more`.
ValueType Merge(ValueType known, const ValueType& more);

// One node, as far as its types are concerned.
struct TypeQuery {
  const Node& node;
  int opset;
  std::vector<ValueType> inputs;      // one per node.inputs
  std::vector<LiteralPtr> constants;  // one per node.inputs; nullptr where not constant

  int64_t Int(const char* name, int64_t fallback) const;
  bool HasInts(const char* name) const;
  std::vector<int64_t> Ints(const char* name) const;
  std::string Str(const char* name, const char* fallback) const;
  ValueType In(size_t i) const { return i < inputs.size() ? inputs[i] : ValueType(); }
  LiteralPtr Const(size_t i) const { return i < constants.size() ? constants[i] : nullptr; }
};

// One entry per output. Operators without a row here give unknown types; control flow is the importer's.
std::vector<ValueType> InferTypes(const TypeQuery& query);

}  // namespace belay::onnx
