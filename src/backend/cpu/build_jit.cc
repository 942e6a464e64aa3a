#include "backend/cpu/build_jit.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "backend/cpu/build_object.h"
#include "backend/cpu/run_support.h"
#include "base/log.h"
#include "base/thread_pool.h"

namespace belay {
namespace {

// Every object has a library of its own, so that equal kernels are equal bytes.
constexpr char kSymbol[] = "belay_kernel";

std::string Text(llvm::Error error) { return llvm::toString(std::move(error)); }

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
    auto jit = llvm::orc::LLJITBuilder()
                   .setJITTargetMachineBuilder(machine)
                   .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                   .create();
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
  llvm::orc::JITDylib* library = nullptr;
  ~LoadedCode() {
    if (!library) return;
    Linker& linker = TheLinker();
    std::lock_guard<std::mutex> lock(linker.mutex);
    llvm::Error error = linker.jit->getExecutionSession().removeJITDylib(*library);
    if (error) llvm::consumeError(std::move(error));
  }
};

Result<KernelFn> Load(const std::string& object, LoadedCode* code) {
  Linker& linker = TheLinker();
  if (!linker.error.empty()) return Internal("cannot start LLVM's linker: {}", linker.error);
  std::lock_guard<std::mutex> lock(linker.mutex);
  llvm::orc::ExecutionSession& session = linker.jit->getExecutionSession();
  code->library = &session.createBareJITDylib(fmt::format("kernel{}", linker.next++));
  code->library->addToLinkOrder(linker.jit->getMainJITDylib());
  auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(
      llvm::SmallVector<char, 0>(object.begin(), object.end()), false);
  if (llvm::Error error = linker.jit->addObjectFile(*code->library, std::move(buffer))) {
    return Internal("cannot link generated code: {}", Text(std::move(error)));
  }
  auto address = linker.jit->lookup(*code->library, kSymbol);
  if (!address) return Internal("cannot find generated code: {}", Text(address.takeError()));
  return address->toPtr<KernelFn>();
}

Result<CompiledKernel> LoadKernel(const std::string& object, KernelDraft draft) {
  auto code = std::make_shared<LoadedCode>();
  CompiledKernel kernel;
  BELAY_TRY(kernel.fn, Load(object, code.get()));
  kernel.code = code;
  kernel.params = std::move(draft.params);
  kernel.chunks = draft.chunks;
  kernel.ns_per_chunk = draft.ns_per_chunk;
  kernel.packs = std::move(draft.packs);
  kernel.order = draft.order;
  kernel.kept = draft.kept;
  kernel.about = std::move(draft.about);
  if (draft.closure) {
    kernel.closure = draft.closure.get();
    using Both = std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>;
    kernel.code = std::make_shared<Both>(code, std::move(draft.closure));
  }
  return kernel;
}

uint64_t CodeSize(const std::string& object) {
  auto file = llvm::object::ObjectFile::createELFObjectFile({object, "kernel"});
  if (!file) return llvm::consumeError(file.takeError()), 0;
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) llvm::consumeError(name.takeError());
    else if (*name == kSymbol) return llvm::object::ELFSymbolRef(symbol).getSize();
  }
  return 0;
}

// Names for `perf`: BELAY_PERF_MAP=1 writes /tmp/perf-PID.map as perf reads it.
void WritePerfMap(const KernelSpec& spec, const CompiledKernel& kernel, const std::string& object) {
  static const bool wanted = std::getenv("BELAY_PERF_MAP") != nullptr;
  if (!wanted) return;
  static std::FILE* file = std::fopen(fmt::format("/tmp/perf-{}.map", getpid()).c_str(), "w");
  if (file == nullptr) return;
  fmt::print(file, "{:x} {:x} {} [{}]\n", reinterpret_cast<uintptr_t>(kernel.fn), CodeSize(object),
             spec.name, kernel.about);
  std::fflush(file);
}

// The largest first, so that no core waits for one at the end.
std::vector<size_t> OrderOf(const std::vector<CompileJob>& jobs) {
  std::vector<size_t> order(jobs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto size = [&](size_t j) { return jobs[j].spec->fragment->nodes().size(); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return size(a) > size(b); });
  return order;
}

}  // namespace

