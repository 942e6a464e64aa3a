// aclInit and its configuration file, aclFinalize, and the error texts of this thread.
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "api/acl/common.h"
#include "backend/device.h"
#include "base/error_report.h"

using belay::acl::Refuse;
using nlohmann::json;

namespace {

constexpr int kMaxDepth = 10;

struct InitState {
  std::mutex mutex;
  uint64_t references = 0;
};

InitState& State() {
  static auto* state = new InitState;  // aclFinalize may be called from static destructors
  return *state;
}

int Depth(const std::string& text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

// True when the key is absent, or is a text out of `allowed`.
bool OneOf(const json& section, const char* key, const std::set<std::string>& allowed) {
  auto found = section.find(key);
  return found == section.end() || (found->is_string() && allowed.count(found->get<std::string>()) != 0);
}

std::string TextOf(const json& section, const char* key) {
  auto found = section.find(key);
  return found != section.end() && found->is_string() ? found->get<std::string>() : "";
}

aclError CheckDump(const char* call, const json& dump) {
  const std::set<std::string> on_off = {"on", "off"};
  bool valid = dump.is_object() && OneOf(dump, "dump_mode", {"input", "output", "all"}) &&
               OneOf(dump, "dump_data", {"tensor", "stats"}) &&
               OneOf(dump, "dump_level", {"op", "kernel", "all"}) &&
               OneOf(dump, "dump_op_switch", on_off) && OneOf(dump, "dump_debug", on_off) &&
               OneOf(dump, "dump_scene", {"lite_exception", "watcher"}) &&
               (dump.count("dump_list") == 0 || dump["dump_list"].is_array()) &&
               (dump.count("dump_path") == 0 || dump["dump_path"].is_string());
  if (!valid) {
    return Refuse(call, ACL_ERROR_INVALID_DUMP_CONFIG, "the \"dump\" section has a key with a bad value");
  }
  bool asks = TextOf(dump, "dump_op_switch") == "on" || TextOf(dump, "dump_debug") == "on" ||
              TextOf(dump, "dump_scene") == "watcher" ||
              (dump.count("dump_list") != 0 && !dump["dump_list"].empty());
  if (!asks) return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_API_NOT_SUPPORT, "the configuration asks for dumps, which are not built yet",
                "remove the \"dump\" section");
}

aclError CheckProfiler(const char* call, const json& profiler) {
  if (!profiler.is_object() || !OneOf(profiler, "switch", {"on", "off"})) {
    return Refuse(call, ACL_ERROR_INVALID_PROFILING_CONFIG,
                  "the \"profiler\" section has a key with a bad value");
  }
  if (TextOf(profiler, "switch") != "on") return ACL_SUCCESS;
  return Refuse(call, ACL_ERROR_API_NOT_SUPPORT, "the configuration asks for profiling, which is not built yet",
                "remove the \"profiler\" section");
}

bool ParseNumber(const std::string& text, uint64_t* value) {
  if (text.empty() || text.size() > 18) return false;
  if (text.find_first_not_of("0123456789") != std::string::npos) return false;
  *value = std::stoull(text);
  return true;
}

aclError ApplyDefaultDevice(const char* call, const json& section) {
  uint64_t device = 0;
  if (!section.is_object() || !ParseNumber(TextOf(section, "default_device"), &device) ||
      device >= static_cast<uint64_t>(belay::DeviceCount())) {
    return Refuse(call, ACL_ERROR_INVALID_PARAM,
                  "\"defaultDevice\" needs {\"default_device\":\"N\"} with the number of a device");
  }
  belay::SetImplicitDevice(static_cast<int>(device));
  return ACL_SUCCESS;
}

aclError ApplyConfig(const char* call, const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    return Refuse(call, ACL_ERROR_INVALID_FILE, fmt::format("the file {} cannot be read", path),
                  "pass the path of a JSON file, or NULL");
  }
  if (Depth(text) > kMaxDepth) {
    return Refuse(call, ACL_ERROR_PARSE_FILE, fmt::format("{} nests deeper than {} levels", path, kMaxDepth));
  }
  json config = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    return Refuse(call, ACL_ERROR_PARSE_FILE, fmt::format("{} is not a JSON object", path));
  }
  if (config.count("dump") != 0) BELAY_ACL_TRY(CheckDump(call, config["dump"]));
  if (config.count("profiler") != 0) BELAY_ACL_TRY(CheckProfiler(call, config["profiler"]));
  uint64_t queues = 0;
  if (config.count("max_opqueue_num") != 0 &&
      (!ParseNumber(TextOf(config, "max_opqueue_num"), &queues) || queues == 0)) {
    return Refuse(call, ACL_ERROR_INVALID_MAX_OPQUEUE_NUM_CONFIG,
                  "\"max_opqueue_num\" is not the text of a positive number");
  }
  if (config.count("defaultDevice") != 0) {
    BELAY_ACL_TRY(ApplyDefaultDevice(call, config["defaultDevice"]));
  }
  return ACL_SUCCESS;
}

aclError FinalizeLocked(InitState& state, const char* call, uint64_t drop) {
  if (state.references == 0) {
    return Refuse(call, ACL_ERROR_REPEAT_FINALIZE, "acl is not initialized, or was finalized before",
                  "call aclInit first, and finalize once");
  }
  state.references -= std::min(state.references, drop);
  if (state.references == 0) belay::SetImplicitDevice(-1);
  return ACL_SUCCESS;
}

}  // namespace

extern "C" {

aclError aclInit(const char* configPath) try {
  InitState& state = State();
  std::lock_guard lock(state.mutex);
  if (state.references > 0) {
    ++state.references;
    return Refuse("aclInit", ACL_ERROR_REPEAT_INITIALIZE, "acl is initialized already; a reference was added");
  }
  if (configPath != nullptr && *configPath != 0) BELAY_ACL_TRY(ApplyConfig("aclInit", configPath));
  state.references = 1;
  return ACL_SUCCESS;
}
BELAY_ACL_END

aclError aclFinalize() try {
  InitState& state = State();
  std::lock_guard lock(state.mutex);
  return FinalizeLocked(state, "aclFinalize", UINT64_MAX);
}
BELAY_ACL_END

aclError aclFinalizeReference(uint64_t* refCount) try {
  BELAY_ACL_NOT_NULL(refCount);
  InitState& state = State();
  std::lock_guard lock(state.mutex);
  aclError result = FinalizeLocked(state, "aclFinalizeReference", 1);
  *refCount = state.references;
  return result;
}
BELAY_ACL_END

const char* aclGetRecentErrMsg() try {
  thread_local std::string text;  // valid until the next call on this thread
  text = belay::TakeErrorReports();
  return text.empty() ? nullptr : text.c_str();
} catch (const std::bad_alloc&) {
  return nullptr;
}

aclError aclrtGetLastError(aclrtLastErrLevel level) {
  if (level != ACL_RT_THREAD_LEVEL) return ACL_ERROR_INVALID_PARAM;
  return std::exchange(belay::acl::LastError(), ACL_SUCCESS);
}

aclError aclrtPeekAtLastError(aclrtLastErrLevel level) {
  return level == ACL_RT_THREAD_LEVEL ? belay::acl::LastError() : ACL_ERROR_INVALID_PARAM;
}

}  // extern "C"
