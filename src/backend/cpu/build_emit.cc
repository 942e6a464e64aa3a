#include "backend/cpu/build_emit.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include <algorithm>

#include "backend/cpu/build_math_f32.h"
#include "backend/cpu/loop_plan.h"
#include "base/polynomials.h"

namespace belay {

using llvm::Value;
namespace Intr = llvm::Intrinsic;

namespace {

// Lanes at most so many elements apart are shuffled out of whole vectors, others gathered.
constexpr int64_t kMostShuffled = 4;

// How far ahead of a loop that writes past the caches its sources are fetched.
constexpr int64_t kBytesAhead = 2048;

// Bytes of a value in registers, as far as lanes are concerned.
int RegisterBytes(DType d) { return IsHalf(d) ? 4 : BitWidth(d) / 8; }

bool HasGathered(const Dim& index) {
  std::vector<int> ids;
  index.CollectSymbols(&ids);
  return std::any_of(ids.begin(), ids.end(), IsGatherSymbol);
}

// Softmaxes limit arguments of exponentials from below.
bool IsBounded(const LoopExpr& x) {
  if (x.kind != LoopExpr::Kind::kMap || x.scalar != ScalarOp::kMax || x.dtype != DType::kF32) return false;
  for (const LoopExpr* a : x.args) {
    if (a->kind == LoopExpr::Kind::kConst && LiteralToDoubles(*a->literal)[0] > kExpLow) return true;
  }
  return false;
}

}  // namespace

LoopEmitter::LoopEmitter(KernelFrame* frame, LoopProgram* program)
    : f_(*frame), p_(*program), e_{frame->b, frame->module, frame->row} {
  vars_.resize(kMaxLoopVars);
  depth_.resize(kMaxLoopVars);
  scopes_.emplace_back();
  int widest = 1;
  mask_tails_ = f_.row.masks || f_.row.vector_bytes == 32;
  auto account = [&](DType d) {
    widest = std::max(widest, std::min(4, RegisterBytes(d)));
    if (!f_.row.masks && BitWidth(d) < 32) mask_tails_ = false;
  };
  for (const LoopExpr& expr : p_.exprs) {
    if (expr.kind != LoopExpr::Kind::kIndex && expr.kind != LoopExpr::Kind::kConst)
      account(expr.dtype);
  }
  account(p_.output);
  vector_lanes_ = f_.row.vector_bytes / widest;
}

void LoopEmitter::PushScope(VarSet shadow) {
  scopes_.emplace_back();
  scopes_.back().shadow = shadow;
}
void LoopEmitter::PopScope() { scopes_.pop_back(); }

void LoopEmitter::BindVar(int var, Value* value) {
  vars_[var] = value;
  depth_[var] = next_depth_++;
  bound_ |= VarSet{1} << var;
}

int LoopEmitter::LanesFor(int var) const {
  int lanes = vector_lanes_;
  if (p_.extents[var].IsConst()) {
    while (lanes / 2 >= p_.extents[var].value() && lanes > 1) lanes /= 2;
  }
  return lanes;
}

int LoopEmitter::LaneScore(const LoopExpr* root, int var) const {
  int score = 0;
  std::vector<const LoopExpr*> todo = {root}, seen;
  while (!todo.empty()) {
    const LoopExpr* x = todo.back();
    todo.pop_back();
    if (std::find(seen.begin(), seen.end(), x) != seen.end()) continue;
    seen.push_back(x);
    for (const LoopExpr* a : x->args) todo.push_back(a);
    if (x->kind != LoopExpr::Kind::kLoad || (x->used >> var & 1) == 0) continue;
    auto linear = LinearIn(p_, x->index, var);
    score += linear && linear->coefficient.IsConst(1) ? 2 : -3;
  }
  return score;
}

Value* LoopEmitter::Wide(Value* value) {
  if (lane_.lanes == 1 || IsVector(value)) return value;
  return f_.b.CreateVectorSplat(lane_.lanes, value);
}

Value* LoopEmitter::Find(const LoopExpr* expr) {
  for (size_t k = scopes_.size(); k-- > 0;) {
    const auto& values = scopes_[k].values[CopyOf(expr)];
    auto it = values.find(expr);
    if (it != values.end()) return it->second;
    if (scopes_[k].shadow & expr->used) return nullptr;
  }
  return nullptr;
}

Value* LoopEmitter::Get(const LoopExpr* expr) {
  if (Value* known = Find(expr)) return known;
  auto kept = kept_.find(expr);
  Value* value = kept == kept_.end() ? Emit(expr) : EmitKept(expr, &kept->second);
  Set(expr, value);
  return value;
}

Value* LoopEmitter::Emit(const LoopExpr* expr) {
  switch (expr->kind) {
    case LoopExpr::Kind::kConst: return LiteralConstant(e_, *expr->literal, 0, 1);
    case LoopExpr::Kind::kIndex: return EmitIndex(expr->index, Varies(expr->used));
    case LoopExpr::Kind::kMap: return EmitMap(expr);
    case LoopExpr::Kind::kLoad: return EmitLoad(expr);
    case LoopExpr::Kind::kGuard: return EmitGuard(expr);
    case LoopExpr::Kind::kReduce: return EmitReduce(expr);
    case LoopExpr::Kind::kGiven: break;
  }
  BELAY_CHECK(false);
  return nullptr;
}

Value* LoopEmitter::EmitMap(const LoopExpr* expr) {
  std::vector<Value*> args;
  bool vector = false;
  for (const LoopExpr* a : expr->args) {
    args.push_back(Get(a));
    vector |= IsVector(args.back());
  }
  if (vector) {
    for (Value*& a : args) a = Wide(a);
  }
  DType in = expr->args[expr->scalar == ScalarOp::kSelect ? 1 : 0]->dtype;
  if (vector && HasReciprocal(expr)) {
    if (Value* r = FindReciprocal(expr->args[1])) {
      return RoundToHalf(e_, expr->dtype, DivideByUniform(args[0], args[1], r));
    }
  }
  if (expr->scalar == ScalarOp::kExp && IsBounded(*expr->args[0])) return EmitBoundedExp(e_, args[0]);
  return EmitScalarOp(e_, expr->scalar, in, expr->dtype, args);
}

void LoopEmitter::Hoist(const LoopExpr* root) {
  std::unordered_map<const LoopExpr*, bool> seen;
  HoistFrom(root, &seen);
}

void LoopEmitter::HoistFrom(const LoopExpr* expr, std::unordered_map<const LoopExpr*, bool>* seen) {
  if (!seen->emplace(expr, true).second || expr->kind == LoopExpr::Kind::kConst) return;
  if ((expr->used & ~bound_) == 0) {
    Get(expr);
    return;
  }
  // A guard's arms and a reduction's operand may never be reached.
  if (expr->kind == LoopExpr::Kind::kGuard || expr->kind == LoopExpr::Kind::kReduce) return;
  for (const LoopExpr* a : expr->args) HoistFrom(a, seen);
  if (HasReciprocal(expr) && (expr->args[1]->used & ~bound_) == 0) HoistReciprocal(expr->args[1]);
}

// ---- Division by what is the same in all lanes ----

bool LoopEmitter::HasReciprocal(const LoopExpr* x) const {
  return x->kind == LoopExpr::Kind::kMap && x->scalar == ScalarOp::kDiv && IsFloat(x->dtype) &&
         x->dtype != DType::kF64 && f_.row.fma;
}

Value* LoopEmitter::FindReciprocal(const LoopExpr* divisor) const {
  for (size_t k = scopes_.size(); k-- > 0;) {
    const auto& reciprocals = scopes_[k].reciprocals[CopyOf(divisor)];
    auto it = reciprocals.find(divisor);
    if (it != reciprocals.end()) return it->second;
    if (scopes_[k].shadow & divisor->used) return nullptr;
  }
  return nullptr;
}

void LoopEmitter::HoistReciprocal(const LoopExpr* divisor) {
  if (FindReciprocal(divisor) || Varies(divisor->used)) return;
  Value* d = Get(divisor);
  if (!IsVector(d))
    scopes_.back().reciprocals[CopyOf(divisor)][divisor] = f_.b.CreateFDiv(FloatConstant(d->getType(), 1), d);
}

Value* LoopEmitter::IsNormal(Value* reciprocal) {
  auto& b = f_.b;
  if (const llvm::ConstantFP* known = SplatFloat(reciprocal)) {
    const double size = std::fabs(known->getValueAPF().convertToFloat());
    return b.getInt1(size > 0x1p-120 && size < 0x1p120);
  }
  Value* size = b.CreateUnaryIntrinsic(Intr::fabs, reciprocal);
  llvm::Type* type = reciprocal->getType();
  return b.CreateAnd(b.CreateFCmpOGT(size, FloatConstant(type, 0x1p-120)),
                     b.CreateFCmpOLT(size, FloatConstant(type, 0x1p120)));
}

// Divisors whose reciprocal is no normal number divide.
Value* LoopEmitter::DivideByUniform(Value* x, Value* divisor, Value* reciprocal) {
  auto& b = f_.b;
  Value* r = Wide(reciprocal);
  const auto fast = [&] { return CorrectedQuotient(e_, x, divisor, r); };
  if (delay_ && delay_->is_emitted) return fast();  // others have not waited
  Value* normal = IsNormal(reciprocal);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(normal)) {
    return known->isOne() ? fast() : b.CreateFDiv(x, divisor);
  }
  return IfElse(normal, fast, [&] { return b.CreateFDiv(x, divisor); });
}

