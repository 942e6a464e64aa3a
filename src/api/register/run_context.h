// A gert::KernelContext under construction: values by position.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "exe_graph/runtime/kernel_run_context.h"

namespace belay {

class RunContext {
 public:
  RunContext(const void* node_info, const void* kernel_info, size_t inputs, size_t outputs)
      : values_(inputs + outputs), memory_(sizeof(KernelRunContext) / 8 + inputs + outputs) {
    KernelRunContext* context = get();
    context->input_size = inputs;
    context->output_size = outputs;
    context->compute_node_info = node_info;
    context->kernel_extend_info = kernel_info;
    AsyncAnyValue** const list = context->values;
    for (size_t i = 0; i < values_.size(); ++i) list[i] = &values_[i];
    context->output_start = list + inputs;
  }
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  void Point(size_t position, const void* to) { values_[position].data.pointer = const_cast<void*>(to); }
  template <typename T>
  void Put(size_t position, const T& value) {
    static_assert(sizeof(T) <= sizeof(void*));
    std::memcpy(values_[position].data.inplace, &value, sizeof(T));
  }
  template <typename T>
  T Get(size_t position) const {
    T value;
    std::memcpy(&value, values_[position].data.inplace, sizeof(T));
    return value;
  }

  KernelRunContext* get() { return reinterpret_cast<KernelRunContext*>(memory_.data()); }
  template <typename Context>
  Context* as() {
    return reinterpret_cast<Context*>(get());
  }

 private:
  std::vector<AsyncAnyValue> values_;  // zero: neither data nor deleter
  std::vector<uint64_t> memory_;
};

}  // namespace belay