Result<std::vector<CompiledKernel>> CompileJobs(const std::vector<CompileJob>& jobs,
                                                const TargetRow& row, const CodeStore* store) {
  std::vector<std::optional<Result<KernelObject>>> objects(jobs.size());
  const std::vector<size_t> order = OrderOf(jobs);
  std::atomic<size_t> next{0};
  CodePool pool;
  auto work = [&] {
    ObjectBuilder builder(row, store, &pool);
    for (size_t k; (k = next++) < jobs.size();) objects[order[k]] = builder.Build(jobs[order[k]], kSymbol);
  };
  std::vector<std::thread> helpers;
  for (int t = 1; t < std::min(ThreadCount(), static_cast<int>(jobs.size())); ++t)
    helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  for (const auto& object : objects) BELAY_RETURN_IF_ERROR(object->status());
  std::vector<CompiledKernel> kernels;
  size_t found = 0, shared = 0;
  for (size_t j = 0; j < jobs.size(); ++j) {
    KernelObject& object = **objects[j];
    BELAY_TRY(const std::string bytes, object.Bytes());
    BELAY_TRY(CompiledKernel kernel, LoadKernel(bytes, std::move(object.draft)));
    shared += !object.first;
    found += object.first && object.code->found;
    WritePerfMap(*jobs[j].spec, kernel, bytes);
    kernels.push_back(std::move(kernel));
  }
  if (!jobs.empty()) {
    BELAY_LOG(Info, "{} kernels: {} compiled, {} found, {} with the code of others", jobs.size(),
              jobs.size() - found - shared, found, shared);
  }
  return kernels;
}

Result<std::string> EmitObject(const CompileJob& job, const TargetRow& row,
                               const std::string& symbol, KernelDraft* draft) {
  CodePool pool;
  BELAY_TRY(KernelObject object, ObjectBuilder(row, nullptr, &pool).Build(job, symbol));
  *draft = std::move(object.draft);
  return object.Bytes();
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

llvm::Value* KernelFrame::Kept() {
  llvm::Value* field = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), call, offsetof(KernelCall, kept));
  return b.CreateAlignedLoad(b.getPtrTy(), field, llvm::Align(8));
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

std::vector<llvm::Value*> EmitIf(llvm::IRBuilder<>& b, llvm::Value* condition, llvm::ArrayRef<llvm::Value*> otherwise,
                                 const std::function<std::vector<llvm::Value*>()>& body, bool rare) {
  llvm::BasicBlock* from = b.GetInsertBlock();
  llvm::Function* function = from->getParent();
  llvm::LLVMContext& c = function->getContext();
  llvm::BasicBlock* then = llvm::BasicBlock::Create(c, "then", function);
  llvm::BasicBlock* join = llvm::BasicBlock::Create(c, "join", function);
  constexpr uint32_t kLikely = 1 << 20;
  b.CreateCondBr(condition, then, join, rare ? llvm::MDBuilder(c).createBranchWeights(1, kLikely) : nullptr);
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

std::vector<llvm::Value*> KernelFrame::If(llvm::Value* condition,
                                          llvm::ArrayRef<llvm::Value*> otherwise,
                                          const std::function<std::vector<llvm::Value*>()>& body) {
  return EmitIf(b, condition, otherwise, body);
}

void KernelFrame::Prefetch(llvm::Value* from, int64_t bytes, Cache level) {
  constexpr int64_t kLine = 64;
  constexpr uint32_t kRead = 0, kData = 1;
  for (int64_t i = 0; i < bytes; i += kLine) {
    b.CreateIntrinsic(llvm::Intrinsic::prefetch, {b.getPtrTy()},
                      {b.CreateGEP(b.getInt8Ty(), from, Int(i)), b.getInt32(kRead),
                       b.getInt32(static_cast<uint32_t>(level)), b.getInt32(kData)});
  }
}

void KernelFrame::TakesDenormalsAsZero(const KernelSpec& spec) {
  if (!row.x86 || spec.plain_sums) return;
  for (const Node* node : TopologicalOrder(*spec.fragment)) {
    if (IsProduct(node) && node->inputs[0]->type.dtype != DType::kF32) return;
    if (node->type.dtype == DType::kBF16) return;  // rounding to it looks for denormals
  }
  constexpr uint32_t kDenormalsAreZeros = 1 << 6 | 1 << 15;  // as operands, and as results
  llvm::Value* memory = EntryAlloca(b.getInt32Ty(), 2, 4);
  llvm::Value* own = b.CreateConstGEP1_64(b.getInt32Ty(), memory, 1);
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_stmxcsr, {}, {memory});
  b.CreateStore(b.CreateOr(b.CreateLoad(b.getInt32Ty(), memory), b.getInt32(kDenormalsAreZeros)), own);
  b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {}, {own});
  callers_mode_ = memory;
}

void KernelFrame::Finish() {
  if (callers_mode_ != nullptr) b.CreateIntrinsic(llvm::Intrinsic::x86_sse_ldmxcsr, {}, {callers_mode_});
  b.CreateRetVoid();
}

llvm::FunctionCallee KernelFrame::Runtime(const char* name, llvm::FunctionType* type) {
  return module.getOrInsertFunction(name, type);
}

}  // namespace belay
