// Keys and values of new tokens into the blocks of their caches.
#include "ops/paged_cache.h"

namespace belay {
namespace {

void Write(Body& b, const char* rows_name, const char* cache_name, bool fractal) {
  const Tensor rows = b.Raw(rows_name), cache = b.Raw(cache_name), slots = b.Raw("slot_mapping");
  if (rows.rank() != 3) Fail("{} has rank {}, but needs 3", rows_name, rows.rank());
  const Dim tokens = rows.dim(0);
  b.OutRaw(cache_name, fractal ? WrittenToFractals(cache, Reshape(rows, {tokens, rows.dim(1) * rows.dim(2)}), slots)
                               : WrittenToSlots(cache, rows, slots));
}

}  // namespace

BELAY_OP(ScatterPaKvCache) {
  op.Dtypes("slot_mapping", kIndices).Computes([](Body& b) {
    for (const char* name : {"compress_lens", "compress_seq_offset", "seq_lens"}) {
      if (b.Has(name)) FailNotSupported("the input {}", name);
    }
    const std::string mode = b.Str("cache_mode"), scatter = b.Str("scatter_mode");
    if (mode != "Norm" && mode != "PA_NZ") FailNotSupported("cache_mode '{}' (only Norm and PA_NZ)", mode);
    if (scatter != "None") FailNotSupported("scatter_mode '{}' (only None)", scatter);
    Write(b, "key", "key_cache", mode == "PA_NZ");
    Write(b, "value", "value_cache", mode == "PA_NZ");
  });
}

}  // namespace belay
