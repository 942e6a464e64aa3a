#include "graph/interpret.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "graph/element.h"
#include "graph/interpret_scalar.h"

namespace belay {
namespace {

using Dims = std::vector<int64_t>;

int64_t Count(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

Dims DenseStridesOf(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t k = dims.size(); k-- > 1;) strides[k - 1] = strides[k] * dims[k];
  return strides;
}

// Row-major odometer over `dims`; fn(flat, index).
template <typename Fn>
void ForEach(const Dims& dims, Fn fn) {
  const int64_t n = Count(dims);
  Dims index(dims.size(), 0);
  for (int64_t i = 0; i < n; ++i) {
    fn(i, index);
    for (size_t d = dims.size(); d-- > 0;) {
      if (++index[d] < dims[d]) break;
      index[d] = 0;
    }
  }
}

int64_t Dot(const Dims& index, const Dims& strides) {
  return std::inner_product(index.begin(), index.end(), strides.begin(), int64_t{0});
}

void CopyElement(const Literal& from, int64_t i, Literal& to, int64_t j) {
  if (to.strings) {
    (*to.strings)[j] = (*from.strings)[i];
    return;
  }
  const int bits = BitWidth(to.dtype);
  if (bits < 8) {
    StoreInt(to.dtype, to.mutable_data(), j, LoadInt(from.dtype, from.data, i));
    return;
  }
  const int64_t bytes = bits / 8;
  std::memcpy(static_cast<char*>(to.mutable_data()) + j * bytes, from.as<char>() + i * bytes, bytes);
}

// One reduction's running value: floats in double, the rest in int64.
class Accumulator {
 public:
  Accumulator(ReduceKind kind, DType dtype) : kind_(kind), dtype_(dtype), float_(IsFloat(dtype)) {
    f_ = kind == ReduceKind::kProd ? 1.0 : 0.0;
    i_ = kind == ReduceKind::kProd || kind == ReduceKind::kAnd;
    if (kind == ReduceKind::kAnd && dtype != DType::kBool) i_ = -1;
  }
  void Add(const Literal& x, int64_t at, int64_t position, bool last) {
    if (float_) {
      AddFloat(LoadFloat(dtype_, x.data, at), position, last);
    } else {
      AddInt(LoadInt(dtype_, x.data, at), position, last);
    }
    empty_ = false;
  }
  void Store(Literal& y, int64_t at) const {
    if (kind_ == ReduceKind::kArgMax || kind_ == ReduceKind::kArgMin) {
      StoreInt(y.dtype, y.mutable_data(), at, position_);
    } else if (float_) {
      StoreFloat(dtype_, y.mutable_data(), at, empty_ ? EmptyFloat() : f_);
    } else {
      StoreInt(dtype_, y.mutable_data(), at, empty_ ? EmptyInt() : i_);
    }
  }

 private:
  double EmptyFloat() const {
    if (kind_ == ReduceKind::kMax) return -INFINITY;
    return kind_ == ReduceKind::kMin ? INFINITY : f_;
  }
  int64_t EmptyInt() const {
    if (kind_ == ReduceKind::kMax) return FloatToInt(dtype_, -INFINITY);
    return kind_ == ReduceKind::kMin ? FloatToInt(dtype_, INFINITY) : i_;
  }
  void AddFloat(double v, int64_t position, bool last) {
    const double pair[3] = {f_, v, 0};
    switch (kind_) {
      case ReduceKind::kSum: f_ += v; break;
      case ReduceKind::kProd: f_ *= v; break;
      case ReduceKind::kMax: f_ = empty_ ? v : ApplyFloat(ScalarOp::kMax, pair); break;
      case ReduceKind::kMin: f_ = empty_ ? v : ApplyFloat(ScalarOp::kMin, pair); break;
      case ReduceKind::kArgMax: Arg(empty_ || v > f_ || (std::isnan(v) && !std::isnan(f_)), v == f_, v, position, last); break;
      case ReduceKind::kArgMin: Arg(empty_ || v < f_ || (std::isnan(v) && !std::isnan(f_)), v == f_, v, position, last); break;
      default: f_ = v;
    }
  }
  void Arg(bool better, bool equal, double v, int64_t position, bool last) {
    if (!better && !(equal && last)) return;
    f_ = v;
    position_ = position;
  }
  void AddInt(int64_t v, int64_t position, bool last) {
    const int64_t pair[3] = {i_, v, 0};
    switch (kind_) {
      case ReduceKind::kSum: i_ = ApplyInt(ScalarOp::kAdd, dtype_, pair); break;
      case ReduceKind::kProd: i_ = ApplyInt(ScalarOp::kMul, dtype_, pair); break;
      case ReduceKind::kMax: i_ = empty_ ? v : ApplyInt(ScalarOp::kMax, dtype_, pair); break;
      case ReduceKind::kMin: i_ = empty_ ? v : ApplyInt(ScalarOp::kMin, dtype_, pair); break;
      case ReduceKind::kAnd: i_ &= v; break;
      case ReduceKind::kOr: i_ |= v; break;
      case ReduceKind::kArgMax:
      case ReduceKind::kArgMin: {
        const ScalarOp compare = kind_ == ReduceKind::kArgMax ? ScalarOp::kGt : ScalarOp::kLt;
        if (empty_ || CompareInt(compare, dtype_, v, i_) || (v == i_ && last)) {
          i_ = v;
          position_ = position;
        }
        break;
      }
      default: i_ = v;
    }
  }

