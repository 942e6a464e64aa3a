#ifndef GRAPH_GRAPH_BUFFER_H_
#define GRAPH_GRAPH_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "graph/ge_error_codes.h"

namespace ge {

class Buffer;
class Graph;
using BufferPtr = std::shared_ptr<Buffer>;

// Bytes of a serialised graph.
class GraphBuffer {
 public:
  GraphBuffer();
  GraphBuffer(const GraphBuffer&) = delete;
  GraphBuffer& operator=(const GraphBuffer&) = delete;
  ~GraphBuffer();

  const std::uint8_t* GetData() const;
  std::size_t GetSize() const;

 private:
  friend class Graph;
  friend class GraphUtils;
  BufferPtr buffer_{nullptr};
};

}  // namespace ge

#endif  // GRAPH_GRAPH_BUFFER_H_
