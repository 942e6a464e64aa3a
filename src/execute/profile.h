// What runs spent on their steps, gathered while somebody listens: for `belay explain` and traces.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace belay {

struct StepRecord {
  const void* plan = nullptr;  // tells plans apart, no more: it may be gone
  int step = 0;  // -1: a whole run, named after its graph
  int depth = 0;  // of control flow: a step of a branch lies inside its kIf's or kWhile's record
  std::string name, about, note;
  std::vector<std::string> nodes;
  double flops = 0;
  int64_t bytes = 0;  // read and written, each buffer once
  int64_t start_ns = 0, end_ns = 0;  // of a monotonic clock
  int thread = 0;                    // numbered by first use
};

// One profile at a time; what comes after kMaxRecords is lost.
constexpr size_t kMaxRecords = 1 << 18;
void StartProfile();
std::vector<StepRecord> TakeProfile(size_t* lost = nullptr);  // ends it

extern std::atomic<bool> profiling;

// Records one run of a graph from its construction to its end, if a profile is on.
class RunTimer {
 public:
  explicit RunTimer(const std::string& graph) {
    if (profiling.load(std::memory_order_relaxed)) Begin(graph);
  }
  ~RunTimer() {
    if (record_) End();
  }
  RunTimer(const RunTimer&) = delete;
  RunTimer& operator=(const RunTimer&) = delete;

 private:
  void Begin(const std::string& graph);
  void End();
  StepRecord* record_ = nullptr;
};

// Records one step from its construction to its end, if a profile is on.
class StepTimer {
 public:
  StepTimer(const Plan& plan, int step, const std::vector<int64_t>& symbols) {
    if (profiling.load(std::memory_order_relaxed)) Begin(plan, step, symbols);
  }
  ~StepTimer() {
    if (record_) End();
  }
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

 private:
  void Begin(const Plan& plan, int step, const std::vector<int64_t>& symbols);
  void End();
  StepRecord* record_ = nullptr;
};

}  // namespace belay
