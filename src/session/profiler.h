// The profile that a program asks for by options or calls: one at a time in a process. Each stretch from start to stop
// becomes FOLDER/PROF_NNNNNN_PID/trace.json (execute/trace.h).
#pragma once
#include <string>

#include "base/status.h"
#include "session/options.h"

namespace belay {

enum class ProfilerUser : uint8_t { kNobody, kOptions, kCalls };
ProfilerUser UserOfProfiler();

// folder: must exist. Refuses while somebody uses the profiler.
Status OpenProfiler(ProfilerUser user, const std::string& folder);
Status StartProfiler();  // refuses while it runs or nobody has opened it
Status StopProfiler();   // writes the trace; refuses while it does not run
Status CloseProfiler();  // stops it first if need be; refuses while nobody has opened it

// The folder that ge.exec.profilingOptions names, the current one if it names none; "" where ge.exec.profilingMode is
// off.
Result<std::string> ProfilerFolder(const OptionMap& options);

}  // namespace belay
