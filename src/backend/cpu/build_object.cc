#include "backend/cpu/build_object.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/PassInfo.h>
#include <llvm/PassRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/BLAKE3.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/InstSimplifyPass.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "backend/cpu/build_id.h"
#include "base/log.h"

namespace belay {
namespace {

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
    llvm::LICMOptions hoisting;
    hoisting.MssaNoAccForPromotionCap = 0;  // looking for sums in memory, which kernels keep in registers, takes long
    passes_.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(hoisting), true));
  }
  void Run(llvm::Function& f) {
    passes_.run(f, function_);
    // The next function may lie where this one has been.
    loop_.clear();
    function_.clear();
    cgscc_.clear();
    module_.clear();
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

std::string DumpModule(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, nullptr);
  return text;
}

void DumpObject(const char* path, const std::string& object) {
  std::error_code ignored;
  llvm::raw_fd_ostream file(path, ignored);
  file << object;
}

// LLVM's passes behind the Simplifier, but for those that find nothing to do in a kernel.
class KernelPasses final : public llvm::legacy::PassManager {
 public:
  // advances: see KernelFrame::AdvancesAddresses.
  explicit KernelPasses(bool advances) : advances_(advances) {}
  void add(llvm::Pass* pass) override {
    const llvm::PassInfo* info = llvm::PassRegistry::getPassRegistry()->getPassInfo(pass->getPassID());
    const llvm::StringRef name = info ? info->getPassArgument() : llvm::StringRef();
    if (IsOneOf(kIdle, name) || (advances_ && IsOneOf(kOfAddresses, name))) delete pass;
    else llvm::legacy::PassManager::add(pass);
  }

 private:
  using Names = llvm::ArrayRef<llvm::StringLiteral>;
  static bool IsOneOf(Names names, llvm::StringRef name) { return llvm::is_contained(names, name); }

  static constexpr llvm::StringLiteral kOfAddresses[] = {"canon-freeze", "loop-reduce"};
  static constexpr llvm::StringLiteral kIdle[] = {
      // Calls that no kernel has, or that the compiler of a whole program would improve.
      "mergeicmps", "expand-memcmp", "partially-inline-libcalls", "replace-with-veclib", "consthoist", "tlshoist",
      "interleaved-access",
      // Garbage collection, exceptions, instrumentation, hardening.
      "gc-lowering", "shadow-stack-gc-lowering", "dwarf-eh-prepare", "callbrprepare", "indirectbr-expand",
      "post-inline-ee-instrument", "safe-stack", "stack-protector",
      // Scalars that would be better off as masks.
      "x86-domain-reassignment"};
  const bool advances_;
};

// One pipeline for one kernel after another: making it costs as much as a small kernel.
class CodeGenerator {
 public:
  CodeGenerator(llvm::TargetMachine* machine, bool advances) : passes_(advances) {
    usable_ = !machine->addPassesToEmitFile(passes_, out_, nullptr, llvm::CodeGenFileType::ObjectFile, true);
  }
  Status Run(llvm::Module& module, std::string* object) {
    if (!usable_) return Internal("LLVM cannot emit objects for {}", module.getTargetTriple());
    bytes_.clear();
    passes_.run(module);
    object->assign(bytes_.begin(), bytes_.end());
    return OkStatus();
  }

 private:
  llvm::SmallVector<char, 0> bytes_;
  llvm::raw_svector_ostream out_{bytes_};
  KernelPasses passes_;
  bool usable_;
};

// The engine and LLVM by their build IDs, so that no change of either is forgotten; empty when one
// has none.
std::string MakerOf(const llvm::TargetMachine& machine) {
  const std::string& engine_id = EngineBuildId();
  static const std::string llvm_id = BuildIdOf(&machine.getTarget());
  if (engine_id.empty() || llvm_id.empty()) return "";
  return fmt::format("{}\n{}\n{}\n{}\n{}\n", engine_id, llvm_id, machine.getTargetTriple().str(),
                     std::string(machine.getTargetCPU()),
                     std::string(machine.getTargetFeatureString()));
}

}  // namespace

