// Features for classical models: n-gram counts, thresholds, picked columns.
#include <algorithm>

#include "ops/support.h"

namespace belay {
namespace {

struct Grams {
  std::vector<int64_t> pool, starts, columns;
  std::vector<double> weights;
  int64_t shortest = 1, longest = 1, max_skip = 0;
};

// Checks what the library function relies on.
Grams ReadGrams(const Body& b) {
  Grams g = {b.Ints("pool_int64s"), b.Ints("ngram_counts"), b.Ints("ngram_indexes"), b.Floats("weights"),
             b.Int("min_gram_length"), b.Int("max_gram_length"), b.Int("max_skip_count")};
  const auto size = static_cast<int64_t>(g.pool.size());
  int64_t grams = 0;
  for (size_t n = 1; n <= g.starts.size(); ++n) {
    const int64_t first = g.starts[n - 1], end = n < g.starts.size() ? g.starts[n] : size;
    if (first < 0 || end < first || end > size || (end - first) % static_cast<int64_t>(n) != 0) {
      Fail("ngram_counts: the {}-grams lie at {} to {} of {} numbers", n, first, end, size);
    }
    grams += (end - first) / static_cast<int64_t>(n);
  }
  if (static_cast<int64_t>(g.columns.size()) != grams) {
    Fail("ngram_indexes has {} entries, but there are {} n-grams", g.columns.size(), grams);
  }
  if (g.columns.empty() || *std::min_element(g.columns.begin(), g.columns.end()) < 0) {
    Fail("ngram_indexes must name columns from 0 on");
  }
  if (g.weights.empty()) g.weights.assign(grams, 1.0);
  if (static_cast<int64_t>(g.weights.size()) != grams) {
    Fail("weights has {} entries, but needs {}", g.weights.size(), grams);
  }
  if (g.shortest < 1 || g.longest < g.shortest || g.max_skip < 0) {
    Fail("min_gram_length {}, max_gram_length {}, max_skip_count {}", g.shortest, g.longest, g.max_skip);
  }
  return g;
}

void TfIdfBody(Body& b) {
  Tensor x = Cast(b.Raw("X"), DType::kI64);
  if (x.rank() != 1 && x.rank() != 2) Fail("X has rank {}, but needs 1 or 2", x.rank());
  const Grams g = ReadGrams(b);
  const std::string mode = b.Str("mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") Fail("mode is '{}', but must be TF, IDF or TFIDF", mode);
  Builder& builder = b.builder();
  Tensor rows = x.rank() == 1 ? Unsqueeze(x, {0}) : x;
  const Dim columns = Dim(*std::max_element(g.columns.begin(), g.columns.end())) + Dim(1);
  Tensor weights = builder.Constant(
      LiteralFromDoubles(DType::kF32, {static_cast<int64_t>(g.weights.size())}, g.weights));
  Tensor y = Call("ngrams",
                  {rows, builder.Ints(DType::kI64, g.pool), builder.Ints(DType::kI64, g.starts),
                   builder.Ints(DType::kI64, g.columns), weights},
                  {{DType::kF32, {rows.dim(0), columns}}},
                  {{"shortest", g.shortest}, {"longest", g.longest}, {"max_skip", g.max_skip},
                   {"mode", mode == "TF" ? 0 : mode == "IDF" ? 1 : 2}})[0];
  b.OutRaw("Y", x.rank() == 1 ? Squeeze(y, {0}) : y);
}

void OnnxBinarizer(OnnxNode& n) {
  ModelEdge x = n.Emit("Cast", {n.Input(0)}, {{"dst_type", GeType(DType::kF64)}});
  ModelEdge above = n.Emit("Greater", {x, n.ConstScalar(DType::kF64, n.Float("threshold", 0))});
  n.Output(0, n.Emit("CastLike", {above, n.Input(0)}));
}

// Columns of the last dim; a vector counts as one row.
void OnnxArrayFeatureExtractor(OnnxNode& n) {
  ModelEdge picked = n.Emit("Reshape", {n.Input(1), n.ConstInts({-1})});
  ModelEdge y = n.Emit("GatherV2", {n.Input(0), picked, n.ConstInts({-1})});
  if (n.InputRank(0) < 0) n.Fail("the rank of X is not known");
  n.Output(0, n.InputRank(0) == 1 ? n.Emit("ExpandDims", {y, n.ConstInts({0})}) : y);
}

}  // namespace

BELAY_OP(OnnxTfIdfVectorizer) {
  op.FromOnnx("ai.onnx.ml::Binarizer", 1, OnnxBinarizer);
  op.FromOnnx("ai.onnx.ml::ArrayFeatureExtractor", 1, OnnxArrayFeatureExtractor);
  op.FromOnnx("TfIdfVectorizer", 9).Dtypes("X", kIndices).Computes(TfIdfBody);
}

}  // namespace belay
