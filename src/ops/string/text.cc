// Operators on strings.
#include "graph/library/regex.h"
#include "ops/text.h"

namespace belay {
namespace {

constexpr DType kText = DType::kString;

void CheckOne(const Tensor& text, const char* what) {
  if (NumElements(text.shape()) != Dim(1)) Fail("{} has shape {}, but is one string", what, ToString(text.shape()));
}

Tensor Matches(const Tensor& x, const Tensor& pattern) {
  CheckOne(pattern, "pattern");
  if (pattern.node()->literal) {
    Result<Regex> regex = Regex::Parse(pattern.node()->literal->strings->at(0));
    if (!regex.ok()) throw OpError{std::move(regex).status()};
  }
  return CallOnTexts("text_match", {x, Reshape(pattern, {})}, DType::kBool);
}

struct Pieces {
  Tensor row, column, text;
  Dim most;  // of one element
};
Pieces Split(const Tensor& x, const Tensor& separator, int64_t most_splits) {
  Builder& b = x.builder();
  Pieces out;
  std::vector<int> binds;
  const Dim count = b.NewBound("pieces", &binds);
  out.most = b.NewBound("most_pieces", &binds);
  const TensorType place{DType::kI64, {count}};
  std::vector<Tensor> parts =
      Call("text_split", {x, separator}, {place, place, {kText, {count}}}, {{"maxsplit", most_splits}}, binds);
  out.row = parts[0];
  out.column = parts[1];
  out.text = parts[2];
  return out;
}

// TensorFlow's form: one row of `indices` for each piece.
void SplitSparse(Body& b) {
  Tensor x = b.Raw("input"), separator = b.Raw("sep");
  if (x.rank() != 1) Fail("input has rank {}, but needs 1", x.rank());
  CheckOne(separator, "sep");
  Pieces p = Split(x, Reshape(separator, {}), b.Int("maxsplit"));
  b.OutRaw("indices", Concat({Unsqueeze(p.row, {1}), Unsqueeze(p.column, {1})}, 1));
  b.OutRaw("values", p.text);
  b.OutRaw("shape", b.builder().FromDims(DType::kI64, {x.dim(0), p.most}));
}

// ONNX's: pieces along a new last dim, empty strings behind the last one, and how many there are.
void SplitDense(Body& b) {
  Builder& builder = b.builder();
  Tensor x = b.Raw("X");
  const Dim count = NumElements(x.shape());
  Pieces p = Split(Reshape(x, {count}), TextScalar(builder, b.Str("delimiter")), b.Int("maxsplit"));
  Shape shape = x.shape();
  shape.push_back(p.most);
  Tensor empty = BroadcastTo(TextScalar(builder, ""), {count, p.most});
  b.OutRaw("Y", Reshape(Scatter(ReduceKind::kNone, empty, p.text, {p.row, p.column}, {-1, -2}), shape));
  Tensor zeros = Full(builder, {count}, DType::kI64, 0);
  Tensor ones = Full(builder, p.row.shape(), DType::kI64, 1);
  b.OutRaw("Z", Reshape(Scatter(ReduceKind::kSum, zeros, ones, {p.row}, {-1}), x.shape()));
}

int64_t CaseOf(const std::string& action) {
  if (action == "NONE") return 0;
  if (action == "LOWER") return 1;
  if (action == "UPPER") return 2;
  Fail("case_change_action is '{}', but must be LOWER, UPPER or NONE", action);
}

void Normalize(Body& b) {
  Builder& builder = b.builder();
  Tensor x = b.Raw("input");
  const bool row = x.rank() == 2;
  if (x.rank() != 1 && !row) Fail("input has rank {}, but needs 1 or 2", x.rank());
  if (row && !builder.Assume(Equal(x.dim(0), 1), true)) {
    Fail("input has {} rows, but one is taken", x.dim(0).ToString());
  }
  const std::vector<std::string> stopwords = b.Strs("stopwords");
  Tensor words = builder.Constant(LiteralFromTexts({static_cast<int64_t>(stopwords.size())}, stopwords));
  std::vector<int> binds;
  const Dim left = builder.NewBound("left", &binds);
  const std::vector<CallAttr> attrs = {{"case_sensitive", b.Bool("is_case_sensitive")},
                                       {"case", CaseOf(b.Str("case_change_action"))}};
  Tensor flat = Reshape(x, {x.dim(-1)});
  Tensor y = Call("text_normalize", {flat, words}, {{kText, {left}}}, attrs, binds)[0];
  b.OutRaw("output", row ? Unsqueeze(y, {0}) : y);
}

void ChangeCase(OpRecord& op, int64_t to) {
  op.Dtypes("input", kTexts).Computes([to](Body& b) {
    const std::string encoding = b.Str("encoding");
    if (!encoding.empty() && encoding != "utf-8") Fail("encoding is '{}', but must be utf-8 or empty", encoding);
    b.OutRaw("output", CallOnTexts("text_case", {b.Raw("input")}, kText, {{"case", to}, {"utf8", !encoding.empty()}}));
  });
}

}  // namespace

BELAY_OP(StringJoin) {
  op.FromOnnx("StringConcat", 20, [](OnnxNode& n) {
    n.Output(0, n.Emit("StringJoin", {n.Input(0), n.Input(1)}, {{"N", int64_t{2}}}));
  });
  op.Dtypes("x", kTexts).Computes([](Body& b) {
    std::vector<Tensor> parts = b.RawIns("x");
    if (parts.empty()) Fail("x has no instances");
    std::vector<Shape> shapes;
    for (const Tensor& part : parts) shapes.push_back(part.shape());
    const Shape shape = BroadcastShapes(b.builder(), shapes);
    for (Tensor& part : parts) part = BroadcastTo(part, shape);
    parts.push_back(TextScalar(b.builder(), b.Str("separator")));
    b.OutRaw("y", CallOnTexts("text_join", parts, kText));
  });
}

BELAY_OP(StringNormalizer) {
  op.FromOnnx("StringNormalizer", 10).Dtypes("input", kTexts).Computes(Normalize);
}
BELAY_OP(StringSplitV2) { op.Dtypes("input", kTexts).Dtypes("sep", kTexts).Computes(SplitSparse); }
BELAY_OP(OnnxStringSplit) { op.FromOnnx("StringSplit", 20).Dtypes("X", kTexts).Computes(SplitDense); }

BELAY_OP(RegexFullMatch) {
  op.Dtypes("x", kTexts).Dtypes("pattern", kTexts).Computes([](Body& b) {
    b.OutRaw("y", Matches(b.Raw("x"), b.Raw("pattern")));
  });
}
BELAY_OP(StaticRegexFullMatch) {
  op.FromOnnx("RegexFullMatch", 20).Dtypes("input", kTexts).Computes([](Body& b) {
    b.OutRaw("output", Matches(b.Raw("input"), TextScalar(b.builder(), b.Str("pattern"))));
  });
}

BELAY_OP(StringLower) { ChangeCase(op, 1); }
BELAY_OP(StringUpper) { ChangeCase(op, 2); }
BELAY_OP(StringStrip) {
  op.Dtypes("x", kTexts).Computes([](Body& b) { b.OutRaw("y", CallOnTexts("text_strip", {b.Raw("x")}, kText)); });
}
BELAY_OP(StringLength) {
  op.Dtypes("x", kTexts).Computes([](Body& b) {
    const std::string unit = b.Str("unit");
    if (unit != "BYTE" && unit != "UTF8_CHAR") Fail("unit is '{}', but must be BYTE or UTF8_CHAR", unit);
    b.OutRaw("y", CallOnTexts("text_length", {b.Raw("x")}, DType::kI32, {{"utf8", unit == "UTF8_CHAR"}}));
  });
}

}  // namespace belay
