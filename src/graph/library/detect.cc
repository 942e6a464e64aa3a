// Selection of boxes.
#include <algorithm>

#include "graph/library/dispatch.h"

namespace belay {
namespace {

struct Box {
  float y1, x1, y2, x2;
  float Area() const { return (y2 - y1) * (x2 - x1); }
};

Box ReadBox(const float* p, bool centre) {
  if (centre) return {p[1] - p[3] / 2, p[0] - p[2] / 2, p[1] + p[3] / 2, p[0] + p[2] / 2};
  return {std::min(p[0], p[2]), std::min(p[1], p[3]), std::max(p[0], p[2]), std::max(p[1], p[3])};
}

float Overlap(const Box& a, const Box& b) {  // intersection over union
  const float h = std::min(a.y2, b.y2) - std::max(a.y1, b.y1), w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (h <= 0 || w <= 0) return 0;
  const float common = h * w, all = a.Area() + b.Area() - common;
  return all > 0 ? common / all : 0;
}

}  // namespace

// boxes [B, N, 4], scores [B, C, N], max_output i64 [1], iou [1], score threshold [1] -> [n, 3] of
// (batch, class, box), best first within a class.
Status LibraryNonMaxSuppression(LibraryCall& call) {
  const LibraryBuffer &boxes = call.inputs[0], &scores = call.inputs[1];
  const int64_t batches = scores.dims[0], classes = scores.dims[1], n = scores.dims[2];
  const int64_t limit = call.inputs[2].as<int64_t>()[0];
  const float iou = call.inputs[3].as<float>()[0], least = call.inputs[4].as<float>()[0];
  const bool centre = call.Attr("center_point_box") != 0, filtered = call.Attr("filter_scores") != 0;
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < batches; ++b) {
    for (int64_t c = 0; c < classes; ++c) {
      const float* score = scores.as<float>() + (b * classes + c) * n;
      std::vector<int64_t> order;
      for (int64_t i = 0; i < n; ++i) {
        if (!filtered || score[i] > least) order.push_back(i);
      }
      std::stable_sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return score[i] > score[j]; });
      std::vector<Box> kept;
      for (int64_t i : order) {
        if (static_cast<int64_t>(kept.size()) >= limit) break;
        const Box box = ReadBox(boxes.as<float>() + (b * n + i) * 4, centre);
        if (std::any_of(kept.begin(), kept.end(), [&](const Box& k) { return Overlap(box, k) > iou; })) continue;
        kept.push_back(box);
        rows.insert(rows.end(), {b, c, i});
      }
    }
  }
  const int64_t count = static_cast<int64_t>(rows.size()) / 3;
  call.bound = {count};
  auto* out = static_cast<int64_t*>(call.Allocate(0, {count, 3}));
  if (out) std::copy(rows.begin(), rows.end(), out);
  return OkStatus();
}

}  // namespace belay
