#include "backend/cpu/build_jit.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/InstSimplifyPass.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "backend/cpu/run_support.h"
#include "base/log.h"
#include "base/thread_pool.h"

namespace belay {
namespace {

std::string Text(llvm::Error error) { return llvm::toString(std::move(error)); }

void InitializeLlvm() {
  static const bool done = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    return true;
  }();
  (void)done;
}

Result<std::unique_ptr<llvm::TargetMachine>> MakeMachine(const TargetRow& row) {
  InitializeLlvm();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(row.triple, error);
  if (target == nullptr) return Internal("no LLVM target for {}: {}", row.triple, error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(row.triple, row.cpu, row.features, options, llvm::Reloc::PIC_,
                                  llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, true));
}

// Index arithmetic and hoisting only: the vectors are explicit already.
class Simplifier {
 public:
  explicit Simplifier(llvm::TargetMachine* machine) : builder_(machine) {
    builder_.registerModuleAnalyses(module_);
    builder_.registerCGSCCAnalyses(cgscc_);
    builder_.registerFunctionAnalyses(function_);
    builder_.registerLoopAnalyses(loop_);
    builder_.crossRegisterProxies(loop_, function_, cgscc_, module_);
    passes_.addPass(llvm::SROAPass(llvm::SROAOptions::PreserveCFG));
    passes_.addPass(llvm::EarlyCSEPass());
    passes_.addPass(llvm::InstSimplifyPass());
    passes_.addPass(
        llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  }
  void Run(llvm::Function& f) {
    passes_.run(f, function_);
    function_.clear();
    loop_.clear();
  }

 private:
  llvm::PassBuilder builder_;
  llvm::LoopAnalysisManager loop_;
  llvm::FunctionAnalysisManager function_;
  llvm::CGSCCAnalysisManager cgscc_;
  llvm::ModuleAnalysisManager module_;
  llvm::FunctionPassManager passes_;
};

void SetAttributes(llvm::Function& f, const TargetRow& row) {
  f.addFnAttr("target-cpu", row.cpu);
  if (row.features[0] != '\0') f.addFnAttr("target-features", row.features);
  if (row.x86) {
    f.addFnAttr("prefer-vector-width", std::to_string(row.vector_bytes * 8));
    f.addFnAttr("min-legal-vector-width", std::to_string(row.vector_bytes * 8));
  }
  f.addFnAttr(llvm::Attribute::NoUnwind);
  f.addFnAttr("no-trapping-math", "true");
}

struct Part {
  std::vector<int> jobs;
  std::string object;
  std::vector<KernelDraft> drafts;
  Status status;
};

std::string DumpModule(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

// All of a part's kernels in one module, down to object bytes.
Status BuildPart(const std::vector<CompileJob>& jobs, const TargetRow& row,
                 const std::vector<std::string>& symbols, Part* part) {
  BELAY_TRY(std::unique_ptr<llvm::TargetMachine> machine, MakeMachine(row));
  llvm::LLVMContext context;
  auto module = std::make_unique<llvm::Module>("belay", context);
  module->setTargetTriple(row.triple);
  module->setDataLayout(machine->createDataLayout());
  for (int j : part->jobs) {
    part->drafts.emplace_back();
    Status status = jobs[j].generate(*jobs[j].spec, row, *module, symbols[j], &part->drafts.back());
    if (!status.ok()) return std::move(status).Context("kernel '" + jobs[j].spec->name + "'");
  }
  if (std::getenv("BELAY_DUMP_IR") != nullptr) llvm::errs() << DumpModule(*module);
  Simplifier simplifier(machine.get());
  for (llvm::Function& f : *module) {
    if (f.isDeclaration()) continue;
    SetAttributes(f, row);
    std::string error;
    llvm::raw_string_ostream stream(error);
    if (llvm::verifyFunction(f, &stream)) {
      return Internal("invalid code for {}: {}", std::string(f.getName()), stream.str());
    }
    simplifier.Run(f);
  }
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, out, nullptr, llvm::CodeGenFileType::ObjectFile,
                                   true)) {
    return Internal("LLVM cannot emit objects for {}", row.triple);
  }
  codegen.run(*module);
  part->object.assign(bytes.begin(), bytes.end());
  if (std::getenv("BELAY_DUMP_OBJECT") != nullptr) {
    std::error_code ec;
    llvm::raw_fd_ostream file(std::getenv("BELAY_DUMP_OBJECT"), ec);
    file << part->object;
  }
  return OkStatus();
}

// The process's linker of objects; never destroyed, since code may run during exit.
struct Linker {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::string error;
  std::mutex mutex;
  std::atomic<uint64_t> next{0};
};

Linker& TheLinker() {
  static Linker* linker = [] {
    auto* l = new Linker;
    InitializeLlvm();
    const TargetRow& row = HostTargetRow();
    llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(row.triple)};
    machine.setCPU(row.cpu);
    machine.setRelocationModel(llvm::Reloc::PIC_);
    machine.setCodeModel(llvm::CodeModel::Small);
    auto jit = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(machine).create();
    if (!jit) {
      l->error = Text(jit.takeError());
      return l;
    }
    l->jit = std::move(*jit);
    llvm::orc::SymbolMap symbols;
    for (int i = 0; i < kRuntimeSymbolCount; ++i) {
      symbols[l->jit->mangleAndIntern(kRuntimeSymbols[i].name)] = {
          llvm::orc::ExecutorAddr::fromPtr(kRuntimeSymbols[i].address),
          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    }
    llvm::cantFail(
        l->jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))));
    // memcpy, fmaf and their like, which LLVM may call by itself.
    auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
        l->jit->getDataLayout().getGlobalPrefix());
    if (process) l->jit->getMainJITDylib().addGenerator(std::move(*process));
    else l->error = Text(process.takeError());
    return l;
  }();
  return *linker;
}

