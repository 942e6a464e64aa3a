#include "execute/staging.h"

#include <cstdlib>
#include <cstring>

namespace belay {
namespace {

bool Overlap(const void* a, size_t a_bytes, const void* b, size_t b_bytes) {
  const auto* x = static_cast<const char*>(a);
  const auto* y = static_cast<const char*>(b);
  return a_bytes && b_bytes && x < y + b_bytes && y < x + a_bytes;
}

}  // namespace

Status Staging::Replace(void** address, size_t bytes, bool is_input) {
  void* memory = std::aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (!memory) return OutOfMemory("no memory for {} bytes that take the place of a shared buffer", bytes);
  blocks_.push_back({memory, *address, bytes, is_input});
  *address = memory;
  return OkStatus();
}

Status Staging::Add(const Plan& plan, const Prepared& prepared, const std::vector<TensorView>& inputs,
                    const std::vector<TensorView>& outputs, std::vector<void*>* in, std::vector<void*>* out) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!(plan.input_uses[i] & kInputWritten)) continue;
    const size_t bytes = static_cast<size_t>(EvaluateBytes(plan.inputs[i], prepared.symbols));
    bool shared = false;
    for (size_t j = 0; j < inputs.size(); ++j) {
      shared = shared || (j != i && Overlap(inputs[i].data, bytes, inputs[j].data, inputs[j].bytes));
    }
    if (shared) BELAY_RETURN_IF_ERROR(Replace(&(*in)[i], bytes, true));
  }
  for (size_t k = 0; k < out->size(); ++k) {
    if (!(*out)[k]) continue;
    const size_t bytes = static_cast<size_t>(OutputBytes(plan, k, prepared.symbols));
    bool shared = false;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool is_the_input = plan.outputs_in_inputs[k] == static_cast<int>(i) && (*out)[k] == (*in)[i];
      shared = shared || (!is_the_input && Overlap((*out)[k], bytes, inputs[i].data, inputs[i].bytes));
    }
    for (size_t j = 0; j < k; ++j) shared = shared || Overlap((*out)[k], bytes, outputs[j].data, outputs[j].bytes);
    if (shared) BELAY_RETURN_IF_ERROR(Replace(&(*out)[k], bytes, false));
  }
  return OkStatus();
}

void Staging::CopyIn() const {
  for (const Block& b : blocks_) {
    if (b.is_input) std::memcpy(b.memory, b.user, b.bytes);
  }
}

// Outputs last: where one shares memory with a written input, that is what the caller asked for by name.
void Staging::CopyOut() const {
  for (const bool inputs : {true, false}) {
    for (const Block& b : blocks_) {
      if (b.is_input == inputs) std::memcpy(b.user, b.memory, b.bytes);
    }
  }
}

void Staging::Clear() {
  for (const Block& b : blocks_) std::free(b.memory);
  blocks_.clear();
}

}  // namespace belay
