// GEInitialize, GEFinalize and the texts of what went wrong.
#include "api/ge/guard.h"
#include "api/ge/state.h"
#include "api/graph/custom_libraries.h"
#include "base/error_report.h"

namespace api = belay::api;

namespace ge {

Status GEInitialize(const std::map<AscendString, AscendString>& options) {
  return api::Guarded("GEInitialize", [&]() -> belay::Status {
    BELAY_TRY(belay::OptionMap map, api::ToOptions(options));
    belay::LoadCustomLibraries();
    return api::Initialize(std::move(map));
  });
}

Status GEFinalize() {
  return api::Guarded("GEFinalize", [] { return api::Finalize(); });
}

AscendString GEGetErrorMsgV2() { return AscendString(belay::TakeErrorReports().c_str()); }

AscendString GEGetWarningMsgV2() { return AscendString(belay::TakeWarnings().c_str()); }

StatusFactory* StatusFactory::Instance() {
  static StatusFactory* const factory = new StatusFactory();
  return factory;
}

}  // namespace ge
