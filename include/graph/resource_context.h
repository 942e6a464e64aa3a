#ifndef GRAPH_RESOURCE_CONTEXT_H_
#define GRAPH_RESOURCE_CONTEXT_H_

namespace ge {

// Base of what a resource remembers between inferences.
class ResourceContext {
 public:
  virtual ~ResourceContext() {}
};

}  // namespace ge

#endif  // GRAPH_RESOURCE_CONTEXT_H_