  ReduceKind kind_;
  DType dtype_;
  bool float_, empty_ = true;
  double f_ = 0;
  int64_t i_ = 0, position_ = 0;
};

class NodeInterpreter {
 public:
  NodeInterpreter(const Node& node, const std::vector<LiteralPtr>& in, std::vector<int64_t>* symbols)
      : node_(node), in_(in), symbols_(symbols) {}

  Result<std::vector<LiteralPtr>> Run() {
    switch (node_.op) {
      case Op::kConst: return std::vector<LiteralPtr>{node_.literal};
      case Op::kCall: return CallLibrary();
      case Op::kIf: return If();
      case Op::kWhile: return While();
      case Op::kFused: return Interpret(*node_.subgraphs[0], in_, *symbols_);
      default: break;
    }
    out_dims_ = Evaluate(node_.shape());
    for (int64_t d : out_dims_) {
      if (d < 0) return InvalidArgument("the result would have extent {}", d);
    }
    y_ = Literal::Allocate(node_.type.dtype, out_dims_);
    BELAY_RETURN_IF_ERROR(Compute());
    return std::vector<LiteralPtr>{y_};
  }

 private:
  Dims Evaluate(const std::vector<Dim>& dims) const {
    Dims out;
    for (const Dim& d : dims) out.push_back(Value(d));
    return out;
  }
  int64_t Value(const Dim& d) const {
    return d.Evaluate([&](int id) { return id < static_cast<int>(symbols_->size()) ? (*symbols_)[id] : 0; });
  }

  Status Compute() {
    switch (node_.op) {
      case Op::kIota: return Iota();
      case Op::kDims: return DimsValues();
      case Op::kMap: return Map();
      case Op::kReshape: return Reshape();
      case Op::kTranspose:
      case Op::kBroadcast:
      case Op::kSlice: return View();
      case Op::kPad: return Pad();
      case Op::kConcat: return Concat();
      case Op::kGather: return Gather();
      case Op::kScatter: return Scatter();
      case Op::kReduce: return Reduce();
      case Op::kScan: return Scan();
      case Op::kPool: return Pool();
      case Op::kContract: return Contract();
      case Op::kConv: return Conv();
      default: return Internal("the interpreter has no rule for op {}", static_cast<int>(node_.op));
    }
  }

  void StoreNumber(int64_t at, int64_t value) {
    if (IsFloat(y_->dtype)) {
      StoreFloat(y_->dtype, y_->mutable_data(), at, static_cast<double>(value));
    } else {
      StoreInt(y_->dtype, y_->mutable_data(), at, value);
    }
  }

  Status Iota() {
    ForEach(out_dims_, [&](int64_t i, const Dims& index) { StoreNumber(i, index[node_.axes[0]]); });
    return OkStatus();
  }

  Status DimsValues() {
    for (size_t i = 0; i < node_.starts.size(); ++i) StoreNumber(static_cast<int64_t>(i), Value(node_.starts[i]));
    return OkStatus();
  }

