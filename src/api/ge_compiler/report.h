// Failures of the functions of this library go to the report behind GEGetErrorMsgV2.
#pragma once
#include <exception>
#include <string>

#include "base/error_report.h"
#include "base/status.h"
#include "graph/ge_error_codes.h"

namespace belay::api {

// Runs fn, a function that returns a Status; no exception passes.
template <typename Fn>
ge::graphStatus Reported(const char* call, Fn fn) {
  Status status;
  try {
    status = fn();
  } catch (const std::exception& error) {
    status = Internal("{}", error.what());
  }
  if (status.ok()) return ge::GRAPH_SUCCESS;
  ReportError({"EU0001", status.message(), call, CodeName(status.code()), "correct the value named above"});
  return status.code() == Code::kInvalidArgument ? ge::GRAPH_PARAM_INVALID : ge::GRAPH_FAILED;
}

}  // namespace belay::api
