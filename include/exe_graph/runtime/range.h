#ifndef EXE_GRAPH_RUNTIME_RANGE_H_
#define EXE_GRAPH_RUNTIME_RANGE_H_

#include <cstdint>
#include <cstring>

namespace gert {

// Two bounds that belong to somebody else.
template <typename T>
class Range {
 public:
  Range() : Range(nullptr, nullptr) {}
  Range(T* min, T* max) : min_(min), max_(max) { std::memset(reserved_, 0, sizeof(reserved_)); }
  explicit Range(T* same_ele) : Range(same_ele, same_ele) {}

  bool operator==(const Range<T>& rht) const {
    return Same(min_, rht.min_) && Same(max_, rht.max_);
  }
  void SetMin(T* min) { min_ = min; }
  void SetMax(T* max) { max_ = max; }
  const T* GetMin() const { return min_; }
  const T* GetMax() const { return max_; }
  T* GetMin() { return min_; }
  T* GetMax() { return max_; }

 private:
  static bool Same(const T* lhs, const T* rhs) {
    return lhs == rhs || (lhs != nullptr && rhs != nullptr && *lhs == *rhs);
  }

  T* min_;
  T* max_;
  uint8_t reserved_[40];
};

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_RANGE_H_
