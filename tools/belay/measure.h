// What the steps of a model take, from profiles of its runs.
#pragma once
#include <vector>

#include "execute/profile.h"
#include "runner.h"

namespace belay::tool {

// One step over all runs; one that runs several times in a run (a loop's) is summed.
struct StepRow {
  StepRecord record;  // of the first run
  std::vector<double> seconds;
  double median_s = 0;
};

struct Measured {
  std::vector<StepRow> rows;        // in the order in which the first run began them
  std::vector<StepRecord> typical;  // of the run of median length, likewise
};

// After three runs that are not measured.
Result<Measured> MeasureSteps(int runs, Runner* runner);
// By start.
Result<std::vector<StepRecord>> RecordRuns(int runs, Runner* runner);

}  // namespace belay::tool
