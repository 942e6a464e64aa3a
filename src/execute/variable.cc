#include "execute/variable.h"

#include <algorithm>

#include "backend/memory.h"

namespace belay {

Result<std::shared_ptr<Variable>> Variable::Make(std::string name, DType dtype, std::vector<int64_t> dims) {
  int64_t count = 1;
  for (int64_t d : dims) count *= d;
  const size_t bytes = static_cast<size_t>(ByteSize(dtype, count));
  BELAY_TRY(void* data, AllocateMemory(MemoryKind::kDevice, std::max<size_t>(bytes, 1)));
  return std::shared_ptr<Variable>(new Variable(std::move(name), dtype, std::move(dims), data, bytes));
}

Variable::~Variable() { (void)FreeMemory(data); }

}  // namespace belay
