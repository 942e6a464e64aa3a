#ifndef EXE_GRAPH_RUNTIME_KERNEL_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_KERNEL_CONTEXT_H_

#include <cstddef>
#include <type_traits>

#include "exe_graph/runtime/kernel_run_context.h"
#include "graph/types.h"

namespace gert {

// One value of a context: small ones stand in it, larger ones are pointed to.
class Chain {
 public:
  using Deleter = void (*)(void*);

  template <typename T, typename std::enable_if<(sizeof(T) <= sizeof(void*)), int>::type = 0>
  const T* GetPointer() const {
    return reinterpret_cast<const T*>(any_value_.data.inplace);
  }
  template <typename T, typename std::enable_if<(sizeof(T) > sizeof(void*)), int>::type = 0>
  const T* GetPointer() const {
    return static_cast<const T*>(any_value_.data.pointer);
  }
  template <typename T, typename std::enable_if<(sizeof(T) <= sizeof(void*)), int>::type = 0>
  T* GetPointer() {
    return reinterpret_cast<T*>(any_value_.data.inplace);
  }
  template <typename T, typename std::enable_if<(sizeof(T) > sizeof(void*)), int>::type = 0>
  T* GetPointer() {
    return static_cast<T*>(any_value_.data.pointer);
  }
  template <typename T>
  const T& GetValue() const {
    return *GetPointer<T>();
  }
  template <typename T>
  T& GetValue() {
    return *GetPointer<T>();
  }

  void Set(void* const data, const Chain::Deleter deleter) {
    FreeResource();
    any_value_.data.pointer = data;
    any_value_.deleter = deleter;
  }
  // SetWithDefaultDeleter<T>(new T), SetWithDefaultDeleter<T[]>(new T[n]).
  template <typename T, typename std::enable_if<!std::is_array<T>::value, int>::type = 0>
  void SetWithDefaultDeleter(T* data) {
    Set(data, &DefaultDeleter<T>);
  }
  template <typename T, typename std::enable_if<std::is_array<T>::value, int>::type = 0>
  void SetWithDefaultDeleter(typename std::remove_extent<T>::type* data) {
    Set(data, &DefaultArrayDeleter<typename std::remove_extent<T>::type>);
  }
  bool HasDeleter() const { return any_value_.deleter != nullptr; }

 private:
  template <typename T>
  static void DefaultDeleter(void* data) {
    delete static_cast<T*>(data);
  }
  template <typename T>
  static void DefaultArrayDeleter(void* data) {
    delete[] static_cast<T*>(data);
  }
  void FreeResource() {
    if (any_value_.deleter != nullptr) any_value_.deleter(any_value_.data.pointer);
  }

  AsyncAnyValue any_value_;
};
static_assert(std::is_standard_layout<Chain>::value, "a Chain is an AsyncAnyValue");

// The accessors of a KernelRunContext; what is out of range is a null pointer.
class KernelContext {
 public:
  size_t GetInputNum() const { return context_.input_size; }
  size_t GetOutputNum() const { return context_.output_size; }

  const Chain* GetInput(const size_t i) const {
    if (i >= context_.input_size) return nullptr;
    return reinterpret_cast<const Chain*>(context_.values[i]);
  }
  Chain* MutableInput(const size_t i) const {
    if (i >= context_.input_size) return nullptr;
    return reinterpret_cast<Chain*>(context_.values[i]);
  }
  const Chain* GetOutput(const size_t i) const {
    if (i >= context_.output_size) return nullptr;
    return reinterpret_cast<const Chain*>(context_.output_start[i]);
  }
  Chain* GetOutput(const size_t i) {
    if (i >= context_.output_size) return nullptr;
    return reinterpret_cast<Chain*>(context_.output_start[i]);
  }
  // The same through the list of all values.
  Chain* GetOutput2(const size_t i) {
    if (i >= context_.output_size) return nullptr;
    AsyncAnyValue* const* const values = context_.values;
    return reinterpret_cast<Chain*>(values[context_.input_size + i]);
  }

  template <typename T>
  const T GetInputValue(size_t i) const {
    const Chain* const input = GetInput(i);
    return input == nullptr ? T() : input->GetValue<T>();
  }
  template <typename T>
  const T* GetInputPointer(size_t i) const {
    const Chain* const input = GetInput(i);
    return input == nullptr ? nullptr : input->GetPointer<T>();
  }
  template <typename T>
  T* MutableInputPointer(size_t i) const {
    Chain* const input = MutableInput(i);
    return input == nullptr ? nullptr : input->GetPointer<T>();
  }
  const char* GetInputStrPointer(const size_t i) const {
    const Chain* const input = GetInput(i);
    return input == nullptr ? nullptr : input->GetValue<const char*>();
  }
  template <typename T>
  T* GetOutputPointer(size_t i) {
    Chain* const output = GetOutput(i);
    return output == nullptr ? nullptr : output->GetPointer<T>();
  }
  template <typename T>
  const T* GetOutputPointer(size_t i) const {
    const Chain* const output = GetOutput(i);
    return output == nullptr ? nullptr : output->GetPointer<T>();
  }

  const void* GetComputeNodeExtend() const { return context_.compute_node_info; }
  const void* GetKernelExtend() const { return context_.kernel_extend_info; }
  KernelRunContext* GetContext() { return &context_; }
  const KernelRunContext* GetContext() const { return &context_; }
  static bool IsInlineSize(const size_t size) { return size <= sizeof(void*); }

 private:
  KernelRunContext context_;
};
static_assert(std::is_standard_layout<KernelContext>::value, "a KernelContext is a KernelRunContext");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_KERNEL_CONTEXT_H_
