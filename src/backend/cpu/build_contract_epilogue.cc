#include "backend/cpu/build_contract_epilogue.h"

#include <algorithm>
#include <numeric>

#include "backend/cpu/scalar.h"
#include "graph/strided.h"

namespace belay {
namespace {

using llvm::Value;

bool IsScalarConst(const Node* n) { return n->op == Op::kConst && NumElements(n->shape()).IsConst(1); }

bool DependsOn(const Node* node, const Node* anchor) {
  if (node == anchor) return true;
  if (node->op != Op::kMap) return false;
  return std::any_of(node->inputs.begin(), node->inputs.end(),
                     [&](const Node* in) { return DependsOn(in, anchor); });
}

// What a map of two operands reads beside `node`.
const Node* OtherOperand(const Node* map, const Node* node) { return map->inputs[map->inputs[0] == node ? 1 : 0]; }

int64_t MemoryBytes(DType dtype) { return std::max(1, BitWidth(dtype) / 8); }

}  // namespace

std::optional<MatrixOperand> ResolveOperand(const Node* node) {
  std::optional<StridedView> view = ViewOf(node);
  if (!view) return std::nullopt;
  const Node* base = view->base;
  if (IsMap(base, ScalarOp::kCast)) {
    const Node* in = base->inputs[0];
    std::optional<StridedView> below = ViewOf(in);
    if (!below) return std::nullopt;
    if (base == node) {
      view = below;
    } else if (below->base != in) {
      return std::nullopt;
    }
    base = below->base;
  }
  if (base->op != Op::kInput || !IsComputableDType(base->type.dtype)) return std::nullopt;
  return MatrixOperand{base->index, base->type.dtype, view->offset, view->strides};
}

std::optional<Dim> MergedStride(const Shape& shape, const std::vector<Dim>& strides, int from, int to) {
  std::optional<Dim> stride;
  Dim extent = 1;
  for (int d = to; d-- > from;) {
    if (shape[d].IsConst(1)) continue;
    if (stride && strides[d] != *stride * extent) return std::nullopt;
    if (!stride) stride = strides[d];
    extent = extent * shape[d];
  }
  return stride ? *stride : Dim(0);
}

std::string Epilogue::Check(const Graph& fragment, const Node* anchor) {
  if (fragment.outputs.size() != 1) return "several outputs";
  const Node* root = fragment.outputs[0];
  if (root->shape() != anchor->shape()) return "the result has another shape";
  if (!IsComputableDType(root->type.dtype)) return "result dtype";
  std::vector<const Node*> work{root}, seen;
  while (!work.empty()) {
    const Node* n = work.back();
    work.pop_back();
    if (n == anchor || std::find(seen.begin(), seen.end(), n) != seen.end()) continue;
    seen.push_back(n);
    if (n->op != Op::kMap) {
      if (ConstBelowViews(n)) continue;
      std::optional<MatrixOperand> operand = ResolveOperand(n);
      if (!operand) return "an epilogue operand is not a strided input";
      continue;
    }
    for (const Node* in : n->inputs) {
      if (in->shape() != n->shape() && !IsScalarConst(in)) return "shapes of a map";
      work.push_back(in);
    }
    const Node* first = n->scalar == ScalarOp::kSelect ? n->inputs[1] : n->inputs[0];
    if (!CanComputeScalarOp(n->scalar, first->type.dtype, n->type.dtype)) return "a map has no code";
  }
  if (!DependsOn(root, anchor)) return "the anchor is not used";
  return "";
}

Epilogue::Epilogue(const KernelSpec& spec, const Node* anchor)
    : anchor_(anchor), sums_(anchor), root_(spec.fragment->outputs[0]) {
  Collect(root_);
  for (const Node* map : maps_) {
    if (const Node* product = FusedProduct(map)) fused_.insert(product);
  }
  out_.operand.input = static_cast<int>(spec.fragment->inputs.size());
  out_.operand.dtype = root_->type.dtype;
  out_.operand.strides = DenseStrides(spec.place ? spec.place->whole : root_->shape());
  if (spec.place) out_.operand.offset = spec.place->first * out_.operand.strides[spec.place->axis];
}

void Epilogue::UseTable(const KernelSpec& spec, const TargetRow& row) {
  if (!row.byte_tables || IsFloat(anchor_->type.dtype)) return;
  for (const Leaf& leaf : leaves_) {
    const auto input = static_cast<size_t>(leaf.operand.input);
    if (IsFloat(leaf.operand.dtype) && !(input < spec.constant_inputs.size() && spec.constant_inputs[input])) return;
  }
  table_ = FindByteTable(root_, maps_);
  if (!table_) return;
  const auto& maps = table_->maps;
  const auto looked_up = [&](const Node* map) { return std::find(maps.begin(), maps.end(), map) != maps.end(); };
  maps_.erase(std::remove_if(maps_.begin(), maps_.end(), looked_up), maps_.end());
}

void Epilogue::Collect(const Node* node) {
  if (node == anchor_ || FindLeaf(node) != nullptr || ConstBelowViews(node)) return;
  if (std::find(maps_.begin(), maps_.end(), node) != maps_.end()) return;
  if (node->op != Op::kMap) {
    leaves_.push_back({node, *ResolveOperand(node)});
    return;
  }
  for (const Node* in : node->inputs) Collect(in);
  maps_.push_back(node);
}

Epilogue::Leaf* Epilogue::FindLeaf(const Node* node) {
  const auto at = std::find_if(leaves_.begin(), leaves_.end(), [&](const Leaf& leaf) { return leaf.node == node; });
  return at == leaves_.end() ? nullptr : &*at;
}

int Epilogue::UnmergedDims() const {
  const int rank = anchor_->rank();
  const auto mergeable = [&](int outer) {
    const auto merges = [&](const Leaf& leaf) {
      return MergedStride(anchor_->shape(), leaf.operand.strides, outer, rank - 1).has_value();
    };
    return merges(out_) && std::all_of(leaves_.begin(), leaves_.end(), merges);
  };
  int outer = std::max(0, rank - 2);
  while (outer > 0 && mergeable(outer - 1)) --outer;
  return outer;
}

void Epilogue::Fold(const FoldedDims& dims) {
  const int rank = anchor_->rank();
  const auto fold = [&](Leaf& leaf) {
    const auto& s = leaf.operand.strides;
    std::vector<Dim> folded(s.begin(), s.begin() + dims.outer);
    folded.push_back(*MergedStride(anchor_->shape(), s, dims.outer, rank - 1));
    folded.push_back(s[rank - 1]);
    leaf.operand.strides = folded;
  };
  for (Leaf& leaf : leaves_) fold(leaf);
  fold(out_);
}

void Epilogue::FoldSingleColumn() {
  const auto fold = [](Leaf& leaf) {
    auto& s = leaf.operand.strides;
    s.pop_back();
    s.insert(s.end() - 1, Dim(0));
  };
  for (Leaf& leaf : leaves_) fold(leaf);
  fold(out_);
}

void Epilogue::SplitColumns(int64_t groups) {
  const Dim part = anchor_->shape().back().value() / groups;
  const auto split = [&](Leaf& leaf) {
    auto& s = leaf.operand.strides;
    s.insert(s.begin(), s.back() * part);
  };
  for (Leaf& leaf : leaves_) split(leaf);
  split(out_);
}

bool Epilogue::UseStarts() {
  const auto reads = [&](const Node* map) { return std::count(map->inputs.begin(), map->inputs.end(), anchor_); };
  const auto first = std::find_if(maps_.begin(), maps_.end(), reads);
  if (anchor_->type.dtype != DType::kI32 || std::count_if(first, maps_.end(), reads) != 1) return false;
  const Node* map = *first;
  const bool adds = map->scalar == ScalarOp::kAdd;
  if (!adds && !(map->scalar == ScalarOp::kSub && map->inputs[0] == anchor_)) return false;
  const Leaf* leaf = FindLeaf(OtherOperand(map, anchor_));
  if (leaf == nullptr || leaf->operand.dtype != DType::kI32) return false;
  const auto& strides = leaf->operand.strides;
  if (!strides[strides.size() - 2].IsConst(0) || !strides.back().IsConst(1)) return false;
  sums_ = map;
  maps_.erase(first);
  return true;
}

std::vector<Value*> Epilogue::Starts(KernelFrame& f, const std::vector<Value*>& columns,
                                     const std::vector<Value*>& masks, int lanes) {
  Leaf& leaf = *FindLeaf(OtherOperand(sums_, anchor_));
  std::vector<Value*> starts;
  for (size_t v = 0; v < columns.size(); ++v) {
    Value* start = LeafValue(f, leaf, f.Int(0), columns[v], masks[v], lanes);
    starts.push_back(sums_->scalar == ScalarOp::kSub ? f.b.CreateNeg(start) : start);
  }
  return starts;
}

void Epilogue::BeginBlock(KernelFrame& f, const std::vector<Value*>& coords) {
  const auto begin = [&](Leaf& leaf) {
    Value* offset = f.DimValue(leaf.operand.offset);
    for (size_t d = 0; d < coords.size(); ++d) {
      if (leaf.operand.strides[d].IsConst(0)) continue;
      offset = f.b.CreateAdd(offset, f.b.CreateMul(coords[d], f.DimValue(leaf.operand.strides[d])));
    }
    Value* bytes = f.b.CreateMul(offset, f.Int(MemoryBytes(leaf.operand.dtype)));
    leaf.base = f.b.CreateGEP(f.b.getInt8Ty(), f.Buffer(leaf.operand.input), bytes);
  };
  for (Leaf& leaf : leaves_) begin(leaf);
  begin(out_);
}

// A row's line is the same for all its columns.
Value* Epilogue::Address(KernelFrame& f, const Leaf& leaf, Value* row, Value* column) {
  const auto& s = leaf.operand.strides;
  const Dim bytes = MemoryBytes(leaf.operand.dtype);
  Value* line = f.b.CreateGEP(f.b.getInt8Ty(), leaf.base, f.b.CreateMul(row, f.DimValue(s[s.size() - 2] * bytes)));
  return f.b.CreateGEP(f.b.getInt8Ty(), line, f.b.CreateMul(column, f.DimValue(s.back() * bytes)));
}

Value* Epilogue::LeafValue(KernelFrame& f, Leaf& leaf, Value* row, Value* column, Value* mask, int lanes) {
  EmitContext e{f.b, f.module, f.row};
  return LoadLanes(e, leaf.operand.dtype, Address(f, leaf, row, column),
                   f.DimValue(leaf.operand.strides.back()), mask, lanes);
}

const Node* Epilogue::Last() const {
  if (table_) return table_->from;
  const DType to = root_->type.dtype;
  const bool rounds = root_ != anchor_ && IsMap(root_, ScalarOp::kCast) &&
                      root_->inputs[0]->type.dtype == DType::kF32 &&
                      (to == DType::kBF16 || to == DType::kI8 || to == DType::kU8);
  return rounds ? root_->inputs[0] : root_;
}

const Node* Epilogue::FusedProduct(const Node* sum) const {
  if (!IsFloat(anchor_->type.dtype) || sum->scalar != ScalarOp::kAdd || sum->type.dtype != DType::kF32) return nullptr;
  for (const Node* product : sum->inputs) {
    if (product->op != Op::kMap || product->scalar != ScalarOp::kMul || product == anchor_) continue;
    int64_t readers = 0;
    for (const Node* map : maps_) readers += std::count(map->inputs.begin(), map->inputs.end(), product);
    if (readers == 1) return product;
  }
  return nullptr;
}

Value* Epilogue::EmitMap(EmitContext& e, const Node* map, const std::function<Value*(const Node*)>& value_of) {
  const auto fused = std::find_if(map->inputs.begin(), map->inputs.end(),
                                  [&](const Node* in) { return fused_.count(in) != 0; });
  if (!e.row.fma || fused == map->inputs.end()) {
    llvm::SmallVector<Value*, 4> in;
    for (const Node* operand : map->inputs) in.push_back(value_of(operand));
    return EmitScalarOp(e, *map, in);
  }
  const Node* product = *fused;
  Value *x = value_of(product->inputs[0]), *y = value_of(product->inputs[1]);
  Value* addend = value_of(OtherOperand(map, product));
  return e.b.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, addend});
}