// ---- Loops ----

void LoopEmitter::ScalarLoop(int var, Value* lo, Value* hi, const std::function<void()>& body) {
  VarSet bound = bound_;
  f_.Loop(lo, hi, 1, {}, [&](Value* i, llvm::ArrayRef<Value*>) {
    PushScope();
    BindVar(var, i);
    body();
    PopScope();
    return State{};
  });
  bound_ = bound;
}

void LoopEmitter::SetCopy(int copy) {
  copy_ = copy;
  vars_[pair_var_] = pair_[copy];
}

void LoopEmitter::ForCopies(const std::function<void()>& body) {
  if (pair_var_ < 0) return body();
  for (int copy : {0, 1}) {
    SetCopy(copy);
    body();
  }
  SetCopy(0);
}

void LoopEmitter::Prefetch(Value* pointer) {
  auto& b = f_.b;
  constexpr int kToRead = 0, kAllLevels = 3, kData = 1;
  b.CreateIntrinsic(Intr::prefetch, {pointer->getType()},
                    {pointer, b.getInt32(kToRead), b.getInt32(kAllLevels), b.getInt32(kData)});
}

void LoopEmitter::PrefetchPair(const LoopExpr* pass) {
  if (pair_var_ < 0 || lane_.lanes == 1 || lane_.mask || pass != costliest_pass_) return;
  auto& b = f_.b;
  Value* here[] = {pair_[0], pair_[1]};
  for (Value*& at : pair_) at = b.CreateAdd(at, f_.Int(2));
  for (const LoopExpr* e : ReachableExprs(pass)) {
    if (e->kind != LoopExpr::Kind::kLoad || !IsPaired(e) || !Varies(e->used) || e->buffer < 0) continue;
    auto linear = LinearIn(p_, e->index, lane_.var);
    if (!linear || !linear->coefficient.IsConst(1) || HasGathered(e->index)) continue;
    for (int copy : {0, 1}) {
      SetCopy(copy);
      Prefetch(Address(e->buffer, e->dtype, e->index).pointer);
    }
  }
  std::copy(here, here + 2, pair_);
  SetCopy(0);
}

