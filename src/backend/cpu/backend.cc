// The CPU backend: each fragment to the generator that takes it, equal fragments compiled once.
#include "backend/backend.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "backend/cpu/build_cache.h"
#include "backend/cpu/build_contract.h"
#include "backend/cpu/build_loops.h"
#include "backend/cpu/kernel_key.h"
#include "backend/cpu/run_library.h"

namespace belay {
namespace {

bool IsLibraryCall(const Graph& fragment) {
  for (const auto& node : fragment.nodes()) {
    if (node->op == Op::kCall) return true;
  }
  return false;
}

// A kernel whose formulas speak of the symbols of one fragment, and these symbols in the order of its key.
struct KeyedKernel {
  CompiledKernel kernel;
  std::vector<int> symbols;
};

// The kernel for an equal fragment with other symbols.
CompiledKernel ForSymbols(const KeyedKernel& k, const std::vector<int>& symbols) {
  CompiledKernel kernel = k.kernel;
  if (k.symbols == symbols) return kernel;
  auto renamed = [&](int id) {
    const auto at = std::find(k.symbols.begin(), k.symbols.end(), id);
    return Dim::Symbol(at == k.symbols.end() ? id : symbols[at - k.symbols.begin()]);
  };
  for (Dim& param : kernel.params) param = param.Substitute(renamed);
  kernel.chunks = kernel.chunks.Substitute(renamed);
  return kernel;
}

// Kernels of this process by the text of their fragment, as long as somebody holds their code.
class KernelCache {
 public:
  bool Find(const std::string& key, const std::vector<int>& symbols, CompiledKernel* kernel) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = kernels_.find(key);
    if (it == kernels_.end()) return false;
    std::shared_ptr<const void> code = it->second.code.lock();
    if (!code) return false;
    *kernel = ForSymbols(it->second.keyed, symbols);
    kernel->code = std::move(code);
    return true;
  }
  void Add(const std::string& key, const KeyedKernel& keyed) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (kernels_.size() > 4096)
      std::erase_if(kernels_, [](const auto& e) { return e.second.code.expired(); });
    Entry& entry = kernels_[key];
    entry.keyed = keyed;
    entry.keyed.kernel.code = nullptr;
    entry.code = keyed.kernel.code;
  }

 private:
  struct Entry {
    KeyedKernel keyed;
    std::weak_ptr<const void> code;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> kernels_;
};

class Cpu : public Backend {
 public:
  const char* name() const override { return "cpu"; }

  Result<std::vector<CompiledKernel>> Compile(const std::vector<KernelSpec>& specs,
                                              const CodeCacheOptions& options) override {
    const bool anew = options.mode == CodeCacheMode::kForce;
    std::vector<CompiledKernel> kernels(specs.size());
    std::vector<std::vector<int>> symbols(specs.size());
    std::map<std::string, std::vector<size_t>> wanted;
    for (size_t i = 0; i < specs.size(); ++i) {
      if (IsLibraryCall(*specs[i].fragment)) {
        BELAY_TRY(kernels[i], BuildLibraryCall(specs[i]));
        continue;
      }
      std::string key = KernelKey(specs[i], &symbols[i]);
      if (anew || !cache_.Find(key, symbols[i], &kernels[i])) wanted[key].push_back(i);
    }
    std::vector<CompileJob> jobs;
    for (const auto& [key, users] : wanted) jobs.push_back(JobFor(specs[users[0]]));
    std::unique_ptr<CodeStore> store;
    if (!jobs.empty()) store = CodeStore::Open(options);
    BELAY_TRY(std::vector<CompiledKernel> compiled, CompileJobs(jobs, HostTargetRow(), store.get()));
    size_t k = 0;
    for (const auto& [key, users] : wanted) {
      const KeyedKernel keyed = {compiled[k++], symbols[users[0]]};
      cache_.Add(key, keyed);
      for (size_t i : users) kernels[i] = ForSymbols(keyed, symbols[i]);
    }
    return kernels;
  }

 private:
  static CompileJob JobFor(const KernelSpec& spec) {
    return {CanBuildContract(spec) ? &BuildContract : &BuildLoops, &spec};
  }
  KernelCache cache_;
};

}  // namespace

Backend& CpuBackend() {
  static Cpu* backend = new Cpu;  // never destroyed: kernels may run during exit
  return *backend;
}

}  // namespace belay
