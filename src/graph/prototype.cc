#include "graph/prototype.h"

#include <algorithm>

namespace belay {
namespace {

template <typename T>
int FindByName(std::span<const T> items, std::string_view name) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (name == items[i].name) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

const Prototype* FindPrototype(std::string_view op) {
  std::span<const Prototype> all = AllPrototypes();
  auto it = std::lower_bound(all.begin(), all.end(), op, [](const Prototype& p, std::string_view name) {
    return std::string_view(p.op) < name;
  });
  return it != all.end() && op == it->op ? &*it : nullptr;
}

int FindInput(const Prototype& proto, std::string_view name) { return FindByName(proto.inputs, name); }
int FindOutput(const Prototype& proto, std::string_view name) {
  return FindByName(proto.outputs, name);
}
int FindAttr(const Prototype& proto, std::string_view name) { return FindByName(proto.attrs, name); }

}  // namespace belay
