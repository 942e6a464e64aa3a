// The variables of a session, by name.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "execute/variable.h"
#include "graph/model.h"

namespace belay {

class VariableStore {
 public:
  // Finds or makes the memory of each. Refuses a dtype or shape other than that of the graph that came first; an
  // initial value counts while there is no other. `graph` is for messages.
  Result<std::vector<std::shared_ptr<Variable>>> Bind(const std::vector<VariableDecl>& decls,
                                                      const std::string& graph);
  // A copy of what it holds now; runs still queued are not waited for.
  Result<LiteralPtr> Read(const std::string& name);

 private:
  struct Entry {
    std::shared_ptr<Variable> variable;
    std::string graph;  // that declared it first
  };
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace belay
