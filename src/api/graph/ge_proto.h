// Serialised graphs: the messages of ge.proto as structs, and their bytes. `rest` holds a message's fields that mean
// nothing here, as they were read: they are written back before the others.
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
  std::string rest;
};

struct OpProto {
  std::string name, type;
  std::vector<std::string> inputs;  // "source:port", "source:-1" for control, "" for nothing
  std::vector<std::pair<std::string, AttrData>> attrs;
  std::vector<std::string> unreadable_attrs;  // of kinds that no operator declares: among the rest
  std::vector<DescProto> input_descs, output_descs;
  std::vector<std::string> subgraph_names;
  std::string rest;
};

struct GraphProto {
  std::string name;
  std::vector<std::string> inputs, outputs;  // "node:port"
  std::vector<OpProto> ops;
  std::string rest;
};

struct ModelProto {
  std::string name;
  std::vector<GraphProto> graphs;  // the root first
  std::string rest;
};

belay::Result<ModelProto> ParseModel(std::string_view bytes);
belay::Result<std::string> SerializeModel(const ModelProto& model);

}  // namespace ge
