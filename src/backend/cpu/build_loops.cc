#include "backend/cpu/build_loops.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/IntrinsicsX86.h>

#include "backend/cpu/build_nest.h"

namespace belay {
namespace {

using llvm::Value;

// Whether each vector of the nest's output begins at a line of the cache, if the output does.
bool WritesWholeLines(const LoopProgram& p, const LoopNest& nest, int lane) {
  if (lane < 0 || BitWidth(p.output) < 8) return false;
  const int64_t line = 64 * 8 / BitWidth(p.output);
  Dim rest = nest.store;
  for (int v : nest.vars) {
    auto linear = LinearIn(p, rest, v);
    if (!linear || !linear->coefficient.IsConst()) return false;
    const int64_t step = linear->coefficient.value();
    if (v == lane ? step != 1 : step % line != 0) return false;
    rest = linear->rest;
  }
  return rest.IsConst() && rest.value() % line == 0;
}

// Of an output together with as much of its sources.
bool ExceedsCaches(const KernelSpec& spec, const LoopProgram& p) {
  const Node* root = spec.fragment->outputs[0];
  const Dim output = NumElements(root->shape()) * Dim(BitWidth(p.output));
  Dim bits = output;
  for (const Node* in : spec.fragment->inputs)
    bits = bits + Min(output, NumElements(in->shape()) * Dim(BitWidth(in->type.dtype)));
  return bits.IsConst() && bits.value() / 8 > LastLevelCacheBytes();
}

// Such an output is written past the caches: nobody would find it there, and its lines need not be read.
bool WritesPastCaches(const KernelSpec& spec, const TargetRow& row, const LoopProgram& p,
                      const std::vector<LoopPlan>& plans) {
  if (!row.x86 || spec.handed_bytes > 0 || !ExceedsCaches(spec, p)) return false;
  for (size_t k = 0; k < plans.size(); ++k) {
    if (!WritesWholeLines(p, p.nests[k], plans[k].lane)) return false;
  }
  return true;
}

// Rows of a chain are made in the first-level cache. Where rows wait for the next ones, those at the ends of chunks do
// not.
int64_t ChunkPoints(const KernelSpec& spec, const LoopProgram& p) {
  constexpr int64_t kPointBytes = 4, kShare = 4;  // of what may be handed on
  if (spec.handed_bytes <= 0 && ExceedsCaches(spec, p)) return 4 * kChunkPoints;
  return spec.handed_bytes > 0 ? std::min(kChunkPoints, spec.handed_bytes / kShare / kPointBytes) : kChunkPoints;
}

class LoopWriter {
 public:
  LoopWriter(KernelFrame* frame, LoopProgram* program, int64_t chunk_points)
      : f_(*frame), p_(*program), emitter_(frame, program) {
    for (const LoopNest& nest : p_.nests) {
      plans_.push_back(PlanNest(p_, nest, [&](int v) { return emitter_.LaneScore(nest.root, v); }, chunk_points));
      chunks_ = Max(chunks_, plans_.back().chunks);
    }
  }
  const std::vector<LoopPlan>& plans() const { return plans_; }
  bool has_delayed() const { return emitter_.HasDelayed(); }
  const Dim& chunks() const { return chunks_; }
  double NsPerChunk() const {
    double all = 0;
    for (const LoopPlan& plan : plans_) {
      const bool known = plan.chunks.IsConst() && chunks_.IsConst() && chunks_.value() > 0;
      const double share = known ? static_cast<double>(plan.chunks.value()) / static_cast<double>(chunks_.value()) : 1;
      all += plan.ns_per_chunk * share;
    }
    return all;
  }

  void Write() {
    for (size_t k = 0; k < plans_.size(); ++k) WriteNest(k);
  }