void Epilogue::EmitResults(KernelFrame& f, const Row& row, int lanes, std::vector<Result>* results) {
  EmitContext e{f.b, f.module, f.row, false};
  std::vector<Values> values(row.columns.size());
  for (size_t v = 0; v < values.size(); ++v) values[v][sums_] = row.accumulators[v];
  const auto value_of = [&](const Node* node, size_t v) -> Value* {
    auto found = values[v].find(node);
    if (found != values[v].end()) return found->second;
    Value* value;
    if (const Node* constant = ConstBelowViews(node)) {
      value = LiteralConstant(e, *constant->literal, 0, lanes);
    } else {
      Leaf& leaf = *FindLeaf(node);
      value = LeafValue(f, leaf, row.row, row.columns[v], row.masks[v], lanes);
      if (leaf.operand.dtype != node->type.dtype) value = EmitCast(e, leaf.operand.dtype, node->type.dtype, value);
    }
    return values[v][node] = value;
  };
  const Node* last = Last();
  for (const Node* map : maps_) {
    if (map == root_ && last != root_) continue;  // left to StoreRounded and StoreBytes
    if (f.row.fma && fused_.count(map)) continue;
    for (size_t v = 0; v < values.size(); ++v) {
      values[v][map] = EmitMap(e, map, [&](const Node* operand) { return value_of(operand, v); });
    }
  }
  for (size_t v = 0; v < values.size(); ++v) {
    results->push_back({value_of(last, v), Address(f, out_, row.row, row.columns[v]), row.masks[v], v > 0});
  }
}

