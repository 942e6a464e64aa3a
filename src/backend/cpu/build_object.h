// A kernel as the bytes of an ELF object, made by LLVM or found in a store. Only build_*.cc includes this.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/cpu/build_cache.h"
#include "backend/cpu/build_jit.h"
#include "backend/cpu/build_numbers.h"

namespace llvm {
class TargetMachine;
}

namespace belay {

class ObjectEmitter;

void InitializeLlvm();

// The code of all kernels that differ in their numbers only.
struct SharedCode {
  std::string object;  // see WriteNumbers
  bool found = false;  // in the store
};

// What the builders of one compilation make, each code once.
class CodePool {
 public:
  // The caller who gets `first` makes the code; others may not look at it before all builders are done.
  SharedCode* Get(const CodeKey& key, bool* first);

 private:
  std::mutex mutex_;
  std::map<CodeKey, SharedCode> codes_;
};

struct KernelObject {
  const SharedCode* code = nullptr;  // the pool's
  bool first = false;                // see CodePool
  std::string numbers;  // of its table
  KernelDraft draft;
  Result<std::string> Bytes() const;
};

// Makes one object after another for a row. For one thread.
class ObjectBuilder {
 public:
  ObjectBuilder(const TargetRow& row, const CodeStore* store, CodePool* pool);  // store may be nullptr
  ~ObjectBuilder();
  // The kernel's function is named `symbol`.
  Result<KernelObject> Build(const CompileJob& job, const std::string& symbol);

 private:
  Status Prepare();
  CodeKey KeyOf(const llvm::Module& module) const;

  const TargetRow& row_;
  const CodeStore* store_;
  CodePool* const pool_;
  std::string maker_;  // all that decides an object besides its module
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<ObjectEmitter> emitter_;
};

}  // namespace belay
