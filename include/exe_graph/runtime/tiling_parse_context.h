#ifndef EXE_GRAPH_RUNTIME_TILING_PARSE_CONTEXT_H_
#define EXE_GRAPH_RUNTIME_TILING_PARSE_CONTEXT_H_

#include <type_traits>

#include "exe_graph/runtime/kernel_context.h"
#include "graph/types.h"

namespace fe {
class PlatFormInfos;
}  // namespace fe

namespace gert {

// Argument of a function that reads what the compiler of a device kernel left for its tiling.
class TilingParseContext : public KernelContext {
 public:
  const ge::char_t* GetCompiledJson() const { return GetInputStrPointer(0U); }
  template <typename T>
  T* GetCompiledInfo() {
    Chain* const output = GetOutput(0U);
    return output == nullptr ? nullptr : output->GetValue<T*>();
  }
  fe::PlatFormInfos* GetPlatformInfo() const { return GetInputValue<fe::PlatFormInfos*>(1U); }
};
static_assert(std::is_standard_layout<TilingParseContext>::value, "passed by layout");

}  // namespace gert

#endif  // EXE_GRAPH_RUNTIME_TILING_PARSE_CONTEXT_H_