void Epilogue::Store(KernelFrame& f, const Result& result, Value* bits) {
  const llvm::Align align(MemoryBytes(root_->type.dtype));
  if (result.mask == nullptr) {
    f.b.CreateAlignedStore(bits, result.address, align);
  } else {
    f.b.CreateMaskedStore(bits, result.address, align, result.mask);
  }
}

// All as the hardware rounds, and again where that was wrong: one branch behind all.
void Epilogue::StoreRounded(KernelFrame& f, const std::vector<Result>& results) {
  EmitContext e{f.b, f.module, f.row, false};
  Value* wrong = nullptr;
  for (const Result& result : results) {
    const QuickBits quick = QuickBFloatBits(e, result.value);
    Store(f, result, quick.bits);
    if (quick.wrong != nullptr) wrong = wrong == nullptr ? quick.wrong : f.b.CreateOr(wrong, quick.wrong);
  }
  if (wrong == nullptr) return;
  const auto exactly = [&]() -> std::vector<Value*> {
    for (const Result& result : results) Store(f, result, ToMemory(e, DType::kBF16, result.value));
    return {};
  };
  EmitIf(f.b, AnyLane(f.b, wrong), {}, exactly, true);
}

// Of up to four vectors, in their order.
Value* Epilogue::Bytes(KernelFrame& f, llvm::ArrayRef<Result> group) {
  EmitContext e{f.b, f.module, f.row, false};
  llvm::SmallVector<Value*, 4> vectors;
  for (const Result& result : group) vectors.push_back(result.value);
  const DType to = table_ ? DType::kU8 : root_->type.dtype;
  for (Value*& v : vectors) {
    if (table_) v = f.b.CreateFAdd(v, FloatConstant(v->getType(), -static_cast<double>(table_->low)));
  }
  Value* bytes = vectors.size() == 1 ? EmitCast(e, DType::kF32, to, vectors[0]) : PackBytes(e, to, vectors);
  return table_ ? EmitLookUp(e, table_->bytes, bytes) : bytes;
}