void LoopEmitter::PairLoop(int var, Value* lo, Value* hi, const std::function<void()>& body) {
  auto& b = f_.b;
  VarSet bound = bound_;
  Value* even = b.CreateAdd(lo, b.CreateAnd(b.CreateSub(hi, lo), f_.Int(-2)));
  f_.Loop(lo, even, 2, BeginDelay(lo, even), [&](Value* i, llvm::ArrayRef<Value*> carried) {
    PushScope();
    BindVar(var, i);
    pair_var_ = var;
    pair_[0] = i;
    pair_[1] = b.CreateAdd(i, f_.Int(1));
    BeginPair(carried);
    body();
    State next = EndPair();
    pair_var_ = -1;
    copy_ = 0;
    PopScope();
    return next;
  });
  bound_ = bound;
  delay_.reset();
  ScalarLoop(var, even, hi, body);
}

Value* LoopEmitter::LaneIota(llvm::Type* element) {
  std::vector<llvm::Constant*> values;
  for (int i = 0; i < lane_.lanes; ++i) values.push_back(llvm::ConstantInt::get(element, i));
  return llvm::ConstantVector::get(values);
}

Value* LoopEmitter::TailMask(Value* count) {
  Value* n = f_.b.CreateTrunc(count, f_.b.getInt32Ty());
  return f_.b.CreateICmpULT(LaneIota(f_.b.getInt32Ty()), f_.b.CreateVectorSplat(lane_.lanes, n));
}

