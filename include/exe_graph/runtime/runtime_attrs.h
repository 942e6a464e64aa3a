#ifndef EXE_GRAPH_RUNTIME_RUNTIME_ATTRS_H_
#define EXE_GRAPH_RUNTIME_RUNTIME_ATTRS_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "exe_graph/runtime/continuous_vector.h"
#include "exe_graph/runtime/tensor.h"

namespace gert {

// A node's attributes by their position in the prototype; nullptr when there is none at a position.
// The caller knows the types: nothing is converted.
class RuntimeAttrs {
 public:
  RuntimeAttrs() = delete;

  template <typename T>
  const T* GetAttrPointer(size_t index) const {
    return static_cast<const T*>(GetPointerByIndex(index));
  }
  const int64_t* GetInt(const size_t index) const { return GetAttrPointer<int64_t>(index); }
  const TypedContinuousVector<int64_t>* GetListInt(const size_t index) const {
    return GetAttrPointer<TypedContinuousVector<int64_t>>(index);
  }
  const ContinuousVectorVector* GetListListInt(const size_t index) const {
    return GetAttrPointer<ContinuousVectorVector>(index);
  }
  const char* GetStr(const size_t index) const { return GetAttrPointer<char>(index); }
  const Tensor* GetTensor(const size_t index) const { return GetAttrPointer<Tensor>(index); }
  const float* GetFloat(const size_t index) const { return GetAttrPointer<float>(index); }
  const bool* GetBool(const size_t index) const { return GetAttrPointer<bool>(index); }
  const TypedContinuousVector<float>* GetListFloat(const size_t index) const {
    return GetAttrPointer<TypedContinuousVector<float>>(index);
  }
  const ContinuousVectorVector* GetListListFloat(const size_t index) const {
    return GetAttrPointer<ContinuousVectorVector>(index);
  }
  size_t GetAttrNum() const;

 private:
  const void* GetPointerByIndex(size_t index) const;

  uint64_t placeholder_;
};
static_assert(std::is_standard_layout<RuntimeAttrs>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_RUNTIME_ATTRS_H_
