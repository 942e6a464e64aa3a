#ifndef EXE_GRAPH_RUNTIME_KERNEL_RUN_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_KERNEL_RUN_CONTEXT_H_

#include <cstddef>
#include <cstdint>

typedef void (*FreeCallback)(void*);

// A value of up to eight bytes in place, or a pointer to a larger one.
typedef struct {
  union {
    void* pointer;
    uint8_t inplace[sizeof(void*)];
  } data;
  FreeCallback deleter;
} AsyncAnyValue;

// What a function of an operator is called with: its inputs, then its outputs, by position.
typedef struct {
  size_t input_size;
  size_t output_size;
  const void* compute_node_info;
  const void* kernel_extend_info;
  AsyncAnyValue** output_start;
  AsyncAnyValue* values[1];
} KernelRunContext;

#endif  // EXE_GRAPH_RUNTIME_KERNEL_RUN_CONTEXT_H_
