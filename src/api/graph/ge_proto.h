// Serialised graphs: the messages of ge.proto as structs, and their bytes.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/graph/attr_data.h"
#include "base/status.h"
#include "graph/tensor.h"

namespace ge {

struct DescProto {
  std::string name;
  TensorDesc desc;
};

struct OpProto {
  std::string name, type;
  std::vector<std::string> inputs;  // "source:port", "source:-1" for control, "" for nothing
  std::vector<std::pair<std::string, AttrData>> attrs;
  std::vector<std::string> unreadable_attrs;  // of kinds that no operator declares
  std::vector<DescProto> input_descs, output_descs;
  std::vector<std::string> subgraph_names;
};

struct GraphProto {
  std::string name;
  std::vector<std::string> inputs, outputs;  // "node:port"
  std::vector<OpProto> ops;
};

struct ModelProto {
  std::string name;
  std::vector<GraphProto> graphs;  // the root first
};

belay::Result<ModelProto> ParseModel(std::string_view bytes);
belay::Result<std::string> SerializeModel(const ModelProto& model);

}  // namespace ge
