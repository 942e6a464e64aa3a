#include "api/graph/op_impl.h"

#include <map>
#include <mutex>

namespace belay {
namespace {

// Filled by static constructors of programs, so it must exist before them and outlive them.
struct Registry {
  std::mutex mutex;
  std::map<std::string, OpImpl> impls;
};
Registry& TheRegistry() {
  static Registry* const registry = new Registry();
  return *registry;
}

}  // namespace

OpImpl FindOpImpl(const std::string& type) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  auto it = registry.impls.find(type);
  return it == registry.impls.end() ? OpImpl() : it->second;
}

bool HasOpImpl(const std::string& type) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  return registry.impls.count(type) != 0;
}

void ChangeOpImpl(const std::string& type, const std::function<void(OpImpl& impl)>& change) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> lock(registry.mutex);
  change(registry.impls[type]);
}

}  // namespace belay