  Status Map() {
    const int64_t n = Count(out_dims_);
    for (const LiteralPtr& x : in_) {
      if (x->NumElements() != n) return Internal("operands of {} differ in size", ScalarOpName(node_.scalar));
    }
    for (int64_t i = 0; i < n; ++i) MapElement(i);
    return OkStatus();
  }

  void MapElement(int64_t i) {
    const Literal& x = *in_[0];
    void* y = y_->mutable_data();
    switch (node_.scalar) {
      case ScalarOp::kSelect: {
        const Literal& from = LoadInt(DType::kBool, x.data, i) ? *in_[1] : *in_[2];
        CopyElement(from, i, *y_, i);
        return;
      }
      case ScalarOp::kCast:
        if (IsFloat(x.dtype)) {
          StoreFloat(y_->dtype, y, i, LoadFloat(x.dtype, x.data, i));
        } else if (IsFloat(y_->dtype)) {
          StoreFloat(y_->dtype, y, i, LoadFloat(x.dtype, x.data, i));
        } else {
          StoreInt(y_->dtype, y, i, LoadInt(x.dtype, x.data, i));
        }
        return;
      case ScalarOp::kBitcast: CopyElement(x, i, *y_, i); return;
      case ScalarOp::kIsNan: StoreInt(DType::kBool, y, i, std::isnan(LoadFloat(x.dtype, x.data, i))); return;
      case ScalarOp::kIsInf: StoreInt(DType::kBool, y, i, std::isinf(LoadFloat(x.dtype, x.data, i))); return;
      default: break;
    }
    const bool compares = node_.scalar >= ScalarOp::kEq && node_.scalar <= ScalarOp::kGe;
    if (IsFloat(x.dtype)) {
      double v[3] = {0, 0, 0};
      for (size_t k = 0; k < in_.size(); ++k) v[k] = LoadFloat(x.dtype, in_[k]->data, i);
      if (compares) {
        StoreInt(DType::kBool, y, i, CompareFloat(node_.scalar, v[0], v[1]));
      } else {
        StoreFloat(y_->dtype, y, i, ApplyFloat(node_.scalar, v));
      }
      return;
    }
    int64_t v[3] = {0, 0, 0};
    for (size_t k = 0; k < in_.size(); ++k) v[k] = LoadInt(x.dtype, in_[k]->data, i);
    const int64_t result = compares ? CompareInt(node_.scalar, x.dtype, v[0], v[1])
                                    : ApplyInt(node_.scalar, x.dtype, v);
    StoreInt(y_->dtype, y, i, result);
  }

  Status Reshape() {
    if (in_[0]->NumElements() != y_->NumElements()) {
      return InvalidArgument("cannot reshape {} elements to {}", in_[0]->NumElements(), y_->NumElements());
    }
    auto view = std::make_shared<Literal>(*in_[0]);
    view->dims = out_dims_;
    y_ = view;
    return OkStatus();
  }

  Status View() {
    const Dims& dims = in_[0]->dims;
    const Dims dense = DenseStridesOf(dims);
    Dims strides(out_dims_.size(), 0);
    int64_t offset = 0;
    for (size_t d = 0; d < out_dims_.size(); ++d) {
      if (node_.op == Op::kTranspose) {
        strides[d] = dense[node_.axes[d]];
      } else if (node_.op == Op::kBroadcast) {
        strides[d] = dims[d] == 1 ? 0 : dense[d];
        if (dims[d] != 1 && dims[d] != out_dims_[d]) {
          return InvalidArgument("extent {} does not broadcast to {}", dims[d], out_dims_[d]);
        }
      } else {
        const int64_t start = Value(node_.starts[d]), step = Value(node_.steps[d]);
        const int64_t last = start + (out_dims_[d] - 1) * step;
        if (out_dims_[d] > 0 && (start < 0 || start >= dims[d] || last < 0 || last >= dims[d])) {
          return InvalidArgument("slice {}..{} leaves the extent {}", start, last, dims[d]);
        }
        offset += start * dense[d];
        strides[d] = step * dense[d];
      }
    }
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      CopyElement(*in_[0], offset + Dot(index, strides), *y_, i);
    });
    return OkStatus();
  }