void LoopEmitter::LaneLoop(int var, Value* lo, Value* hi, const std::function<void()>& body) {
  int lanes = LanesFor(var);
  if (lanes == 1) return ScalarLoop(var, lo, hi, body);
  auto& b = f_.b;
  LaneState saved = lane_;
  VarSet bound = bound_;
  const Dim& extent = p_.extents[var];
  Value* whole = b.CreateAnd(b.CreateSub(hi, lo), f_.Int(-lanes));
  Value* main_end = b.CreateAdd(lo, whole);
  if (!extent.IsConst() || extent.value() >= lanes) {
    f_.Loop(lo, main_end, lanes, {}, [&](Value* i, llvm::ArrayRef<Value*>) {
      lane_ = {var, lanes, nullptr, false};
      PushScope();
      BindVar(var, i);
      body();
      PopScope();
      return State{};
    });
  }
  bool exact = extent.IsConst() && extent.value() % lanes == 0;
  if (!exact && mask_tails_) {
    f_.If(b.CreateICmpSLT(main_end, hi), {}, [&] {
      lane_ = {var, lanes, nullptr, false};
      lane_.mask = TailMask(b.CreateSub(hi, main_end));
      PushScope();
      BindVar(var, main_end);
      body();
      PopScope();
      return State{};
    });
  } else if (!exact) {
    lane_ = {};
    ScalarLoop(var, main_end, hi, body);
  }
  lane_ = saved;
  bound_ = bound;
}

// ---- Index arithmetic ----

Value* LoopEmitter::ScalarIndex(const Dim& index) { return EmitIndex(index, false); }
Value* LoopEmitter::VectorIndex(const Dim& index) { return EmitIndex(index, true); }

Value* LoopEmitter::EmitIndex(const Dim& index, bool vector) {
  auto& b = f_.b;
  if (index.IsConst()) return vector ? Wide(f_.Int(index.value())) : f_.Int(index.value());
  struct Product {
    std::vector<std::shared_ptr<const Dim::AtomRep>> atoms;
    Dim shape;  // of the atoms, to compare
    Dim coefficient;
    int depth = 0;
  };
  std::vector<Product> products;
  for (const Dim::Term& t : index.Terms()) {
    Product p;
    p.shape = 1;
    Dim coefficient(t.coefficient);
    for (const auto& atom : t.factors) {
      Dim value = TermValue({1, {atom}});
      VarSet used = p_.VarsOf(value);
      std::vector<int> ids;
      value.CollectSymbols(&ids);
      bool gathered = std::any_of(ids.begin(), ids.end(), IsGatherSymbol);
      if (used == 0 && !gathered) {
        coefficient = coefficient * value;
        continue;
      }
      p.atoms.push_back(atom);
      p.shape = p.shape * value;
      for (int v = 0; v < kMaxLoopVars; ++v) {
        if (used >> v & 1) p.depth = std::max(p.depth, depth_[v]);
      }
    }
    auto same = std::find_if(products.begin(), products.end(),
                             [&](const Product& q) { return q.shape == p.shape; });
    if (same != products.end()) {
      same->coefficient = same->coefficient + coefficient;
    } else {
      p.coefficient = coefficient;
      products.push_back(std::move(p));
    }
  }
  // Outer variables first, so that the inner loop adds its own part to an invariant.
  std::stable_sort(products.begin(), products.end(),
                   [](auto& x, auto& y) { return x.depth < y.depth; });
  Value* sum = nullptr;
  for (const Product& p : products) {
    bool wide = vector && Varies(p_.VarsOf(p.shape));
    Value* v = p.atoms.empty() || !p.coefficient.IsConst(1) ? f_.DimValue(p.coefficient) : nullptr;
    if (wide && v) v = Wide(v);
    for (const auto& atom : p.atoms) {
      Value* a = EmitAtom(*atom, wide);
      v = v ? b.CreateMul(v, a) : a;
    }
    if (sum && IsVector(v) != IsVector(sum)) {
      v = Wide(v);
      sum = Wide(sum);
    }
    sum = sum ? b.CreateAdd(sum, v) : v;
  }
  return vector ? Wide(sum) : sum;
}

