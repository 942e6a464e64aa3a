// A graph ready to run: its compiled variants, the extents prepared so far, and the runs in flight.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "backend/stream.h"
#include "execute/gears.h"
#include "execute/run.h"
#include "execute/tensor_view.h"
#include "execute/variable.h"

namespace belay {

// Compiles a variant for the extents (and contents) of a call. A null plan with a non-empty *needs_contents asks
// for the contents of these inputs; readable: inputs whose contents every call can read at no cost.
using VariantCompiler = std::function<Result<std::shared_ptr<const Plan>>(
    const std::vector<std::vector<int64_t>>& input_dims, const std::map<int, LiteralPtr>& contents,
    const std::set<int>& readable, std::vector<int>* needs_contents)>;

// What the user declared about an input; dims: -1 any extent, {-2} any rank.
struct InputSignature {
  std::string name;
  DType dtype = DType::kUndefined;
  std::vector<int64_t> dims;
};

class RunTask;

class LoadedGraph : public std::enable_shared_from_this<LoadedGraph> {
 public:
  // plan: the variant made ahead of any call; may be null. variables: as in Plan::variables of every variant.
  LoadedGraph(std::string name, std::vector<InputSignature> inputs, size_t output_count,
              std::shared_ptr<const Plan> plan, VariantCompiler compiler,
              std::vector<std::shared_ptr<Variable>> variables = {});
  ~LoadedGraph();

  // Puts one run on the stream and returns; see GeSessionExecuteGraphWithStreamAsync. outputs: addresses may be
  // null (allocated here by AllocateMemory, FreeMemory is the receiver's duty); dims, dtype and bytes are
  // filled in. Nothing of the vectors is used after return.
  Status Execute(const std::shared_ptr<Stream>& stream, const std::vector<TensorView>& inputs,
                 std::vector<TensorView>& outputs, OutputAllocator* allocator = nullptr);

  // Compiles ahead of the calls with these extents; what depends on contents is left to the first of them.
  Status CompileFor(const std::vector<std::vector<int64_t>>& input_dims);
  // Compiles every gear; other extents are refused from now on.
  Status UseGears(Gears gears);
  // Calls copy these inputs when they lie in host memory. Graphs that are not static do so with every input whose
  // placement says host.
  void AllowHostInputs(const std::vector<int>& indexes);

  // No extent is open and nothing depends on data: sizes and results' shapes are known before any call.
  bool IsStatic() const;
  // What a static graph needs in UseConstants' and UseWorkspace's memory; never 0.
  size_t ConstantBytes() const;
  size_t WorkspaceBytes() const;
  const Plan& static_plan() const { return *static_plan_; }
  struct VariantView {
    std::shared_ptr<const Plan> plan;
    std::shared_ptr<const Prepared> prepared;  // for the newest extents; null where no call has brought any
  };
  std::vector<VariantView> Variants();  // compiled so far
  // Moves the constants of a static graph into memory that outlives the graph and its runs.
  void UseConstants(void* memory);
  // Calls from now on have their scratch there; such runs take turns, whatever their streams.
  void UseWorkspace(void* memory);

  const std::vector<InputSignature>& inputs() const { return inputs_; }
  size_t input_count() const { return inputs_.size(); }
  size_t output_count() const { return output_count_; }

 private:
  friend class RunTask;
  struct Variant {
    std::shared_ptr<const Plan> plan;
    std::vector<std::shared_ptr<const Prepared>> prepared;  // newest first
    uint64_t chosen = 0;  // the number of the choice that took it last
  };
  struct Selected {
    std::shared_ptr<const Plan> plan;
    std::shared_ptr<const Prepared> prepared;
  };

  Status CheckVariables(const Plan& plan) const;
  Status CheckInputs(const std::vector<TensorView>& inputs) const;
  Status CheckShapes(const std::vector<TensorView>& inputs) const;
  bool IsHostInput(size_t i, const TensorView& t) const;
  Status CheckAddress(const void* address, size_t need, const std::string& what) const;
  bool AddressesKnown(const std::vector<TensorView>& inputs, const std::vector<TensorView>& outputs) const;
  Status CheckInputAddresses(const std::vector<TensorView>& inputs) const;
  Status CheckOutputAddresses(const Selected& selected, const std::vector<TensorView>& outputs) const;
  Result<Selected> CheckAndSelect(Stream& stream, const std::vector<TensorView>& inputs,
                                  const std::vector<TensorView>& outputs);
  Result<Selected> Select(Stream& stream, const std::vector<TensorView>& inputs);
  bool IsListForScalar(size_t i, const TensorView& t) const;
  std::vector<TensorView> WithScalars(std::vector<TensorView> inputs) const;
  bool ReadsDeviceContents(const Plan& plan, const std::vector<TensorView>& inputs) const;
  bool Matches(const Plan& plan, const std::vector<TensorView>& inputs, std::vector<int64_t>* symbols) const;
  Result<Variant*> CompileVariant(Stream& stream, const std::vector<TensorView>& inputs);
  Variant* Keep(std::shared_ptr<const Plan> plan);
  bool SameAsLast(const std::vector<TensorView>& inputs) const;
  void Remember(const std::vector<TensorView>& inputs, const Selected& selected);

  // After a call that waited: its results go to the caller's buffers, or are handed over.
  Status Deliver(const Plan& plan, const OutputExtents& extents,
                 const std::vector<void*>& results, std::vector<TensorView>& outputs,
                 OutputAllocator* allocator) const;

  RunTask* TakeTask();
  void Recycle(RunTask* task);

  const std::string name_;
  const std::vector<InputSignature> inputs_;
  const size_t output_count_;
  VariantCompiler compiler_;  // null for a static graph: what it holds, all weights above all, is not needed again
  const std::vector<std::shared_ptr<Variable>> variables_;

  std::mutex mutex_;  // guards what follows, up to the task pool
  std::shared_ptr<const Plan> static_plan_;  // null: not static
  void* workspace_ = nullptr;                // the user's
  Gears gears_;
  std::vector<bool> host_inputs_;
  std::vector<Variant> variants_;
  uint64_t choices_ = 0;
  Selected last_;
  std::vector<int64_t> last_dims_;
  std::vector<std::pair<const void*, size_t>> checked_;  // addresses found good at checked_generation_
  uint64_t checked_generation_ = 0;

  WorkspacePool workspaces_;
  std::mutex user_workspace_mutex_;  // held by the run that uses it
  std::mutex pool_mutex_;
  RunTask* free_tasks_ = nullptr;
};

}  // namespace belay
