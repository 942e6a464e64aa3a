// Machine code from LLVM modules: what a generator gets and fills, compilation on all cores,
// lifetime. Only build_*.cc includes this.
#pragma once
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/target.h"

namespace belay {

class CodeStore;

// What a generator says about the function it wrote; the rest of CompiledKernel is filled by
// CompileJobs.
struct KernelDraft {
  std::vector<Dim> params;
  Dim chunks = 1;
  double ns_per_chunk = 0;
  std::vector<PackRequest> packs;
  PixelOrder order;
  KeptMemory kept;
  std::string about;
  std::shared_ptr<const void> closure;
};

// Writes one function of type KernelFn named `symbol` (KernelFrame makes it) into `module`. On
// failure it may leave the function half-written: it is dropped.
using KernelGenerator = Status (*)(const KernelSpec& spec, const TargetRow& row,
                                   llvm::Module& module, const std::string& symbol,
                                   KernelDraft* draft);

struct CompileJob {
  KernelGenerator generate = nullptr;
  const KernelSpec* spec = nullptr;
};
// One kernel per job, in order, compiled on all cores for a row that the host runs, or found in
// the store; nullptr is none.
Result<std::vector<CompiledKernel>> CompileJobs(const std::vector<CompileJob>& jobs,
                                                const TargetRow& row,
                                                const CodeStore* store = nullptr);
// One kernel as the bytes of an ELF object for any row: for tests and for the plan's code.
Result<std::string> EmitObject(const CompileJob& job, const TargetRow& row,
                               const std::string& symbol, KernelDraft* draft);

// if (condition) body: the values of body, else `otherwise`. `rare`: the code of the body lies out of the way.
std::vector<llvm::Value*> EmitIf(llvm::IRBuilder<>& b, llvm::Value* condition, llvm::ArrayRef<llvm::Value*> otherwise,
                                 const std::function<std::vector<llvm::Value*>()>& body, bool rare = false);

// Of a function: see KernelFrame::AdvancesAddresses.
inline constexpr char kAdvancesAddresses[] = "belay-advances-addresses";

// The frame of a kernel function: arguments, buffers, parameters and counted loops.
class KernelFrame {
 public:
  KernelFrame(llvm::Module& module, const TargetRow& row, const std::string& symbol,
              KernelDraft* draft);

  llvm::IRBuilder<> b;  // writes the body
  llvm::Module& module;
  const TargetRow& row;
  llvm::Function* function;
  llvm::Value* call;   // const KernelCall*
  llvm::Value* begin;  // chunk range
  llvm::Value* end;

  llvm::Value* Buffer(int index);  // pointer, loaded once in the entry block
  llvm::Value* Kept();             // pointer or null, loaded where it is asked for
  llvm::Value* DimValue(
      const Dim& dim);  // i64: a constant, or a parameter loaded in the entry block
  llvm::Value* Int(int64_t value) { return b.getInt64(value); }
  llvm::AllocaInst* EntryAlloca(llvm::Type* type, int64_t count, int align);

  using LoopBody = std::function<std::vector<llvm::Value*>(llvm::Value* i,
                                                           llvm::ArrayRef<llvm::Value*> carried)>;
  // for (i = lo; i < hi; i += step), possibly no iteration; returns the carried values behind the
  // loop.
  std::vector<llvm::Value*> Loop(llvm::Value* lo, llvm::Value* hi, int64_t step,
                                 llvm::ArrayRef<llvm::Value*> init, const LoopBody& body);
  // EmitIf here.
  std::vector<llvm::Value*> If(llvm::Value* condition, llvm::ArrayRef<llvm::Value*> otherwise,
                               const std::function<std::vector<llvm::Value*>()>& body);
  // Asks for the cache lines of `bytes` from `from` on, into a level of the caches.
  enum class Cache { kSecond = 2, kFirst = 3 };
  void Prefetch(llvm::Value* from, int64_t bytes, Cache level);
  // A function of run_support.h, declared in the module.
  llvm::FunctionCallee Runtime(const char* name, llvm::FunctionType* type);
  // Where loops spend their time, they carry the addresses that they move along, and others differ from those by
  // constants. LLVM's pass that finds such addresses takes a third of the time of compiling, and is left out then.
  void AdvancesAddresses() { function->addFnAttr(kAdvancesAddresses); }
  // Until the function ends, operands and results below 2^-126 count as 0 (processors take a hundred times as long for
  // them), if it sums products of f32 and nothing in it asks for such numbers.
  void TakesDenormalsAsZero(const KernelSpec& spec);
  // Ends the function with `ret void`.
  void Finish();

 private:
  KernelDraft* draft_;
  llvm::BasicBlock* entry_;
  std::vector<std::pair<int, llvm::Value*>> buffers_;
  std::vector<llvm::Value*> params_;
  llvm::Value* callers_mode_ = nullptr;  // of its arithmetic, where the kernel has another
};

}  // namespace belay
