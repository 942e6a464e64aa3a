#include "trace.h"

#include <fstream>

#include "execute/trace.h"
#include "measure.h"

namespace belay::tool {

Status WriteTrace(int runs, const std::string& file, Runner* runner) {
  BELAY_TRY(const std::vector<StepRecord> records, RecordRuns(runs, runner));
  std::ofstream out(file);
  out << TraceJson(records);
  out.close();
  return out ? OkStatus() : InvalidArgument("--trace {}: the file cannot be written", file);
}

}  // namespace belay::tool
