#include "measure.h"

#include <algorithm>
#include <map>

namespace belay::tool {
namespace {

double Median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<long>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

}  // namespace

Result<std::vector<StepRecord>> RecordRuns(int runs, Runner* runner) {
  StartProfile();
  Status status;
  for (int i = 0; i < runs && status.ok(); ++i) {
    status = runner->Launch();
    if (status.ok()) status = runner->Synchronize();
  }
  std::vector<StepRecord> records = TakeProfile();
  BELAY_RETURN_IF_ERROR(status);
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; });
  return records;
}

Result<Measured> MeasureSteps(int runs, Runner* runner) {
  BELAY_RETURN_IF_ERROR(RecordRuns(3, runner).status());
  Measured measured;
  std::map<std::pair<const void*, int>, size_t> known;
  std::vector<std::pair<double, std::vector<StepRecord>>> all;
  for (int run = 0; run < runs; ++run) {
    BELAY_TRY(std::vector<StepRecord> records, RecordRuns(1, runner));
    std::erase_if(records, [](const StepRecord& r) { return r.step < 0; });
    for (StepRow& row : measured.rows) row.seconds.push_back(0);
    double total = 0;
    for (const StepRecord& r : records) {
      const double seconds = static_cast<double>(r.end_ns - r.start_ns) * 1e-9;
      if (r.depth == 0) total += seconds;
      auto [at, is_new] = known.emplace(std::make_pair(r.plan, r.step), measured.rows.size());
      if (is_new) measured.rows.push_back({r, {0}, 0});
      measured.rows[at->second].seconds.back() += seconds;
    }
    all.emplace_back(total, std::move(records));
  }
  for (StepRow& row : measured.rows) row.median_s = Median(row.seconds);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  measured.typical = std::move(all[all.size() / 2].second);
  return measured;
}

}  // namespace belay::tool