  Status Pad() {
    const Dims starts = Evaluate(node_.starts), steps = Evaluate(node_.steps);
    const Dims& dims = in_[0]->dims;
    const Dims dense = DenseStridesOf(dims);
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      int64_t at = 0;
      bool inside = true;
      for (size_t d = 0; d < index.size(); ++d) {
        const int64_t p = index[d] - starts[d];
        inside = inside && p >= 0 && p % steps[d] == 0 && p / steps[d] < dims[d];
        if (inside) at += p / steps[d] * dense[d];
      }
      CopyElement(inside ? *in_[0] : *in_[1], inside ? at : 0, *y_, i);
    });
    return OkStatus();
  }

  Status Concat() {
    const int axis = node_.axes[0];
    const Dims strides = DenseStridesOf(out_dims_);
    int64_t offset = 0;
    for (const LiteralPtr& part : in_) {
      ForEach(part->dims, [&](int64_t i, const Dims& index) {
        CopyElement(*part, i, *y_, Dot(index, strides) + offset * strides[axis]);
      });
      offset += part->dims[axis];
    }
    return OkStatus();
  }

  // Element of x that `index` names, by node_.axes; indices start at in_[first].
  Result<int64_t> Coordinate(const Literal& x, const Dims& dense, size_t first, int64_t flat, const Dims& index) {
    int64_t at = 0;
    for (size_t d = 0; d < x.dims.size(); ++d) {
      int64_t p;
      if (node_.axes[d] >= 0) {
        p = index[node_.axes[d]];
      } else {
        const Literal& idx = *in_[first + static_cast<size_t>(-node_.axes[d] - 1)];
        p = LoadInt(idx.dtype, idx.data, flat);
      }
      if (p < 0 || p >= x.dims[d]) {
        return InvalidArgument("index {} is outside axis {} with extent {}", p, d, x.dims[d]);
      }
      at += p * dense[d];
    }
    return at;
  }

  Status Gather() {
    const Literal& x = *in_[0];
    const Dims dense = DenseStridesOf(x.dims);
    Status status;
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      if (!status.ok()) return;
      Result<int64_t> at = Coordinate(x, dense, 1, i, index);
      if (at.ok()) {
        CopyElement(x, *at, *y_, i);
      } else {
        status = std::move(at).status();
      }
    });
    return status;
  }

  Status Scatter() {
    const Literal& updates = *in_[1];
    const int64_t n = y_->NumElements();
    for (int64_t i = 0; i < n; ++i) CopyElement(*in_[0], i, *y_, i);
    const Dims dense = DenseStridesOf(out_dims_);
    Status status;
    ForEach(updates.dims, [&](int64_t i, const Dims& index) {
      if (!status.ok()) return;
      Result<int64_t> at = Coordinate(*y_, dense, 2, i, index);
      if (!at.ok()) {
        status = std::move(at).status();
      } else if (node_.reduce == ReduceKind::kNone) {
        CopyElement(updates, i, *y_, *at);
      } else {
        Accumulator acc(node_.reduce, y_->dtype);
        acc.Add(*y_, *at, 0, false);
        acc.Add(updates, i, 0, false);
        acc.Store(*y_, *at);
      }
    });
    return status;
  }

  Status Reduce() {
    const Literal& x = *in_[0];
    Dims inner, inner_strides, outer_strides;
    const Dims dense = DenseStridesOf(x.dims);
    for (size_t d = 0; d < x.dims.size(); ++d) {
      const bool reduced = std::find(node_.axes.begin(), node_.axes.end(), static_cast<int>(d)) != node_.axes.end();
      if (reduced) inner.push_back(x.dims[d]);
      (reduced ? inner_strides : outer_strides).push_back(dense[d]);
    }
    const bool arg = node_.reduce == ReduceKind::kArgMax || node_.reduce == ReduceKind::kArgMin;
    if (arg && Count(inner) == 0 && Count(out_dims_) > 0) return InvalidArgument("arg-reduction of an empty axis");
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      Accumulator acc(node_.reduce, x.dtype);
      const int64_t base = Dot(index, outer_strides);
      ForEach(inner, [&](int64_t position, const Dims& at) {
        acc.Add(x, base + Dot(at, inner_strides), position, node_.flags & kSelectLast);
      });
      acc.Store(*y_, i);
    });
    return OkStatus();
  }

  Status Scan() {
    const Literal& x = *in_[0];
    const int axis = node_.axes[0];
    const Dims dense = DenseStridesOf(x.dims);
    const int64_t length = x.dims[axis];
    Dims outer = x.dims;
    outer[axis] = 1;
    if (length == 0) return OkStatus();
    ForEach(outer, [&](int64_t, const Dims& index) {
      Accumulator acc(node_.reduce, x.dtype);
      for (int64_t k = 0; k < length; ++k) {
        const int64_t place = node_.flags & kReverse ? length - 1 - k : k;
        const int64_t at = Dot(index, dense) + place * dense[axis];
        if (node_.flags & kExclusive) acc.Store(*y_, at);
        acc.Add(x, at, 0, false);
        if (!(node_.flags & kExclusive)) acc.Store(*y_, at);
      }
    });
    return OkStatus();
  }

  // fn(tap, position) for the window's cells inside x, where position is the spatial index.
  template <typename Fn>
  void ForWindow(const Dims& spatial, const Dims& out_index, const Dims& pads, Fn fn) {
    const Window& w = *node_.window;
    ForEach(w.kernel, [&](int64_t tap, const Dims& k) {
      Dims at(spatial.size());
      for (size_t d = 0; d < spatial.size(); ++d) {
        at[d] = out_index[d + 1] * w.strides[d] - pads[d] + k[d] * w.dilations[d];
        if (at[d] < 0 || at[d] >= spatial[d]) return;
      }
      fn(tap, at);
    });
  }

  Status Pool() {
    const Literal& x = *in_[0];
    const Dims dense = DenseStridesOf(x.dims), pads = Evaluate(node_.window->pads_lo);
    const Dims spatial(x.dims.begin() + 1, x.dims.end() - 1);
    const Dims spatial_strides = DenseStridesOf(spatial);
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      Accumulator acc(node_.reduce, x.dtype);
      const int64_t base = index[0] * dense[0] + index.back();
      ForWindow(spatial, index, pads, [&](int64_t, const Dims& at) {
        const int64_t flat = Dot(at, spatial_strides);
        acc.Add(x, base + flat * x.dims.back(), flat, false);
      });
      acc.Store(*y_, i);
    });
    return OkStatus();
  }

  Status Contract() {
    const Literal &a = *in_[0], &b = *in_[1];
    const size_t rank = a.dims.size();
    const int64_t m = a.dims[rank - 2], k = a.dims[rank - 1], n = b.dims[rank - 1];
    const int64_t batches = Count(Dims(a.dims.begin(), a.dims.end() - 2));
    const bool is_float = IsFloat(y_->dtype);
    for (int64_t s = 0; s < batches; ++s) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double f = 0;
          uint64_t t = 0;
          for (int64_t l = 0; l < k; ++l) {
            const int64_t p = (s * m + i) * k + l, q = (s * k + l) * n + j;
            if (is_float) {
              f += LoadFloat(a.dtype, a.data, p) * LoadFloat(b.dtype, b.data, q);
            } else {
              t += static_cast<uint64_t>(LoadInt(a.dtype, a.data, p)) * static_cast<uint64_t>(LoadInt(b.dtype, b.data, q));
            }
          }
          const int64_t at = (s * m + i) * n + j;
          if (is_float) {
            StoreFloat(y_->dtype, y_->mutable_data(), at, f);
          } else {
            StoreInt(y_->dtype, y_->mutable_data(), at, static_cast<int64_t>(t));
          }
        }
      }
    }
    return OkStatus();
  }

  Status Conv() {
    const Literal &x = *in_[0], &w = *in_[1];
    const Dims dense = DenseStridesOf(x.dims), pads = Evaluate(node_.window->pads_lo);
    const Dims spatial(x.dims.begin() + 1, x.dims.end() - 1), spatial_strides = DenseStridesOf(spatial);
    const int64_t per_group = w.dims[w.dims.size() - 2], outputs = w.dims.back();
    const int64_t outputs_per_group = outputs / node_.window->groups;
    const bool is_float = IsFloat(y_->dtype);
    ForEach(out_dims_, [&](int64_t i, const Dims& index) {
      const int64_t o = index.back(), first = o / outputs_per_group * per_group;
      double f = 0;
      uint64_t t = 0;
      ForWindow(spatial, index, pads, [&](int64_t tap, const Dims& at) {
        const int64_t base = index[0] * dense[0] + Dot(at, spatial_strides) * x.dims.back() + first;
        for (int64_t c = 0; c < per_group; ++c) {
          const int64_t q = (tap * per_group + c) * outputs + o;
          if (is_float) {
            f += LoadFloat(x.dtype, x.data, base + c) * LoadFloat(w.dtype, w.data, q);
          } else {
            t += static_cast<uint64_t>(LoadInt(x.dtype, x.data, base + c)) * static_cast<uint64_t>(LoadInt(w.dtype, w.data, q));
          }
        }
      });
      if (is_float) {
        StoreFloat(y_->dtype, y_->mutable_data(), i, f);
      } else {
        StoreInt(y_->dtype, y_->mutable_data(), i, static_cast<int64_t>(t));
      }
    });
    return OkStatus();
  }

  Result<std::vector<LiteralPtr>> CallLibrary();

  Result<std::vector<LiteralPtr>> If() {
    const bool taken = LoadInt(DType::kBool, in_[0]->data, 0) != 0;
    return Interpret(*node_.subgraphs[taken ? 0 : 1], {in_.begin() + 1, in_.end()}, *symbols_);
  }

  Result<std::vector<LiteralPtr>> While() {
    std::vector<LiteralPtr> carried = in_;
    for (;;) {
      BELAY_TRY(std::vector<LiteralPtr> more, Interpret(*node_.subgraphs[0], carried, *symbols_));
      if (!LoadInt(DType::kBool, more[0]->data, 0)) return carried;
      BELAY_TRY(carried, Interpret(*node_.subgraphs[1], carried, *symbols_));
    }
  }

  const Node& node_;
  const std::vector<LiteralPtr>& in_;
  std::vector<int64_t>* symbols_;
  Dims out_dims_;
  std::shared_ptr<Literal> y_;
};