// Up to four vectors at once, whether or not they are neighbours.
void Epilogue::StoreBytes(KernelFrame& f, llvm::ArrayRef<Result> results) {
  const int lanes = LanesOf(results[0].value);
  while (!results.empty()) {
    const size_t count = PacksBytes(f.row, root_->type.dtype, lanes) ? std::min<size_t>(results.size(), 4) : 1;
    const llvm::ArrayRef<Result> group = results.take_front(count);
    results = results.drop_front(count);
    Value* bytes = Bytes(f, group);
    const bool together = std::all_of(group.begin() + 1, group.end(), [](const Result& r) { return r.follows; }) &&
                          std::all_of(group.begin(), group.end(), [](const Result& r) { return r.mask == nullptr; });
    if (together || count == 1) {
      Store(f, group[0], bytes);
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      llvm::SmallVector<int, 16> part(static_cast<size_t>(lanes));
      std::iota(part.begin(), part.end(), static_cast<int>(i) * lanes);
      Store(f, group[i], f.b.CreateShuffleVector(bytes, part));
    }
  }
}

void Epilogue::EmitRows(KernelFrame& f, const std::vector<Row>& rows, int lanes) {
  std::vector<Result> results;
  for (const Row& row : rows) EmitResults(f, row, lanes, &results);
  if (Last() != root_) return root_->type.dtype == DType::kBF16 ? StoreRounded(f, results) : StoreBytes(f, results);
  EmitContext e{f.b, f.module, f.row, false};
  for (const Result& result : results) Store(f, result, ToMemory(e, root_->type.dtype, result.value));
}

