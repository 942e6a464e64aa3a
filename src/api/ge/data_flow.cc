// Values that travel with the data-flow calls; the calls themselves refuse (refused.cc).
#include <cstring>

#include "ge/ge_api_error_codes.h"
#include "ge/ge_data_flow_api.h"

namespace ge {
namespace {
constexpr size_t kUserDataBytes = 64;
}

class DataFlowInfoImpl {
 public:
  uint64_t start_time = 0;
  uint64_t end_time = 0;
  uint32_t flow_flags = 0;
  uint8_t user_data[kUserDataBytes] = {};
};

DataFlowInfo::DataFlowInfo() : impl_(std::make_shared<DataFlowInfoImpl>()) {}
DataFlowInfo::~DataFlowInfo() = default;
void DataFlowInfo::SetStartTime(const uint64_t start_time) { impl_->start_time = start_time; }
uint64_t DataFlowInfo::GetStartTime() const { return impl_->start_time; }
void DataFlowInfo::SetEndTime(const uint64_t end_time) { impl_->end_time = end_time; }
uint64_t DataFlowInfo::GetEndTime() const { return impl_->end_time; }
void DataFlowInfo::SetFlowFlags(const uint32_t flow_flags) { impl_->flow_flags = flow_flags; }
uint32_t DataFlowInfo::GetFlowFlags() const { return impl_->flow_flags; }

Status DataFlowInfo::SetUserData(const void* data, size_t size, size_t offset) {
  if (data == nullptr || size == 0 || offset > kUserDataBytes || size > kUserDataBytes - offset) return FAILED;
  std::memcpy(impl_->user_data + offset, data, size);
  return SUCCESS;
}
Status DataFlowInfo::GetUserData(void* data, size_t size, size_t offset) const {
  if (data == nullptr || size == 0 || offset > kUserDataBytes || size > kUserDataBytes - offset) return FAILED;
  std::memcpy(data, impl_->user_data + offset, size);
  return SUCCESS;
}

}  // namespace ge