Value* LoopEmitter::EmitAtom(const Dim::AtomRep& atom, bool vector) {
  auto& b = f_.b;
  if (atom.kind == Dim::Atom::kSymbol) {
    if (IsGatherSymbol(atom.symbol)) {
      Value* v = GatheredValue(atom.symbol).value;
      return vector ? Wide(v) : v;
    }
    int var = atom.symbol - kLoopSymbol;
    if (!vector || var != lane_.var || lane_.lanes == 1)
      return vector ? Wide(vars_[var]) : vars_[var];
    return b.CreateAdd(Wide(vars_[var]), LaneIota(b.getInt64Ty()));
  }
  if (atom.kind == Dim::Atom::kFloorDiv || atom.kind == Dim::Atom::kMod)
    return EmitDivision(atom, vector);
  Value* x = EmitIndex(atom.a, vector);
  Value* y = EmitIndex(atom.b, vector);
  switch (atom.kind) {
    case Dim::Atom::kMin: return b.CreateBinaryIntrinsic(Intr::smin, x, y);
    case Dim::Atom::kMax: return b.CreateBinaryIntrinsic(Intr::smax, x, y);
    case Dim::Atom::kEqual: return b.CreateZExt(b.CreateICmpEQ(x, y), x->getType());
    default: return b.CreateZExt(b.CreateICmpSLT(x, y), x->getType());
  }
}

// Divisors are positive wherever the result is used.
Value* LoopEmitter::EmitDivision(const Dim::AtomRep& atom, bool vector) {
  auto& b = f_.b;
  bool mod = atom.kind == Dim::Atom::kMod;
  Value* x = EmitIndex(atom.a, vector);
  Value* y = EmitIndex(atom.b, vector);
  llvm::Type* type = x->getType();
  auto high = p_.Highest(atom.a);
  bool natural = p_.ProvablyNonNegative(atom.a);
  if (natural && atom.b.IsConst() && high && high->IsConst() &&
      high->value() < (int64_t{1} << 31) && atom.b.value() < (int64_t{1} << 31)) {
    llvm::Type* narrow = type->getWithNewBitWidth(32);
    Value *p = b.CreateTrunc(x, narrow), *q = b.CreateTrunc(y, narrow);
    return b.CreateZExt(mod ? b.CreateURem(p, q) : b.CreateUDiv(p, q), type);
  }
  if (!atom.b.IsConst()) y = b.CreateBinaryIntrinsic(Intr::smax, y, IntConstant(type, 1));
  if (natural) return mod ? b.CreateURem(x, y) : b.CreateUDiv(x, y);
  Value* q = b.CreateSDiv(x, y);
  Value* r = b.CreateSub(x, b.CreateMul(q, y));
  Value* negative = b.CreateICmpSLT(r, llvm::Constant::getNullValue(type));
  if (mod) return b.CreateSelect(negative, b.CreateAdd(r, y), r);
  return b.CreateAdd(q, b.CreateSExt(negative, type));
}

Value* LoopEmitter::AndMask(Value* a, Value* b) {
  if (!a || !b) return a ? a : b;
  if (IsVector(a) != IsVector(b)) {
    a = Wide(a);
    b = Wide(b);
  }
  return f_.b.CreateAnd(a, b);
}

LoopEmitter::Gathered LoopEmitter::GatheredValue(int symbol) {
  auto& b = f_.b;
  const GatheredIndex& g = p_.gathered[symbol - kGatherSymbol];
  Value* raw = Get(g.index);
  llvm::Type* i64 = raw->getType()->getWithNewBitWidth(64);
  bool is_unsigned = IsUnsignedInt(g.index->dtype);
  Value* index = is_unsigned ? b.CreateZExtOrTrunc(raw, i64) : b.CreateSExtOrTrunc(raw, i64);
  Value* limit = f_.DimValue(g.limit);
  Value* wide_limit = IsVector(index) ? Wide(limit) : limit;
  Value* ok = b.CreateICmpULT(index, wide_limit);
  Value* bad = b.CreateNot(ok);
  if (IsVector(bad) && lane_.mask) bad = b.CreateAnd(bad, lane_.mask);
  if (!IsVector(bad) && lane_.mask && lane_.may_be_empty)
    bad = b.CreateAnd(bad, AnyLane(f_.b, lane_.mask));
  ReportBadIndex(bad, index, limit);
  Value* clamped = b.CreateSelect(ok, index, llvm::Constant::getNullValue(i64));
  bool never_empty = g.limit.IsConst() && g.limit.value() > 0;
  return {clamped, never_empty ? nullptr : ok};
}

