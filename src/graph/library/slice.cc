// Slices and ranges whose bounds are data.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "graph/library.h"
#include "graph/range.h"

namespace belay {
namespace {

struct Span {
  int64_t start = 0, size = 0, step = 1;
};

// NumPy's start:end:step on an extent.
Span Clamped(int64_t start, int64_t end, int64_t step, int64_t extent) {
  step = std::clamp(step, -extent - 1, extent + 1);  // beyond the extent already
  const int64_t low = step < 0 ? -1 : 0, high = step < 0 ? extent - 1 : extent;
  auto clamp = [&](int64_t at) { return std::clamp(at < 0 ? at + extent : at, low, high); };
  start = clamp(std::max(start, -extent - 1));
  end = clamp(std::max(end, -extent - 1));
  const int64_t room = step < 0 ? start - end : end - start, stride = step < 0 ? -step : step;
  return {start, room <= 0 ? 0 : (room + stride - 1) / stride, step};
}

void CopySlice(const std::vector<Span>& spans, const std::vector<int64_t>& strides, size_t dim, const char* from,
               int64_t element, char** to) {
  if (dim == spans.size()) {
    std::memcpy(*to, from, static_cast<size_t>(element));
    *to += element;
    return;
  }
  for (int64_t i = 0; i < spans[dim].size; ++i) {
    const int64_t at = spans[dim].start + i * spans[dim].step;
    CopySlice(spans, strides, dim + 1, from + at * strides[dim] * element, element, to);
  }
}

}  // namespace

// x, begin i64 [count], end i64 [count]; attributes axis0, step0, axis1, ...; binds the extents of those axes.
Status LibrarySlice(LibraryCall& call) {
  const LibraryBuffer& x = call.inputs[0];
  if (BitWidth(x.dtype) < 8) return NotSupported("slices of {}", DTypeName(x.dtype));
  std::vector<Span> spans;
  for (int64_t extent : x.dims) spans.push_back({0, extent, 1});
  const int64_t count = call.Attr("count");
  std::vector<int> axes;
  for (int64_t i = 0; i < count; ++i) {
    const auto axis = static_cast<int>(call.Attr(("axis" + std::to_string(i)).c_str()));
    const int64_t step = call.Attr(("step" + std::to_string(i)).c_str(), 1);
    spans[axis] = Clamped(call.inputs[1].as<int64_t>()[i], call.inputs[2].as<int64_t>()[i], step, x.dims[axis]);
    axes.push_back(axis);
  }
  call.bound.clear();
  for (int axis : axes) call.bound.push_back(spans[axis].size);
  std::vector<int64_t> dims, strides(x.dims.size(), 1);
  for (const Span& s : spans) dims.push_back(s.size);
  for (size_t d = x.dims.size(); d-- > 1;) strides[d - 1] = strides[d] * x.dims[d];
  char* to = static_cast<char*>(call.Allocate(0, dims));
  if (to) CopySlice(spans, strides, 0, x.as<char>(), BitWidth(x.dtype) / 8, &to);
  return OkStatus();
}

constexpr int64_t kMostSteps = int64_t{1} << 48;  // their bytes are a number, too

// start, limit, delta: scalars, f64 or i64 all three; binds how many values lie between.
Status LibraryRange(LibraryCall& call) {
  const bool closed = call.Attr("closed") != 0;
  int64_t count = 0;
  if (call.inputs[0].dtype == DType::kF64) {
    const double start = *call.inputs[0].as<double>(), limit = *call.inputs[1].as<double>();
    const double delta = *call.inputs[2].as<double>();
    if (delta == 0) return InvalidArgument("delta is 0");
    const double steps = (limit - start) / delta;
    if (!(std::fabs(steps) < kMostSteps)) return InvalidArgument("{} to {} by {} has no length", start, limit, delta);
    count = static_cast<int64_t>(closed ? std::floor(steps) + 1 : std::ceil(steps));
  } else {
    const int64_t start = *call.inputs[0].as<int64_t>(), limit = *call.inputs[1].as<int64_t>();
    const int64_t delta = *call.inputs[2].as<int64_t>();
    if (delta == 0) return InvalidArgument("delta is 0");
    const uint64_t steps = StepsBetween(start, limit, delta, closed);
    if (steps >= kMostSteps) return InvalidArgument("{} to {} by {} has {} elements", start, limit, delta, steps);
    count = static_cast<int64_t>(steps);
  }
  count = std::max<int64_t>(count, 0);
  call.bound = {count};
  auto* y = static_cast<int64_t*>(call.Allocate(0, {count}));
  if (y) std::iota(y, y + count, int64_t{0});
  return OkStatus();
}

}  // namespace belay
