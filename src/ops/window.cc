#include "ops/window.h"

namespace belay {

bool ChannelsFirst(const std::string& format, int rank) {
  if (format == "NCHW" || format == "NCDHW" || format == "NCL") {
    if (static_cast<int>(format.size()) == rank) return true;
  } else if (format == "NHWC" || format == "NDHWC" || format == "NLC") {
    if (static_cast<int>(format.size()) == rank) return false;
  } else if (format == "ND") {
    return true;
  }
  Fail("data_format {} does not fit a tensor of rank {}", format, rank);
}

Tensor ToChannelsLast(const Tensor& x, bool channels_first) {
  return channels_first ? MoveAxis(x, 1, x.rank() - 1) : x;
}
Tensor FromChannelsLast(const Tensor& x, bool channels_first) {
  return channels_first ? MoveAxis(x, x.rank() - 1, 1) : x;
}

const std::vector<int64_t>& CheckReach(const std::vector<int64_t>& entries, const char* name) {
  for (int64_t entry : entries) {
    if (entry < -INT32_MAX || entry > INT32_MAX) Fail("{} has {}, which is beyond 2^31", name, entry);
  }
  return entries;
}

std::vector<int64_t> PerDim(const Body& b, const char* attr, size_t count, int64_t fallback) {
  std::vector<int64_t> values = b.Ints(attr);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) Fail("{} has {} entries, but needs {}", attr, values.size(), count);
  return CheckReach(values, attr);
}

namespace {

std::vector<int64_t> CheckedEntries(std::vector<int64_t> entries, const char* name) {
  const bool may_be_less = std::string_view(name) == "pads";
  for (int64_t entry : entries) {
    if (!may_be_less && (entry < 1 || entry > INT32_MAX)) Fail("{} has {}, but must be positive", name, entry);
  }
  return entries;
}

}  // namespace

std::vector<int64_t> SpatialEntries(const std::vector<int64_t>& values, bool channels_first,
                                    int spatial, const char* name) {
  const int count = static_cast<int>(values.size());
  if (count == 1) return CheckedEntries(std::vector<int64_t>(spatial, values[0]), name);
  if (count == spatial) return CheckedEntries(values, name);
  if (count != spatial + 2) {
    Fail("{} has {} entries, but needs {}", name, count, spatial + 2);
  }
  const int first = channels_first ? 2 : 1;
  if (values[0] != 1 || values[channels_first ? 1 : spatial + 1] != 1) {
    FailNotSupported("{} other than 1 along batch or channels", name);
  }
  return CheckedEntries({values.begin() + first, values.begin() + first + spatial}, name);
}

Pads ExplicitPads(const std::vector<int64_t>& pads, int spatial, const char* name) {
  Pads out;
  if (pads.empty()) {
    out.lo.assign(spatial, Dim(0));
    out.hi = out.lo;
    return out;
  }
  if (static_cast<int>(pads.size()) != 2 * spatial) {
    Fail("{} has {} entries, but needs {}", name, pads.size(), 2 * spatial);
  }
  CheckReach(pads, name);
  for (int d = 0; d < spatial; ++d) {
    out.lo.push_back(pads[2 * d]);
    out.hi.push_back(pads[2 * d + 1]);
  }
  return out;
}

Pads SamePads(const Tensor& x, const std::vector<int64_t>& kernel,
              const std::vector<int64_t>& strides, const std::vector<int64_t>& dilations, bool upper) {
  Pads out;
  for (size_t d = 0; d < kernel.size(); ++d) {
    const Dim in = x.dim(static_cast<int>(d) + 1);
    const int64_t reach = (kernel[d] - 1) * dilations[d] + 1;
    const Dim last = strides[d] == 1 ? in - Dim(1) : (CeilDiv(in, strides[d]) - Dim(1)) * Dim(strides[d]);
    const Dim total = Max(last + Dim(reach) - in, 0);
    const Dim less = FloorDiv(total, 2), more = total - less;
    out.lo.push_back(upper ? less : more);
    out.hi.push_back(upper ? more : less);
  }
  return out;
}

Pads PadsOf(const Body& b, const Tensor& x, const std::vector<int64_t>& kernel,
            const std::vector<int64_t>& strides, const std::vector<int64_t>& dilations,
            const std::vector<int64_t>& explicit_pads) {
  const int spatial = static_cast<int>(kernel.size());
  const std::string mode = HiddenStr(b, "auto_pad", "NOTSET");
  if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    return SamePads(x, kernel, strides, dilations, mode == "SAME_UPPER");
  }
  if (mode == "VALID") return ExplicitPads({}, spatial, "pads");
  if (mode != "NOTSET" && mode != "") Fail("auto_pad is '{}'", mode);
  bool same = !explicit_pads.empty();  // TensorFlow front ends write -1 for SAME
  for (int64_t p : explicit_pads) same = same && p == -1;
  if (same) return SamePads(x, kernel, strides, dilations, true);
  return ExplicitPads(explicit_pads, spatial, "pads");
}

ModelEdge OnnxWindow::Widen(OnnxNode& n, ModelEdge x) const {
  return unsqueezed ? n.Emit("Unsqueeze", {x}, {{"axes", std::vector<int64_t>{2}}}) : x;
}
ModelEdge OnnxWindow::Narrow(OnnxNode& n, ModelEdge y) const {
  return unsqueezed ? n.Emit("Squeeze", {y}, {{"axis", std::vector<int64_t>{2}}}) : y;
}

OnnxWindow ReadOnnxWindow(OnnxNode& n, const std::vector<int64_t>& kernel_shape) {
  OnnxWindow w;
  w.spatial = static_cast<int>(kernel_shape.size());
  if (w.spatial == 0) w.spatial = n.InputRank(0) - 2;
  if (w.spatial < 1 || w.spatial > 3) {
    n.Fail(fmt::format("windows over {} spatial dims are not supported", w.spatial));
  }
  w.unsqueezed = w.spatial == 1;
  w.format = w.spatial == 3 ? "NCDHW" : "NCHW";
  w.auto_pad = n.Str("auto_pad", "NOTSET");
  auto fill = [&](const char* name, std::vector<int64_t> values, std::vector<int64_t>* out) {
    if (values.empty()) values.assign(w.spatial, 1);
    if (static_cast<int>(values.size()) != w.spatial) {
      n.Fail(fmt::format("attribute {} has {} entries, but needs {}", name, values.size(), w.spatial));
    }
    *out = {1, 1};
    if (w.unsqueezed) out->push_back(1);
    out->insert(out->end(), values.begin(), values.end());
  };
  fill("kernel_shape", kernel_shape, &w.kernel);
  fill("strides", n.Ints("strides"), &w.strides);
  fill("dilations", n.Ints("dilations"), &w.dilations);
  std::vector<int64_t> pads = n.Ints("pads");
  if (pads.empty()) pads.assign(2 * w.spatial, 0);
  if (static_cast<int>(pads.size()) != 2 * w.spatial) {
    n.Fail(fmt::format("attribute pads has {} entries, but needs {}", pads.size(), 2 * w.spatial));
  }
  if (w.unsqueezed) w.pads = {0, 0};
  for (int d = 0; d < w.spatial; ++d) {
    w.pads.push_back(pads[d]);
    w.pads.push_back(pads[w.spatial + d]);
  }
  return w;
}

}  // namespace belay
