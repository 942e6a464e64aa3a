// ge::Session: what a compiled graph needs, and the user's memory for it.
#include "api/ge/guard.h"
#include "api/ge/state.h"
#include "api/ge_compiler/summary_data.h"

namespace api = belay::api;

namespace ge {
namespace {

// Blocks of a client's allocator. MemBlock counts without atomics, so each has one owner here.
class ClientAllocator final : public belay::OutputAllocator {
 public:
  explicit ClientAllocator(AllocatorPtr allocator) : allocator_(std::move(allocator)) {}
  belay::Result<void*> Allocate(size_t bytes, void** block) override {
    MemBlock* made = allocator_->Malloc(bytes);
    if (made && made->GetAddr()) {
      *block = made;
      return made->GetAddr();
    }
    if (made) made->Free();
    return belay::OutOfMemory("the stream's external allocator gave no memory for {} bytes", bytes);
  }
  void Free(void* block) override { static_cast<MemBlock*>(block)->Free(); }

 private:
  const AllocatorPtr allocator_;
};

// Calls fn on the session; reports failures as those of `call`.
template <typename Fn>
Status OnSession(uint64_t id, uint32_t graph_id, const char* call, Fn fn) {
  auto describe = [&] { return fmt::format("Session::{}(session {}, graph {})", call, id, graph_id); };
  return api::Guarded(describe, [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(id));
    return fn(*session);
  });
}

}  // namespace

namespace {

CompiledGraphSummaryPtr MakeSummary(const belay::GraphFacts& facts) {
  CompiledGraphSummaryBuilder::Data data;
  data.is_static = facts.is_static;
  data.const_bytes = facts.const_bytes;
  data.feature_bytes = facts.feature_bytes;
  data.refreshable = facts.refreshable;
  data.shared_io = facts.shared_io;
  std::vector<AscendString>& streams = data.stream_texts[AscendString(facts.name.c_str())];
  for (const std::string& text : facts.stream_texts) streams.emplace_back(text.c_str());
  for (const std::vector<int64_t>& dims : facts.output_dims) data.output_shapes.push_back(Shape(dims));
  for (belay::DType dtype : facts.output_dtypes) data.output_dtypes.push_back(static_cast<DataType>(dtype));
  return CompiledGraphSummaryBuilder::Build(std::move(data));
}

}  // namespace

CompiledGraphSummaryPtr Session::GetCompiledGraphSummary(uint32_t graph_id) {
  CompiledGraphSummaryPtr summary;
  (void)OnSession(sessionId_, graph_id, "GetCompiledGraphSummary", [&](belay::Session& s) -> belay::Status {
    BELAY_TRY(std::shared_ptr<void> made, s.Summary(graph_id, MakeSummary));
    summary = std::static_pointer_cast<CompiledGraphSummary>(made);
    return belay::OkStatus();
  });
  return summary;
}

Status Session::SetGraphConstMemoryBase(uint32_t graph_id, const void* const memory, size_t size) {
  return OnSession(sessionId_, graph_id, "SetGraphConstMemoryBase", [&](belay::Session& s) {
    return s.SetConstMemory(graph_id, const_cast<void*>(memory), size);
  });
}

Status Session::UpdateGraphFeatureMemoryBase(uint32_t graph_id, const void* const memory, size_t size) {
  return OnSession(sessionId_, graph_id, "UpdateGraphFeatureMemoryBase", [&](belay::Session& s) {
    return s.SetFeatureMemory(graph_id, const_cast<void*>(memory), size);
  });
}

// All of a graph's scratch is refreshable.
Status Session::UpdateGraphRefreshableFeatureMemoryBase(uint32_t graph_id, const void* const memory,
                                                        size_t size) {
  return OnSession(sessionId_, graph_id, "UpdateGraphRefreshableFeatureMemoryBase", [&](belay::Session& s) {
    return s.SetFeatureMemory(graph_id, const_cast<void*>(memory), size);
  });
}

Status Session::SetGraphFixedFeatureMemoryBase(uint32_t graph_id, const void* const, size_t) {
  return OnSession(sessionId_, graph_id, "SetGraphFixedFeatureMemoryBase",
                   [&](belay::Session& s) { return s.SetFixedMemory(graph_id); });
}

Status Session::SetGraphFixedFeatureMemoryBaseWithType(uint32_t graph_id, MemoryType, const void* const,
                                                       size_t) {
  return OnSession(sessionId_, graph_id, "SetGraphFixedFeatureMemoryBaseWithType",
                   [&](belay::Session& s) { return s.SetFixedMemory(graph_id); });
}

Status Session::RegisterExternalAllocator(const void* const stream, AllocatorPtr allocator) const {
  return api::Guarded("Session::RegisterExternalAllocator", [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    if (!stream) return belay::InvalidArgument("the stream is null");
    if (!allocator) return belay::InvalidArgument("the allocator is null");
    session->SetAllocator(stream, std::make_shared<ClientAllocator>(std::move(allocator)));
    return belay::OkStatus();
  });
}

Status Session::UnregisterExternalAllocator(const void* const stream) const {
  return api::Guarded("Session::UnregisterExternalAllocator", [&]() -> belay::Status {
    BELAY_TRY(std::shared_ptr<belay::Session> session, api::FindSession(sessionId_));
    session->SetAllocator(stream, nullptr);
    return belay::OkStatus();
  });
}

}  // namespace ge