void LoopEmitter::ReportBadIndex(Value* bad, Value* index, Value* limit) {
  auto& b = f_.b;
  f_.If(AnyLane(f_.b, bad), {}, [&] {
    Value* first = index;
    if (IsVector(bad)) {
      llvm::Type* bits = b.getIntNTy(lane_.lanes);
      Value* at = b.CreateBinaryIntrinsic(Intr::cttz, b.CreateBitCast(bad, bits), b.getTrue());
      first = b.CreateExtractElement(index, b.CreateZExtOrTrunc(at, b.getInt64Ty()));
    }
    auto* type = llvm::FunctionType::get(b.getVoidTy(),
                                         {b.getPtrTy(), b.getInt64Ty(), b.getInt64Ty()}, false);
    b.CreateCall(f_.Runtime("belay_index_error", type), {f_.call, first, limit});
    return State{};
  });
}

// ---- Memory ----

Value* LoopEmitter::ConstantData(llvm::Constant* data) {
  std::string name = fmt::format("{}_data{}", std::string(f_.function->getName()), data_count_++);
  auto* global =
      llvm::cast<llvm::GlobalVariable>(f_.module.getOrInsertGlobal(name, data->getType()));
  global->setInitializer(data);
  global->setConstant(true);
  global->setLinkage(llvm::GlobalValue::PrivateLinkage);
  global->setAlignment(llvm::Align(64));
  return global;
}

Value* LoopEmitter::BufferPointer(int buffer) {
  if (buffer >= 0) return f_.Buffer(buffer);
  size_t k = static_cast<size_t>(-1 - buffer);
  if (constants_.size() <= k) constants_.resize(k + 1);
  if (!constants_[k]) {
    const Literal& literal = *p_.constants[k];
    llvm::StringRef bytes(static_cast<const char*>(literal.data()),
                          static_cast<size_t>(literal.ByteSize()));
    auto* data = llvm::ConstantDataArray::getString(f_.module.getContext(), bytes, false);
    constants_[k] = ConstantData(data);
  }
  return constants_[k];
}

LoopEmitter::Access LoopEmitter::Address(int buffer, DType dtype, const Dim& index) {
  auto& b = f_.b;
  llvm::Type* element = MemoryType(e_, dtype, 1);
  Value* base = BufferPointer(buffer);
  auto linear = LinearIn(p_, index, lane_.var);
  if (linear && linear->coefficient.IsConst()) {
    int64_t stride = linear->coefficient.value();
    Value* first = b.CreateGEP(element, base, ScalarIndex(index));
    if (stride == 1) return {first, true, false};
    if (stride == -1) return {first, true, true};
    std::vector<llvm::Constant*> offsets;
    for (int i = 0; i < lane_.lanes; ++i) offsets.push_back(b.getInt64(i * stride));
    return {b.CreateGEP(element, first, llvm::ConstantVector::get(offsets)), false, false, stride, first};
  }
  return {b.CreateGEP(element, base, VectorIndex(index)), false, false};
}

// Where the gathered indices of an address are in range; nullptr: the address is valid anyway.
Value* LoopEmitter::ReadableIndices(const Dim& index) {
  std::vector<int> ids;
  index.CollectSymbols(&ids);
  Value* ok = nullptr;
  for (int id : ids) {
    if (IsGatherSymbol(id)) ok = AndMask(ok, GatheredValue(id).ok);
  }
  return ok;
}