void Epilogue::PrefetchRow(KernelFrame& f, Value* row, const std::vector<Value*>& columns, int lanes) {
  for (const Leaf& leaf : leaves_) {
    const auto& s = leaf.operand.strides;
    if (s[s.size() - 2].IsConst(0) || !s.back().IsConst(1)) continue;  // in the caches already, or far apart
    Value* at = Address(f, leaf, row, columns[0]);
    const int64_t bytes = static_cast<int64_t>(columns.size()) * lanes * MemoryBytes(leaf.operand.dtype);
    f.Prefetch(at, bytes, KernelFrame::Cache::kFirst);
  }
}

std::string Epilogue::Describe() const {
  std::string text;
  for (const Node* map : maps_) {
    text += text.empty() ? ", epilogue " : "+";
    text += ScalarOpName(map->scalar);
  }
  if (table_) text += "+table";
  return text;
}

double Epilogue::Cost() const {
  double ns = 0.05;
  for (const Node* map : maps_) ns += ScalarOpCost(map->scalar, map->type.dtype);
  return ns;
}

Value* LaneMask(llvm::IRBuilder<>& b, Value* count, int64_t skip, int lanes) {
  llvm::SmallVector<llvm::Constant*, 16> iota;
  for (int i = 0; i < lanes; ++i) iota.push_back(b.getInt32(static_cast<uint32_t>(skip) + i));
  // Counts beyond any tile behave as its whole width.
  Value* clamped = b.CreateSelect(b.CreateICmpSLT(count, b.getInt64(1 << 20)), count, b.getInt64(1 << 20));
  Value* splat = b.CreateVectorSplat(lanes, b.CreateTrunc(clamped, b.getInt32Ty()));
  return b.CreateICmpSLT(llvm::ConstantVector::get(iota), splat);
}

Value* LoadLanes(EmitContext& e, DType dtype, Value* base, Value* stride, Value* mask, int lanes) {
  llvm::IRBuilder<>& b = e.b;
  llvm::Type* vector = MemoryType(e, dtype, lanes);
  llvm::Type* element = MemoryType(e, dtype, 1);
  const llvm::Align align(MemoryBytes(dtype));
  auto* constant = llvm::dyn_cast<llvm::ConstantInt>(stride);
  if (constant != nullptr && constant->isOne()) {
    Value* loaded = mask == nullptr
                        ? static_cast<Value*>(b.CreateAlignedLoad(vector, base, align))
                        : b.CreateMaskedLoad(vector, base, align, mask, llvm::Constant::getNullValue(vector));
    return FromMemory(e, dtype, loaded);
  }
  if (constant != nullptr && constant->isZero()) {
    Value* loaded = FromMemory(e, dtype, b.CreateAlignedLoad(element, base, align));
    return b.CreateVectorSplat(lanes, loaded);
  }
  llvm::SmallVector<llvm::Constant*, 16> iota;
  for (int i = 0; i < lanes; ++i) iota.push_back(b.getInt64(i));
  Value* offsets = b.CreateMul(llvm::ConstantVector::get(iota), b.CreateVectorSplat(lanes, stride));
  Value* addresses = b.CreateGEP(element, base, offsets);
  Value* all = mask != nullptr ? mask : llvm::Constant::getAllOnesValue(
                                            llvm::FixedVectorType::get(b.getInt1Ty(), lanes));
  Value* loaded = b.CreateMaskedGather(vector, addresses, align, all, llvm::Constant::getNullValue(vector));
  return FromMemory(e, dtype, loaded);
}

}  // namespace belay
