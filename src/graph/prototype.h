// The prototypes of every operator, embedded from data/ops at build: names, kinds, attributes and
// defaults stand there and nowhere else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace belay {

enum class PortKind : uint8_t { kRequired, kOptional, kDynamic };

struct PortProto {
  const char* name;
  PortKind kind;
  const char* types;  // "f32|f16|@int", "$T" (see Prototype::dtype_vars), "?" when not known
};

struct AttrProto {
  const char* name;
  const char* type;  // Int Float Bool String Type Tensor Bytes NamedAttrs, List of these, ListListInt
  bool required;
  // nullptr when none. Int "3"; Float "0.5"; Bool "true"; String: the text itself; Type "f32";
  // lists "1,2" ("" is the empty list); ListListInt "{1,2},{3}"; Tensor "".
  const char* default_text;
};

struct SubgraphProto {
  const char* name;
  bool dynamic;
};

struct Prototype {
  const char* op;
  const char* header;      // without .h: the category
  std::span<const PortProto> inputs;
  std::span<const PortProto> outputs;
  std::span<const AttrProto> attrs;
  std::span<const SubgraphProto> subgraphs;
  const char* dtype_vars;  // "T:f32|f16;T1:i32", "" when none
  const char* status;      // "deprecated", "deprecated:Replacement", "experimental", ""
};

// nullptr when there is no such operator.
const Prototype* FindPrototype(std::string_view op);
// All, sorted by name.
std::span<const Prototype> AllPrototypes();
// Position of a port or attribute by its declared name, -1 when there is none.
int FindInput(const Prototype& proto, std::string_view name);
int FindOutput(const Prototype& proto, std::string_view name);
int FindAttr(const Prototype& proto, std::string_view name);

}  // namespace belay
