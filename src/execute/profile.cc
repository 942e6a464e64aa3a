#include "execute/profile.h"

#include <chrono>
#include <mutex>
#include <utility>

#include "execute/prepare.h"

namespace belay {
namespace {

std::mutex mutex;
size_t lost_records = 0;
std::vector<StepRecord>& Records() {
  static auto* records = new std::vector<StepRecord>;  // runs may end after static destructors
  return *records;
}

int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int ThreadNumber() {
  static std::atomic<int> count{0};
  static thread_local const int number = count.fetch_add(1);
  return number;
}

thread_local int depth = 0;

int64_t SlotBytes(const Plan& plan, int s, const std::vector<int64_t>& symbols) {
  const Slot& slot = plan.slots[s];
  if (slot.kind == SlotKind::kConstant) return plan.constants[slot.index].bytes;
  return EvaluateBytes(slot.type, symbols);
}

}  // namespace

std::atomic<bool> profiling{false};

namespace {

void Keep(StepRecord* record) {
  std::lock_guard<std::mutex> lock(mutex);
  if (profiling.load()) {
    if (Records().size() < kMaxRecords) {
      Records().push_back(std::move(*record));
    } else {
      ++lost_records;
    }
  }
  delete record;
}

}  // namespace

void StartProfile() {
  std::lock_guard<std::mutex> lock(mutex);
  Records().clear();
  lost_records = 0;
  profiling.store(true);
}

std::vector<StepRecord> TakeProfile(size_t* lost) {
  std::lock_guard<std::mutex> lock(mutex);
  profiling.store(false);
  if (lost) *lost = lost_records;
  return std::exchange(Records(), {});
}

void StepTimer::Begin(const Plan& plan, int step, const std::vector<int64_t>& symbols) {
  const Step& s = plan.steps[step];
  record_ = new StepRecord;
  record_->plan = &plan;
  record_->step = step;
  record_->depth = depth++;
  record_->name = s.name;
  record_->nodes = s.nodes;
  record_->note = s.note;
  if (s.kernel >= 0) record_->about = plan.kernels[s.kernel].about;
  record_->flops = static_cast<double>(s.flops.Evaluate(symbols));
  for (int slot : s.inputs) record_->bytes += SlotBytes(plan, slot, symbols);
  for (int slot : s.outputs) {
    record_->bytes += s.part ? EvaluateBytes(*s.part, symbols) : SlotBytes(plan, slot, symbols);
  }
  record_->thread = ThreadNumber();
  record_->start_ns = Now();
}

void StepTimer::End() {
  record_->end_ns = Now();
  --depth;
  Keep(record_);
}

void RunTimer::Begin(const std::string& graph) {
  record_ = new StepRecord;
  record_->step = -1;
  record_->name = graph;
  record_->thread = ThreadNumber();
  record_->start_ns = Now();
}

void RunTimer::End() {
  record_->end_ns = Now();
  Keep(record_);
}

}  // namespace belay
