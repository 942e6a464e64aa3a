#include "detector.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace {

constexpr int kStride = 32;       // the network halves its input five times
constexpr int kShortSide = 320;   // smaller pictures are enlarged to this
constexpr int kLongSide = 1600;   // larger ones are shrunk to this
constexpr float kPixel = 0.3f;    // from here on a pixel is text
constexpr float kBox = 0.5f;      // mean over a box
// The network marks the core of a line; area x this / perimeter is added around.
constexpr float kUnclip = 2.1f;
constexpr float kMinSide = 3;     // in pixels of the map

int RoundToStride(double side) {
  return std::max(kStride, static_cast<int>(std::lround(side / kStride)) * kStride);
}

Array ToInput(const Image& image) {
  // The network was trained on blue, green, red.
  static const float kMean[3] = {0.485f, 0.456f, 0.406f};
  static const float kDeviation[3] = {0.229f, 0.224f, 0.225f};
  const size_t plane = static_cast<size_t>(image.width) * image.height;
  Array input{{1, 3, image.height, image.width}, std::vector<float>(3 * plane)};
  for (int c = 0; c < 3; ++c) {
    for (size_t i = 0; i < plane; ++i) {
      input.data[c * plane + i] = (image.rgb[i * 3 + 2 - c] / 255.0f - kMean[c]) / kDeviation[c];
    }
  }
  return input;
}

// Text pixels that touch, corners included, one list for each group.
std::vector<std::vector<Point>> Components(const Array& map, int width, int height) {
  std::vector<std::vector<Point>> components;
  std::vector<char> open(map.data.size());
  for (size_t i = 0; i < open.size(); ++i) open[i] = map.data[i] > kPixel;
  std::vector<int> stack;
  for (int start = 0; start < width * height; ++start) {
    if (!open[start]) continue;
    components.emplace_back();
    open[start] = 0;
    stack.push_back(start);
    while (!stack.empty()) {
      const int at = stack.back();
      stack.pop_back();
      const int x = at % width, y = at / width;
      components.back().push_back({x + 0.5f, y + 0.5f});
      for (int ny = std::max(0, y - 1); ny <= std::min(height - 1, y + 1); ++ny) {
        for (int nx = std::max(0, x - 1); nx <= std::min(width - 1, x + 1); ++nx) {
          if (!open[ny * width + nx]) continue;
          open[ny * width + nx] = 0;
          stack.push_back(ny * width + nx);
        }
      }
    }
  }
  return components;
}

float MeanInside(const Array& map, int width, int height, const TurnedRect& rect) {
  float left = rect.center.x, right = left, top = rect.center.y, bottom = top;
  for (Point p : rect.Corners()) {
    left = std::min(left, p.x);
    right = std::max(right, p.x);
    top = std::min(top, p.y);
    bottom = std::max(bottom, p.y);
  }
  double sum = 0;
  int count = 0;
  for (int y = std::max(0, static_cast<int>(top)); y < std::min<float>(height, bottom + 1); ++y) {
    for (int x = std::max(0, static_cast<int>(left)); x < std::min<float>(width, right + 1); ++x) {
      if (!rect.Contains({x + 0.5f, y + 0.5f})) continue;
      sum += map.data[y * width + x];
      ++count;
    }
  }
  return count ? static_cast<float>(sum / count) : 0;
}

// By the direction that most of the text has, so that a turned page is read line by line too.
void SortForReading(std::vector<TurnedRect>* boxes) {
  Point along;
  for (const TurnedRect& box : *boxes) {
    if (box.width < box.height) continue;
    along.x += box.along.x * box.width;
    along.y += box.along.y * box.width;
  }
  const float length = std::max(1e-6f, std::sqrt(along.x * along.x + along.y * along.y));
  const auto column = [&](const TurnedRect& box) {
    return (box.center.x * along.x + box.center.y * along.y) / length;
  };
  const auto row = [&](const TurnedRect& box) {
    return (box.center.y * along.x - box.center.x * along.y) / length;
  };
  std::sort(boxes->begin(), boxes->end(),
            [&](const TurnedRect& a, const TurnedRect& b) { return row(a) < row(b); });
  for (auto begin = boxes->begin(); begin != boxes->end();) {
    auto end = begin + 1;
    while (end != boxes->end() && row(*end) - row(*begin) < begin->height / 2) ++end;
    std::sort(begin, end,
              [&](const TurnedRect& a, const TurnedRect& b) { return column(a) < column(b); });
    begin = end;
  }
}

}  // namespace

Detector::Detector(Engine* engine, const std::string& onnx_file)
    : engine_(engine), graph_(engine->Load(onnx_file)) {}

std::vector<TurnedRect> Detector::Find(const Image& image) const {
  const double grow = static_cast<double>(kShortSide) / std::min(image.width, image.height);
  const double shrink = static_cast<double>(kLongSide) / std::max(image.width, image.height);
  const double scale = std::min(std::max(1.0, grow), shrink);
  const int width = RoundToStride(image.width * scale);
  const int height = RoundToStride(image.height * scale);
  const Array map = engine_->Run(graph_, ToInput(Resize(image, width, height)),
                                 static_cast<size_t>(width) * height);
  if (map.shape != std::vector<int64_t>{1, 1, height, width}) {
    throw std::runtime_error("the detector's output has not the size of its input");
  }
  std::vector<TurnedRect> boxes;
  for (const auto& component : Components(map, width, height)) {
    TurnedRect box = MinAreaRect(component);
    if (std::min(box.width, box.height) < kMinSide) continue;
    if (MeanInside(map, width, height, box) < kBox) continue;
    box.Grow(kUnclip * box.width * box.height / (2 * (box.width + box.height)));
    boxes.push_back(box.Scaled(static_cast<float>(image.width) / width,
                               static_cast<float>(image.height) / height));
  }
  SortForReading(&boxes);
  return boxes;
}
