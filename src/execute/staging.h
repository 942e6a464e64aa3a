// Buffers of one call that share memory: some are replaced by memory of their own while the run lasts, so that
// it computes as if all were apart.
#pragma once
#include <vector>

#include "execute/prepare.h"
#include "execute/tensor_view.h"

namespace belay {

class Staging {
 public:
  // Replaces addresses in `in` and `out` (null: not given) by position. Outputs that overlap an input or an earlier
  // output get their own memory, and so do inputs that the plan writes and that overlap another input.
  Status Add(const Plan& plan, const Prepared& prepared, const std::vector<TensorView>& inputs,
             const std::vector<TensorView>& outputs, std::vector<void*>* in, std::vector<void*>* out);
  void CopyIn() const;   // before the run, in stream order
  void CopyOut() const;  // after it
  void Clear();

 private:
  struct Block {
    void* memory;
    void* user;
    size_t bytes;
    bool is_input;
  };
  Status Replace(void** address, size_t bytes, bool is_input);
  std::vector<Block> blocks_;
};

}  // namespace belay
