// What an operator is, apart from how it is connected: shared by the Operator a program builds with
// and the node of the graph it ends up in, so that changes through either are seen by both.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/graph/attr_data.h"
#include "graph/prototype.h"
#include "graph/graph.h"
#include "graph/operator.h"
#include "graph/tensor.h"

namespace ge {

// A declared input or output.
struct IrPort {
  std::string name;
  belay::PortKind kind = belay::PortKind::kRequired;
  std::string types;  // as the program wrote it: "TensorType({DT_FLOAT})", a symbol, or empty
};

// An instance of a declared port: "x", or "x0", "x1", ... of a dynamic one.
struct Port {
  std::string name;
  std::string ir_name;
  int instance = 0;
  belay::PortKind kind = belay::PortKind::kRequired;
  bool desc_set = false;  // by the program, not by linking
  TensorDesc desc;
  AttrDataMap attrs;
  std::string rest;  // of the file it was read from; see ge_proto.h
};
using PortPtr = std::shared_ptr<Port>;

struct Ports {
  std::vector<IrPort> declared;
  std::vector<PortPtr> instances;

  void Declare(const std::string& name, belay::PortKind kind, const std::string& types = "");
  // More instances of a dynamic port that is declared: after those it has, or at `position` of all.
  void AddInstances(const std::string& name, uint32_t count);
  void AddInstancesAt(const std::string& name, uint32_t count, size_t position);
  int Find(const std::string& name) const;  // instance by full name, -1 when there is none
  int Count(const std::string& ir_name) const;
  Port* At(int64_t index) const;
  Port* Get(const std::string& name) const { return At(Find(name)); }
};

struct IrAttr {
  std::string name;
  std::string type;  // "Int", ...: required ones only
  AttrData default_value;
};

// "Int", "ListFloat", ...: also of those declared by a value alone.
const char* IrTypeText(const IrAttr& attr);

struct Subgraphs {
  std::string ir_name;
  bool dynamic = false;
  std::vector<SubgraphBuilder> builders;
};

class OpDesc {
 public:
  std::string name;
  std::string type;
  Ports inputs;
  Ports outputs;
  std::vector<IrAttr> ir_attrs;
  AttrDataMap attrs;  // what was set
  std::vector<Subgraphs> subgraphs;
  std::map<std::string, std::vector<DataType>> type_symbols;  // DATATYPE: what a symbol may be
  std::string rest;  // of the file it was read from; see ge_proto.h

  const AttrData* FindAttr(const std::string& attr) const;  // set or default; nullptr when neither
  void DeclareAttr(const std::string& attr, const std::string& attr_type, AttrData default_value);
  Subgraphs* FindSubgraphs(const std::string& ir_name);
  // Declares everything the table says of the type; false when it has no such type.
  bool DeclareFromTable();
  std::shared_ptr<OpDesc> Clone() const;
};

}  // namespace ge