// Code in memory; freed with the last kernel that uses it.
struct LoadedCode {
  llvm::orc::ResourceTrackerSP tracker;
  ~LoadedCode() {
    if (!tracker) return;
    std::lock_guard<std::mutex> lock(TheLinker().mutex);
    if (llvm::Error error = tracker->remove()) llvm::consumeError(std::move(error));
  }
};

Status LoadPart(const std::vector<std::string>& symbols, Part* part,
                std::vector<CompiledKernel>* kernels) {
  Linker& linker = TheLinker();
  if (!linker.error.empty()) return Internal("cannot start LLVM's linker: {}", linker.error);
  auto code = std::make_shared<LoadedCode>();  // outlives the lock: its destructor takes it
  std::lock_guard<std::mutex> lock(linker.mutex);
  code->tracker = linker.jit->getMainJITDylib().createResourceTracker();
  auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(
      llvm::SmallVector<char, 0>(part->object.begin(), part->object.end()), false);
  if (llvm::Error error = linker.jit->addObjectFile(code->tracker, std::move(buffer))) {
    return Internal("cannot link generated code: {}", Text(std::move(error)));
  }
  for (size_t k = 0; k < part->jobs.size(); ++k) {
    int j = part->jobs[k];
    auto address = linker.jit->lookup(symbols[j]);
    if (!address) return Internal("cannot find generated code: {}", Text(address.takeError()));
    KernelDraft& draft = part->drafts[k];
    CompiledKernel& kernel = (*kernels)[j];
    kernel.fn = address->toPtr<KernelFn>();
    kernel.code = code;
    kernel.params = std::move(draft.params);
    kernel.chunks = draft.chunks;
    kernel.ns_per_chunk = draft.ns_per_chunk;
    kernel.packs = std::move(draft.packs);
    kernel.about = std::move(draft.about);
    if (draft.closure) {
      kernel.closure = draft.closure.get();
      using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
      kernel.code = std::make_shared<Both>(code, std::move(draft.closure));
    }
  }
  return OkStatus();
}

// Names for `perf`: BELAY_PERF_MAP=1 writes /tmp/perf-PID.map as perf reads it.
void WritePerfMap(const std::vector<CompileJob>& jobs, const std::vector<CompiledKernel>& kernels,
                  Part part) {
  static const bool wanted = std::getenv("BELAY_PERF_MAP") != nullptr;
  if (!wanted) return;
  static std::FILE* file = std::fopen(fmt::format("/tmp/perf-{}.map", getpid()).c_str(), "w");
  if (file == nullptr) return;
  auto address = [&](int j) { return reinterpret_cast<uintptr_t>(kernels[j].fn); };
  std::sort(part.jobs.begin(), part.jobs.end(),
            [&](int x, int y) { return address(x) < address(y); });
  for (size_t k = 0; k < part.jobs.size(); ++k) {
    int j = part.jobs[k];
    bool last = k + 1 == part.jobs.size();
    uintptr_t size =
        last ? part.object.size() / part.jobs.size() : address(part.jobs[k + 1]) - address(j);
    fmt::print(file, "{:x} {:x} {} [{}]\n", address(j), size, jobs[j].spec->name, kernels[j].about);
  }
  std::fflush(file);
}