LibraryInterpreter g_library = nullptr;

Result<std::vector<LiteralPtr>> NodeInterpreter::CallLibrary() {
  if (!g_library) return NotSupported("library function {} is not linked", node_.callee);
  return g_library(node_, in_, symbols_);
}

}  // namespace

void SetLibraryInterpreter(LibraryInterpreter library) { g_library = library; }

Result<std::vector<LiteralPtr>> InterpretNode(const Node& node, const std::vector<LiteralPtr>& inputs,
                                              std::vector<int64_t>* symbols) {
  return NodeInterpreter(node, inputs, symbols).Run();
}

Result<std::vector<LiteralPtr>> Interpret(const Graph& graph, const std::vector<LiteralPtr>& inputs,
                                          const std::vector<int64_t>& given) {
  std::vector<int64_t> symbols = given;
  symbols.resize(std::max(symbols.size(), graph.symbols.size()), 0);
  for (size_t id = 0; id < graph.symbols.size(); ++id) {
    const SymbolInfo& s = graph.symbols[id];
    if (s.input >= 0) symbols[id] = inputs[s.input]->dims[s.dim];
  }
  std::vector<std::vector<LiteralPtr>> values(graph.size());
  for (const Node* node : TopologicalOrder(graph)) {
    if (node->op == Op::kInput) {
      values[node->id] = {inputs[node->index]};
      continue;
    }
    if (node->op == Op::kGetOutput) {
      values[node->id] = {values[node->inputs[0]->id][node->index]};
      continue;
    }
    std::vector<LiteralPtr> in;
    for (const Node* n : node->inputs) in.push_back(values[n->id][0]);
    Result<std::vector<LiteralPtr>> out = InterpretNode(*node, in, &symbols);
    if (!out.ok()) return std::move(out).status().Context("node '" + node->name + "'");
    values[node->id] = *std::move(out);
  }
  std::vector<LiteralPtr> outputs;
  for (const Node* node : graph.outputs) outputs.push_back(values[node->id][0]);
  return outputs;
}

}  // namespace belay
