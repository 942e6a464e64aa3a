// The memory behind gert::RuntimeAttrs: a count, where each value begins, the values.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gert {

struct AttrsBlock {
  size_t count;
  uint8_t reserved[40];
  size_t offsets[1];  // `count` of them, from the start of the block
};

}  // namespace gert
