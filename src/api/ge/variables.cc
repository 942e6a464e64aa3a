// Session::GetVariables.
#include "api/ge/guard.h"
#include "api/ge/state.h"

namespace api = belay::api;

namespace ge {

Status Session::GetVariables(const std::vector<AscendString>& var_names, std::vector<Tensor>& var_values) {
  auto describe = [&] {
    return fmt::format("Session::GetVariables(session {}, {} names)", sessionId_, var_names.size());
  };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    std::vector<Tensor> values;
    for (const AscendString& name : var_names) {
      const char* text = name.GetString();
      if (!text || !*text) return belay::InvalidArgument("the name of variable {} is empty", values.size());
      BELAY_TRY(belay::LiteralPtr value, session->variables().Read(text));
      const TensorDesc desc(Shape(value->dims), FORMAT_ND, static_cast<DataType>(value->dtype));
      values.emplace_back(desc, value->as<uint8_t>(), static_cast<size_t>(value->ByteSize()));
    }
    var_values = std::move(values);
    return belay::OkStatus();
  });
}

}  // namespace ge
