// Attention over several heads: softmax(q k' * scale + bias, masked) v, in the layouts that GE's
// fused attention operators take. Everything inside is [B, N, S, D]; keys and values may have fewer
// heads.
#pragma once
#include <string>

#include "ops/support.h"

namespace belay {

// How tensors lie in memory, by the letters of their dims: B batch, S sequence, N heads, D size of
// a head, H = N*D, T all sequences after each other (B is 1 then).
struct AttentionLayout {
  std::string in, out;
  bool packed() const { return in.find('T') != std::string::npos; }
};
// "BSND", or with another layout of the result "BNSD_BSND". Fails for anything else.
AttentionLayout ParseAttentionLayout(const std::string& text);
Dim HeadsOf(const Tensor& x, const std::string& layout,
            const Dim& head_size);  // how many heads x has
Tensor ToHeads(const Tensor& x, const std::string& layout, const Dim& heads);  // [B, N, S, D]
Tensor FromHeads(const Tensor& x, const std::string& layout);

// `given`, or where that is 0 one over the square root of the heads' size. Rank 0.
Tensor HeadScale(Builder& b, DType dtype, double given, const Dim& head_size);

// x [B, N, S, D] @ y [B, Nkv, D, T]: neighbouring N / Nkv heads of x share one of y. [B, N, S, T]
Tensor MatMulOfHeads(const Tensor& x, const Tensor& y);
// The same with x's S as what is summed up: x' y, where y is [B, N, S, T]. [B, Nkv, D, T]
Tensor TransposedMatMulOfHeads(const Tensor& x, const Tensor& y, const Dim& kv_heads);

// The tokens along one side of the scores.
struct TokenAxis {
  Tensor position;  // i32 [1, S]: the place in its own sequence
  Tensor lengths;   // i32 [B or 1] of each row's sequence, or of all packed sequences
  Tensor sequence;  // i32 [1, S], packed only: which sequence; the number of sequences if none
  Tensor valid;     // bool [B or 1, S]; empty: all
};
// One sequence a row; lengths [B] or [1], empty when all `extent` tokens count.
TokenAxis PaddedTokens(Builder& b, const Dim& extent, const Tensor& lengths);
// Sequences after each other; `ends` says where each ends.
TokenAxis PackedTokens(const Dim& extent, const Tensor& ends);
// Rows of `extent` tokens after each other, of which the first lengths[row] count.
TokenAxis FlattenedTokens(const Dim& extent, const Tensor& lengths);

struct Masking {
  int64_t sparse_mode = 0;        // GE's, 0 to 6
  int64_t before = 0, after = 0;  // how far a token sees, in modes 0 and 4
  Tensor mask;                    // [B, N, Sq, Skv] or broadcasting to it; not 0 is masked
  Tensor prefix;                  // [B]: keys that every token sees in modes 5 and 6
};
// True where a score does not count, broadcasting to [B, N, Sq, Skv]; empty when all do.
Tensor MaskedScores(const Masking& m, const TokenAxis& q, const TokenAxis& kv);
// A mask of rank 2 is [Sq, Skv], or [B, Skv] where a row has one query token; rank 3 is [B, Sq,
// Skv].
Tensor MaskOfRank4(const Tensor& mask, const Dim& q_extent);

struct AttentionWeights {
  Tensor max, sum;  // [B, N, Sq, 1]: of the scores, of exp(score - max)
  Tensor weights;   // softmax of the scores over the keys
};
// `masks`: rows may be -inf everywhere; they weigh nothing. sink [N]: a score that takes part in the
// sum and has no value.
AttentionWeights WeightsOfScores(const Tensor& scores, bool masks, const Tensor& sink = Tensor());

struct AttentionInputs {
  Tensor q, k, v;  // [B, N, S, D]
  double scale = 1;
  Tensor bias;              // added to the scores
  bool bias_first = false;  // before they are scaled
  Tensor masked;            // bool
  Tensor sink;              // see WeightsOfScores
  Tensor keep;              // dropout: factors of the weights
};
struct AttentionResult : AttentionWeights {
  Tensor out;  // [B, N, Sq, Dv]; 0 for tokens that see nothing
};
AttentionResult Attention(const AttentionInputs& a);

}  // namespace belay
