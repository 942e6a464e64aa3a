// A kernel as the bytes of an ELF object, made by LLVM or found in a store. Only build_*.cc includes this.
#pragma once
#include <memory>
#include <string>

#include "backend/cpu/build_cache.h"
#include "backend/cpu/build_jit.h"

namespace llvm {
class TargetMachine;
}

namespace belay {

class ObjectEmitter;

void InitializeLlvm();

struct KernelObject {
  std::string bytes;
  KernelDraft draft;
  bool found = false;  // in the store
};

// Makes one object after another for a row. For one thread.
class ObjectBuilder {
 public:
  ObjectBuilder(const TargetRow& row, const CodeStore* store);  // nullptr: no store
  ~ObjectBuilder();
  // The kernel's function is named `symbol`.
  Result<KernelObject> Build(const CompileJob& job, const std::string& symbol);

 private:
  Status Prepare();
  CodeKey KeyOf(const llvm::Module& module) const;

  const TargetRow& row_;
  const CodeStore* store_;
  std::string maker_;  // all that decides an object besides its module
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<ObjectEmitter> emitter_;
};

}  // namespace belay