// From a kernel's module to its object.
class ObjectEmitter {
 public:
  explicit ObjectEmitter(llvm::TargetMachine* machine) : machine_(machine), simplifier_(machine) {}

  Status Emit(llvm::Module& module, const std::string& numbers, std::string* object) {
    bool advances = true;
    for (llvm::Function& f : module) {
      if (f.isDeclaration()) continue;
      advances = advances && f.hasFnAttribute(kAdvancesAddresses);
      std::string error;
      llvm::raw_string_ostream stream(error);
      if (llvm::verifyFunction(f, &stream)) {
        return Internal("invalid code for {}: {}", std::string(f.getName()), stream.str());
      }
      simplifier_.Run(f);
    }
    PlaceNumbers(module, numbers);
    std::unique_ptr<CodeGenerator>& generator = generators_[advances];
    if (!generator) generator = std::make_unique<CodeGenerator>(machine_, advances);
    return generator->Run(module, object);
  }

 private:
  llvm::TargetMachine* const machine_;
  Simplifier simplifier_;
  std::unique_ptr<CodeGenerator> generators_[2];  // by KernelPasses' `advances`
};

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

SharedCode* CodePool::Get(const CodeKey& key, bool* first) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto [at, is_new] = codes_.try_emplace(key);
  *first = is_new;
  return &at->second;
}

Result<std::string> KernelObject::Bytes() const {
  std::string bytes = code->object;
  BELAY_RETURN_IF_ERROR(WriteNumbers(numbers, &bytes));
  if (const char* path = std::getenv("BELAY_DUMP_OBJECT")) DumpObject(path, bytes);
  return bytes;
}

ObjectBuilder::ObjectBuilder(const TargetRow& row, const CodeStore* store, CodePool* pool)
    : row_(row), store_(store), pool_(pool) {}

ObjectBuilder::~ObjectBuilder() = default;

Status ObjectBuilder::Prepare() {
  if (machine_) return OkStatus();
  BELAY_TRY(machine_, MakeMachine(row_));
  emitter_ = std::make_unique<ObjectEmitter>(machine_.get());
  maker_ = MakerOf(*machine_);
  if (!maker_.empty()) return OkStatus();
  store_ = nullptr;
  BELAY_LOG(Info, "kernels are not kept: the engine or LLVM was linked without a build ID");
  return OkStatus();
}

CodeKey ObjectBuilder::KeyOf(const llvm::Module& module) const {
  llvm::SmallVector<char, 0> bitcode;
  llvm::raw_svector_ostream out(bitcode);
  llvm::WriteBitcodeToFile(module, out);
  llvm::BLAKE3 hash;
  hash.update(maker_);
  hash.update(out.str());
  return hash.final<sizeof(CodeKey)>();
}

Result<KernelObject> ObjectBuilder::Build(const CompileJob& job, const std::string& symbol) {
  BELAY_RETURN_IF_ERROR(Prepare());
  KernelObject object;
  llvm::LLVMContext context;
  llvm::Module module("belay", context);
  module.setTargetTriple(row_.triple);
  module.setDataLayout(machine_->createDataLayout());
  Status status = job.generate(*job.spec, row_, module, symbol, &object.draft);
  if (!status.ok()) return std::move(status).Context("kernel '" + job.spec->name + "'");
  for (llvm::Function& f : module) {
    if (!f.isDeclaration()) SetAttributes(f, row_);
  }
  if (std::getenv("BELAY_DUMP_IR") != nullptr) llvm::errs() << DumpModule(module);
  const std::string numbers = symbol + "_numbers";
  object.numbers = TakeOutNumbers(module, row_, numbers);
  const CodeKey key = KeyOf(module);
  SharedCode* code = pool_->Get(key, &object.first);
  object.code = code;
  if (!object.first) return object;
  code->found = store_ && store_->Find(key, &code->object);
  if (!code->found) {
    BELAY_RETURN_IF_ERROR(emitter_->Emit(module, numbers, &code->object));
    if (store_) store_->Keep(key, code->object);
  }
  return object;
}

}  // namespace belay