constexpr int kKernelsPerModule = 8;

}  // namespace

Result<std::vector<CompiledKernel>> CompileJobs(const std::vector<CompileJob>& jobs,
                                                const TargetRow& row) {
  Linker& linker = TheLinker();
  std::vector<std::string> symbols;
  for (size_t i = 0; i < jobs.size(); ++i)
    symbols.push_back(fmt::format("belay_k{}", linker.next++));
  int threads = std::max(1, std::min<int>(ThreadCount(), static_cast<int>(jobs.size())));
  int per_part =
      std::min<int>(kKernelsPerModule, (static_cast<int>(jobs.size()) + threads - 1) / threads);
  std::vector<Part> parts;
  for (size_t i = 0; i < jobs.size(); ++i) {
    if (parts.empty() || static_cast<int>(parts.back().jobs.size()) == per_part)
      parts.emplace_back();
    parts.back().jobs.push_back(static_cast<int>(i));
  }
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t p; (p = next++) < parts.size();)
      parts[p].status = BuildPart(jobs, row, symbols, &parts[p]);
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < std::min<int>(threads, static_cast<int>(parts.size())); ++t)
    helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  std::vector<CompiledKernel> kernels(jobs.size());
  for (Part& part : parts) {
    if (!part.status.ok()) return std::move(part.status);
    BELAY_RETURN_IF_ERROR(LoadPart(symbols, &part, &kernels));
    WritePerfMap(jobs, kernels, part);
  }
  return kernels;
}

Result<std::string> EmitObject(const CompileJob& job, const TargetRow& row,
                               const std::string& symbol, KernelDraft* draft) {
  Part part;
  part.jobs = {0};
  BELAY_RETURN_IF_ERROR(BuildPart({job}, row, {symbol}, &part));
  *draft = std::move(part.drafts[0]);
  return std::move(part.object);
}

KernelFrame::KernelFrame(llvm::Module& m, const TargetRow& r, const std::string& symbol,
                         KernelDraft* draft)
    : b(m.getContext()), module(m), row(r), draft_(draft) {
  llvm::Type* ptr = b.getPtrTy();
  llvm::Type* i64 = b.getInt64Ty();
  function = llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), {ptr, i64, i64}, false),
                                    llvm::Function::ExternalLinkage, symbol, m);
  call = function->getArg(0);
  begin = function->getArg(1);
  end = function->getArg(2);
  entry_ = llvm::BasicBlock::Create(m.getContext(), "entry", function);
  llvm::BasicBlock* body = llvm::BasicBlock::Create(m.getContext(), "body", function);
  b.SetInsertPoint(entry_);
  b.CreateBr(body);
  b.SetInsertPoint(body);
}

llvm::Value* KernelFrame::Buffer(int index) {
  for (auto& [i, value] : buffers_) {
    if (i == index) return value;
  }
  llvm::IRBuilder<> eb(entry_->getTerminator());
  llvm::Value* table = eb.CreateAlignedLoad(eb.getPtrTy(), call, llvm::Align(8));
  llvm::Value* slot = eb.CreateConstInBoundsGEP1_64(eb.getPtrTy(), table, index);
  llvm::Value* value =
      eb.CreateAlignedLoad(eb.getPtrTy(), slot, llvm::Align(8), fmt::format("buf{}", index));
  buffers_.push_back({index, value});
  return value;
}

