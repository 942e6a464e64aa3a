// A variable of a session: device memory that graphs share by name and that outlives their runs.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/status.h"

namespace belay {

class Variable {
 public:
  static Result<std::shared_ptr<Variable>> Make(std::string name, DType dtype, std::vector<int64_t> dims);
  ~Variable();
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

  const std::string name;
  const DType dtype;
  const std::vector<int64_t> dims;
  void* const data;
  const size_t bytes;
  // A graph that assigns it was queued, or it has an initial value.
  std::atomic<bool> has_value{false};

 private:
  Variable(std::string n, DType d, std::vector<int64_t> e, void* memory, size_t size)
      : name(std::move(n)), dtype(d), dims(std::move(e)), data(memory), bytes(size) {}
};

}  // namespace belay
