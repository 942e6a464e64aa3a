#include "exe_graph/runtime/op_execute_context.h"

#include "api/exe_graph/workspace.h"

namespace gert {

void* OpExecuteContext::MallocWorkspace(const size_t size) {
  auto* const workspace = GetInputValue<HostWorkspace*>(Extra(OpExecuteInputExtendIndex::kAllocate));
  return workspace == nullptr ? nullptr : workspace->Malloc(size);
}
void OpExecuteContext::FreeWorkspace() {
  auto* const workspace = GetInputValue<HostWorkspace*>(Extra(OpExecuteInputExtendIndex::kAllocate));
  if (workspace != nullptr) workspace->Free();
}

}  // namespace gert
