// A user's graph as text that others read: GE's ge.proto, and ONNX with GE's operators in a domain of their own.
#pragma once
#include <string>

#include "graph/model.h"

namespace belay {

enum class ModelDetail : uint8_t {
  kFull,
  kNoData,  // constants by type only
  kNodes,   // names, types and edges
};

// Text form of ge.proto.ModelDef: the graph, then its subgraphs.
std::string GeModelText(const ModelGraph& model, ModelDetail detail);
// Text form of onnx.ModelProto. Values are "node:output"; subgraphs are attributes of their node.
std::string OnnxModelText(const ModelGraph& model, ModelDetail detail);

std::string AttrText(const AttrValue& value);  // for people; tensors by type
std::string DescText(const ModelDesc& desc);   // "f32[2,?]", "f32[...]"

}  // namespace belay
