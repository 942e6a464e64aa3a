#ifndef INC_EXTERNAL_GE_GE_FEATURE_MEMORY_H_
#define INC_EXTERNAL_GE_GE_FEATURE_MEMORY_H_

#include <cstddef>
#include <memory>

#include "ge/ge_api_types.h"

namespace ge {

class FeatureMemory;
using FeatureMemoryPtr = std::shared_ptr<FeatureMemory>;

// One kind of scratch memory a compiled graph needs.
class FeatureMemory {
 public:
  ~FeatureMemory();
  FeatureMemory(const FeatureMemory&) = delete;
  FeatureMemory& operator=(const FeatureMemory&) = delete;

  MemoryType GetType() const;
  size_t GetSize() const;
  // Its address must not change once the graph is loaded.
  bool IsFixed() const;

 private:
  friend class FeatureMemoryBuilder;
  class FeatureMemoryData;
  FeatureMemory() = default;
  std::shared_ptr<FeatureMemoryData> data_{nullptr};
};

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_FEATURE_MEMORY_H_