  // Where the output lies at the start of a line: an allocation of ours, and most of others'.
  void WritePastCaches() {
    auto& b = f_.b;
    Value* address = b.CreatePtrToInt(f_.Buffer(p_.output_buffer), b.getInt64Ty());
    Value* aligned = b.CreateICmpEQ(b.CreateAnd(address, f_.Int(63)), f_.Int(0));
    for (bool past : {true, false}) {
      f_.If(past ? aligned : b.CreateNot(aligned), {}, [&] {
        emitter_.WritePastCaches(past);
        Write();
        if (past) b.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
        return LoopEmitter::State{};
      });
    }
  }

 private:
  void WriteNest(size_t k) {
    auto& b = f_.b;
    const LoopNest& nest = p_.nests[k];
    const LoopPlan& plan = plans_[k];
    std::vector<int> columns(plan.order.begin() + plan.parallel, plan.order.end());
    emitter_.KeepCostlyValues(nest.root, columns, plan.lane);
    Value *lo = f_.begin, *hi = f_.end;
    if (plan.chunks != chunks_) {
      const auto share = [&](Value* chunk) {
        return b.CreateUDiv(b.CreateMul(chunk, f_.DimValue(plan.chunks)), f_.DimValue(Max(chunks_, 1)));
      };
      lo = share(lo);
      hi = share(hi);
    }
    if (plan.packed >= 0) return WritePacked(nest, plan, lo, hi);
    NestWriter(&f_, &p_, &emitter_, plan, nest.root, [&] {
      emitter_.Store(p_.output_buffer, p_.output, nest.store, emitter_.Get(nest.root));
    }).Write(lo, hi);
  }

  // The innermost loop, which is in one block, is unrolled.
  void WritePacked(const LoopNest& nest, LoopPlan plan, Value* lo, Value* hi) {
    plan.order.pop_back();
    plan.blocks.pop_back();
    plan.counts.pop_back();
    --plan.parallel;
    NestWriter(&f_, &p_, &emitter_, plan, nest.root, [&] {
      emitter_.StorePacked(p_.output_buffer, p_.output, nest.store, nest.root, plan.packed);
    }).Write(lo, hi);
  }

  KernelFrame& f_;
  LoopProgram& p_;
  LoopEmitter emitter_;
  std::vector<LoopPlan> plans_;
  // A chunk is as large a part of each nest: parts of a concatenation that lie beside each other go to one thread, as
  // do the rows that they are made of and that the next step reads.
  Dim chunks_;
};

}  // namespace

Status BuildLoops(const KernelSpec& spec, const TargetRow& row, llvm::Module& module,
                  const std::string& symbol, KernelDraft* draft) {
  if (IsSequential(*spec.fragment) && spec.place) return Internal("a scan or scatter inside of a larger tensor");
  if (IsSequential(*spec.fragment)) return BuildSequential(spec, row, module, symbol, draft);
  BELAY_TRY(LoopProgram program, LowerToLoops(*spec.fragment, spec.place));
  KernelFrame frame(module, row, symbol, draft);
  LoopWriter writer(&frame, &program, ChunkPoints(spec, program));
  const bool past_caches = WritesPastCaches(spec, row, program, writer.plans());
  if (past_caches) writer.WritePastCaches();
  else writer.Write();
  for (const LoopPlan& plan : writer.plans()) {
    if (!draft->about.empty()) draft->about += "; ";
    std::string lanes = "lanes inside";
    if (plan.lane >= 0) lanes = fmt::format("lanes over {}", program.extents[plan.lane].ToString());
    draft->about += fmt::format("{} loops, {}", plan.order.size(), lanes);
    if (plan.pairs) draft->about += ", rows in pairs";
  }
  if (past_caches) draft->about += ", written past the caches";
  if (writer.has_delayed()) draft->about += " beside the next pair's costliest pass";
  draft->ns_per_chunk = writer.NsPerChunk();
  draft->chunks = writer.chunks();
  if (program.nests.size() == 1) draft->order = OrderOfRows(program, program.nests[0], writer.plans()[0]);
  frame.Finish();
  return OkStatus();
}

}  // namespace belay
