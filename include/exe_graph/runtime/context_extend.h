#ifndef EXE_GRAPH_RUNTIME_CONTEXT_EXTEND_H_
#define EXE_GRAPH_RUNTIME_CONTEXT_EXTEND_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "graph/types.h"

namespace gert {

// Names of the function that is called.
class KernelExtendInfo {
 public:
  KernelExtendInfo() : kernel_name_(nullptr), kernel_type_(nullptr) { std::memset(reserved_, 0, sizeof(reserved_)); }
  const ge::char_t* GetKernelName() const { return kernel_name_; }
  void SetKernelName(const ge::char_t* kernel_name) { kernel_name_ = kernel_name; }
  const ge::char_t* GetKernelType() const { return kernel_type_; }
  void SetKernelType(const ge::char_t* const kernel_type) { kernel_type_ = kernel_type; }

 private:
  const ge::char_t* kernel_name_;
  const ge::char_t* kernel_type_;
  uint8_t reserved_[56];
};
static_assert(std::is_standard_layout<KernelExtendInfo>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_CONTEXT_EXTEND_H_
