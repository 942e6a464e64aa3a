#include "compile/memories.h"

#include <algorithm>

namespace belay {

int Memories::Find(const Seen& seen, int memory) {
  auto it = seen.find(memory);
  return it == seen.end() ? 0 : it->second;
}

void Memories::SeeLatest(int memory, Seen* seen) const {
  if (Latest(memory) > 0) (*seen)[memory] = Latest(memory);
}

void Memories::Merge(const Seen& from, Seen* into) {
  for (auto& [memory, version] : from) {
    int& have = (*into)[memory];
    have = std::max(have, version);
  }
}

int Memories::Add(const Tensor& initial) {
  versions_.push_back({initial});
  return size() - 1;
}

int Memories::Write(int memory, const Tensor& value, const Shape& shape, const std::string& what) {
  const Tensor first = versions_[memory][0];
  bool fits = value.dtype() == first.dtype() && value.shape().size() == shape.size();
  for (int d = 0; fits && d < value.rank(); ++d) {
    fits = value.builder().Assume(Equal(value.dim(d), shape[d]), true);
  }
  if (!fits) {
    Fail("{} is {}, but its new value is {}", what, ToString(TensorType{first.dtype(), shape}),
         ToString(value.node()->type));
  }
  versions_[memory].push_back(Reshape(value, first.shape()));
  return Latest(memory);
}

Tensor ReadValue(const Memories& memories, const LoweredValue& value, int version) {
  if (value.memory < 0 || version == value.version) return value.tensor;
  return Reshape(memories.At(value.memory, version), value.tensor.shape());
}

}  // namespace belay