Value* LoopEmitter::EmitLoad(const LoopExpr* expr) {
  auto& b = f_.b;
  Value* ok = ReadableIndices(expr->index);
  if (!Varies(expr->used)) return EmitScalarLoad(expr, ok);
  Value* mask = AndMask(lane_.mask, ok);
  if (mask) mask = Wide(mask);
  llvm::Type* type = MemoryType(e_, expr->dtype, lane_.lanes);
  llvm::Align align(BitWidth(expr->dtype) / 8);
  Access at = Address(expr->buffer, expr->dtype, expr->index);
  Value* raw;
  if (at.contiguous && !at.reversed) {
    if (past_caches_ && !mask && pair_var_ < 0) Prefetch(b.CreateConstGEP1_64(b.getInt8Ty(), at.pointer, kBytesAhead));
    raw =
        mask ? b.CreateMaskedLoad(type, at.pointer, align, mask, llvm::Constant::getNullValue(type))
             : static_cast<Value*>(b.CreateAlignedLoad(type, at.pointer, align));
  } else if (at.contiguous) {
    llvm::Type* element = MemoryType(e_, expr->dtype, 1);
    Value* low = b.CreateConstGEP1_64(element, at.pointer, static_cast<uint64_t>(1 - lane_.lanes));
    Value* flipped = mask ? b.CreateVectorReverse(mask) : nullptr;
    raw = mask ? b.CreateMaskedLoad(type, low, align, flipped, llvm::Constant::getNullValue(type))
               : static_cast<Value*>(b.CreateAlignedLoad(type, low, align));
    raw = b.CreateVectorReverse(raw);
  } else if (!mask && at.stride > 1 && at.stride <= kMostShuffled) {
    raw = LoadStrided(expr->dtype, at);
  } else {
    Value* all = llvm::ConstantInt::getTrue(llvm::FixedVectorType::get(b.getInt1Ty(), lane_.lanes));
    raw = b.CreateMaskedGather(type, at.pointer, align, mask ? mask : all,
                               llvm::Constant::getNullValue(type));
  }
  return FromMemory(e_, expr->dtype, raw);
}

// Vectors that cover what lies between the lanes, too, and shuffles of them. The last vector ends at the last lane.
Value* LoopEmitter::LoadStrided(DType dtype, const Access& at) {
  auto& b = f_.b;
  const int lanes = lane_.lanes;
  const int64_t beyond = (lanes - 1) * at.stride + 1;
  llvm::Type *type = MemoryType(e_, dtype, lanes), *element = MemoryType(e_, dtype, 1);
  Value* all = llvm::PoisonValue::get(type);
  for (int64_t j = 0; j < at.stride; ++j) {
    const int64_t begin = std::min(j * lanes, beyond - lanes);
    Value* pointer = b.CreateConstGEP1_64(element, at.first, static_cast<uint64_t>(begin));
    Value* part = b.CreateAlignedLoad(type, pointer, llvm::Align(BitWidth(dtype) / 8));
    std::vector<int> from(lanes);
    for (int i = 0; i < lanes; ++i) {
      const int64_t place = i * at.stride - begin;
      from[i] = i * at.stride < j * lanes ? i : place < lanes ? static_cast<int>(place) + lanes : -1;
    }
    all = b.CreateShuffleVector(all, part, from);
  }
  return all;
}

// One address for all lanes; when no lane may read, a zero of our own is read instead.
Value* LoopEmitter::EmitScalarLoad(const LoopExpr* expr, Value* ok) {
  auto& b = f_.b;
  if (lane_.mask && lane_.may_be_empty) ok = AndMask(ok, lane_.mask);
  llvm::Type* type = MemoryType(e_, expr->dtype, 1);
  Value* pointer = b.CreateGEP(type, BufferPointer(expr->buffer), ScalarIndex(expr->index));
  if (ok) {
    if (!zero_slot_) {
      zero_slot_ = ConstantData(b.getInt64(0));
    }
    pointer = b.CreateSelect(AnyLane(f_.b, ok), pointer, zero_slot_);
  }
  return FromMemory(e_, expr->dtype,
                    b.CreateAlignedLoad(type, pointer, llvm::Align(BitWidth(expr->dtype) / 8)));
}

// An index that was found out of range leaves the memory as it is.
void LoopEmitter::Store(int buffer, DType dtype, const Dim& index, Value* value) {
  Value* ok = ReadableIndices(index);
  if (lane_.lanes > 1) return StoreLanes(buffer, dtype, index, value, ok);
  auto& b = f_.b;
  auto store = [&] {
    llvm::Type* type = MemoryType(e_, dtype, 1);
    Value* pointer = b.CreateGEP(type, BufferPointer(buffer), ScalarIndex(index));
    b.CreateAlignedStore(ToMemory(e_, dtype, value), pointer, llvm::Align(BitWidth(dtype) / 8));
    return State{};
  };
  if (ok) f_.If(ok, {}, store);
  else store();
}

