#ifndef INC_EXTERNAL_GE_GE_DATA_FLOW_API_H_
#define INC_EXTERNAL_GE_GE_DATA_FLOW_API_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ge/ge_api_types.h"

namespace ge {

enum class DataFlowFlag : uint32_t { DATA_FLOW_FLAG_EOS = 1, DATA_FLOW_FLAG_SEG = 2 };

class DataFlowInfoImpl;

class DataFlowInfo {
 public:
  DataFlowInfo();
  ~DataFlowInfo();

  void SetStartTime(const uint64_t start_time);
  uint64_t GetStartTime() const;
  void SetEndTime(const uint64_t end_time);
  uint64_t GetEndTime() const;
  void SetFlowFlags(const uint32_t flow_flags);
  uint32_t GetFlowFlags() const;
  Status SetUserData(const void* data, size_t size, size_t offset = 0U);
  Status GetUserData(void* data, size_t size, size_t offset = 0U) const;

 private:
  std::shared_ptr<DataFlowInfoImpl> impl_;
};

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_DATA_FLOW_API_H_