llvm::Value* KernelFrame::DimValue(const Dim& dim) {
  if (dim.IsConst()) return b.getInt64(dim.value());
  size_t k = 0;
  while (k < draft_->params.size() && draft_->params[k] != dim) ++k;
  if (k == draft_->params.size()) draft_->params.push_back(dim);
  if (params_.size() <= k) params_.resize(k + 1);
  if (params_[k] == nullptr) {
    llvm::IRBuilder<> eb(entry_->getTerminator());
    llvm::Value* field =
        eb.CreateConstInBoundsGEP1_64(eb.getInt8Ty(), call, offsetof(KernelCall, params));
    llvm::Value* table = eb.CreateAlignedLoad(eb.getPtrTy(), field, llvm::Align(8));
    llvm::Value* slot = eb.CreateConstInBoundsGEP1_64(eb.getInt64Ty(), table, k);
    params_[k] =
        eb.CreateAlignedLoad(eb.getInt64Ty(), slot, llvm::Align(8), fmt::format("param{}", k));
  }
  return params_[k];
}

llvm::AllocaInst* KernelFrame::EntryAlloca(llvm::Type* type, int64_t count, int align) {
  llvm::IRBuilder<> eb(entry_, entry_->begin());
  llvm::AllocaInst* slot = eb.CreateAlloca(type, eb.getInt64(count));
  slot->setAlignment(llvm::Align(align));
  return slot;
}

std::vector<llvm::Value*> KernelFrame::Loop(llvm::Value* lo, llvm::Value* hi, int64_t step,
                                            llvm::ArrayRef<llvm::Value*> init,
                                            const LoopBody& body) {
  llvm::LLVMContext& c = module.getContext();
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::BasicBlock* pre = llvm::BasicBlock::Create(c, "pre", function);
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(c, "loop", function);
  llvm::BasicBlock* exit = llvm::BasicBlock::Create(c, "exit", function);
  b.CreateCondBr(b.CreateICmpSLT(lo, hi), pre, exit);
  b.SetInsertPoint(pre);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  llvm::PHINode* i = b.CreatePHI(b.getInt64Ty(), 2, "i");
  i->addIncoming(lo, pre);
  std::vector<llvm::PHINode*> phis;
  std::vector<llvm::Value*> carried;
  for (llvm::Value* v : init) {
    phis.push_back(b.CreatePHI(v->getType(), 2));
    phis.back()->addIncoming(v, pre);
    carried.push_back(phis.back());
  }
  std::vector<llvm::Value*> next = body(i, carried);
  BELAY_CHECK(next.size() == init.size());
  llvm::Value* i_next = b.CreateAdd(i, Int(step), "", true, true);
  llvm::BasicBlock* latch = b.GetInsertBlock();
  i->addIncoming(i_next, latch);
  for (size_t k = 0; k < phis.size(); ++k) phis[k]->addIncoming(next[k], latch);
  b.CreateCondBr(b.CreateICmpSLT(i_next, hi), loop, exit);
  b.SetInsertPoint(exit);
  std::vector<llvm::Value*> results;
  for (size_t k = 0; k < init.size(); ++k) {
    llvm::PHINode* out = b.CreatePHI(init[k]->getType(), 2);
    out->addIncoming(init[k], from);
    out->addIncoming(next[k], latch);
    results.push_back(out);
  }
  return results;
}

std::vector<llvm::Value*> KernelFrame::If(llvm::Value* condition,
                                          llvm::ArrayRef<llvm::Value*> otherwise,
                                          const std::function<std::vector<llvm::Value*>()>& body) {
  llvm::LLVMContext& c = module.getContext();
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::BasicBlock* then = llvm::BasicBlock::Create(c, "then", function);
  llvm::BasicBlock* join = llvm::BasicBlock::Create(c, "join", function);
  b.CreateCondBr(condition, then, join);
  b.SetInsertPoint(then);
  std::vector<llvm::Value*> values = body();
  BELAY_CHECK(values.size() == otherwise.size());
  llvm::BasicBlock* last = b.GetInsertBlock();
  b.CreateBr(join);
  b.SetInsertPoint(join);
  std::vector<llvm::Value*> results;
  for (size_t k = 0; k < values.size(); ++k) {
    llvm::PHINode* out = b.CreatePHI(values[k]->getType(), 2);
    out->addIncoming(otherwise[k], from);
    out->addIncoming(values[k], last);
    results.push_back(out);
  }
  return results;
}

llvm::FunctionCallee KernelFrame::Runtime(const char* name, llvm::FunctionType* type) {
  return module.getOrInsertFunction(name, type);
}

}  // namespace belay