void LoopEmitter::StoreLanes(int buffer, DType dtype, const Dim& index, Value* value, Value* ok) {
  auto& b = f_.b;
  llvm::Align align(BitWidth(dtype) / 8);
  Value* raw = ToMemory(e_, dtype, Wide(value));
  Value* mask = AndMask(lane_.mask, ok);
  if (mask) mask = Wide(mask);
  Access at = Address(buffer, dtype, index);
  if (at.contiguous && !at.reversed) {
    if (mask) {
      b.CreateMaskedStore(raw, at.pointer, align, mask);
    } else if (past_caches_) {
      auto* one = llvm::ConstantAsMetadata::get(b.getInt32(1));
      const int64_t bytes = raw->getType()->getPrimitiveSizeInBits() / 8;
      b.CreateAlignedStore(raw, at.pointer, llvm::Align(std::min<int64_t>(bytes, 64)))
          ->setMetadata(llvm::LLVMContext::MD_nontemporal, llvm::MDNode::get(b.getContext(), one));
    } else {
      b.CreateAlignedStore(raw, at.pointer, align);
    }
    return;
  }
  Value* pointers = at.pointer;
  if (at.contiguous)
    pointers = b.CreateGEP(MemoryType(e_, dtype, 1), BufferPointer(buffer), VectorIndex(index));
  Value* all = llvm::ConstantInt::getTrue(llvm::FixedVectorType::get(b.getInt1Ty(), lane_.lanes));
  b.CreateMaskedScatter(raw, pointers, align, mask ? mask : all);
}

// ---- Guards ----

Value* LoopEmitter::EmitCondition(const LoopCondition& c, bool vector) {
  auto& b = f_.b;
  Value* v = EmitIndex(c.value, vector);
  Value* zero = llvm::Constant::getNullValue(v->getType());
  return c.is_zero ? b.CreateICmpEQ(v, zero) : b.CreateICmpSGE(v, zero);
}

LoopEmitter::Conditions LoopEmitter::EmitConditions(const std::vector<LoopCondition>& conditions) {
  Conditions result;
  for (const LoopCondition& c : conditions) {
    bool vector = Varies(p_.VarsOf(c.value));
    Value*& slot = vector ? result.lanes : result.uniform;
    slot = AndMask(slot, EmitCondition(c, vector));
  }
  return result;
}

Value* LoopEmitter::IfElse(Value* condition, const std::function<Value*()>& then_value,
                           const std::function<Value*()>& else_value) {
  auto& b = f_.b;
  llvm::LLVMContext& c = f_.module.getContext();
  auto* then = llvm::BasicBlock::Create(c, "inside", f_.function);
  auto* other = llvm::BasicBlock::Create(c, "outside", f_.function);
  auto* join = llvm::BasicBlock::Create(c, "join", f_.function);
  b.CreateCondBr(condition, then, other);
  auto emit = [&](llvm::BasicBlock* block, const std::function<Value*()>& fn) {
    b.SetInsertPoint(block);
    PushScope();
    ++guarded_;
    Value* v = fn();
    --guarded_;
    PopScope();
    llvm::BasicBlock* last = b.GetInsertBlock();
    b.CreateBr(join);
    return std::pair(v, last);
  };
  auto [x, x_block] = emit(then, then_value);
  auto [y, y_block] = emit(other, else_value);
  b.SetInsertPoint(join);
  llvm::PHINode* phi = b.CreatePHI(x->getType(), 2);
  phi->addIncoming(x, x_block);
  phi->addIncoming(y, y_block);
  return phi;
}

Value* LoopEmitter::EmitGuard(const LoopExpr* expr) {
  BELAY_CHECK(expr->args.size() == 2);
  bool vector = Varies(expr->used);
  auto shaped = [&](Value* v) { return vector ? Wide(v) : v; };
  Conditions conditions = EmitConditions(expr->conditions);
  auto by_lanes = [&]() -> Value* {
    if (!conditions.lanes) return shaped(Get(expr->args[0]));
    auto under = [&](Value* mask, const LoopExpr* arm) {
      LaneState saved = lane_;
      lane_.mask = AndMask(lane_.mask, mask);
      lane_.may_be_empty = true;
      PushScope();
      ++guarded_;
      Value* v = Wide(Get(arm));
      --guarded_;
      PopScope();
      lane_ = saved;
      return v;
    };
    Value* inside = under(conditions.lanes, expr->args[0]);
    Value* outside = under(f_.b.CreateNot(conditions.lanes), expr->args[1]);
    return f_.b.CreateSelect(conditions.lanes, inside, outside);
  };
  if (!conditions.uniform) return by_lanes();
  return IfElse(conditions.uniform, by_lanes, [&] { return shaped(Get(expr->args[1])); });
}

}  // namespace belay
