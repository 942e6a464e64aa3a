// A kernel's module down to the bytes of an ELF object. Only build_*.cc includes this.
#pragma once
#include <memory>
#include <string>

#include "backend/cpu/build_jit.h"

namespace llvm {
class TargetMachine;
}

namespace belay {

void InitializeLlvm();

struct KernelObject {
  std::string bytes;
  KernelDraft draft;
};

// Makes one object after another for a row. For one thread.
class ObjectBuilder {
 public:
  explicit ObjectBuilder(const TargetRow& row);
  ~ObjectBuilder();
  // The kernel's function is named `symbol`.
  Result<KernelObject> Build(const CompileJob& job, const std::string& symbol);

 private:
  Status Emit(llvm::Module& module, std::string* object);

  const TargetRow& row_;
  std::unique_ptr<llvm::TargetMachine> machine_;
};

}  // namespace belay
