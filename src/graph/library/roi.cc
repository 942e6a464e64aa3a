// Pooling of regions of images whose borders are data.
#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/library/dispatch.h"

namespace belay {
namespace {

struct Image {
  int64_t channels, height, width;
  int64_t Pixels() const { return height * width; }
};

// What a position between pixels takes from its four neighbours.
struct Tap {
  int64_t at[4] = {0, 0, 0, 0};
  double weight[4] = {0, 0, 0, 0};
};

Tap TapAt(const Image& image, double y, double x) {
  Tap tap;
  const auto height = static_cast<double>(image.height), width = static_cast<double>(image.width);
  if (!(y >= -1 && y <= height && x >= -1 && x <= width)) return tap;
  y = std::clamp(y, 0.0, height - 1);
  x = std::clamp(x, 0.0, width - 1);
  const auto top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
  const int64_t bottom = std::min(top + 1, image.height - 1), right = std::min(left + 1, image.width - 1);
  const double dy = y - static_cast<double>(top), dx = x - static_cast<double>(left);
  const int64_t upper = top * image.width, lower = bottom * image.width;
  tap = {{upper + left, upper + right, lower + left, lower + right},
         {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx}};
  return tap;
}

constexpr int64_t kMostSamples = int64_t{1} << 23;  // of one region in one channel

struct Bins {
  int64_t height, width;
};

template <typename T>
Status CheckBatch(const LibraryCall& call, int64_t images) {
  const int64_t* batch = call.inputs[2].as<int64_t>();
  for (int64_t r = 0; r < call.inputs[2].NumElements(); ++r) {
    if (batch[r] < 0 || batch[r] >= images) {
      return InvalidArgument("region {} lies in image {}, but there are {}", r, batch[r], images);
    }
  }
  return OkStatus();
}

// Of one bin along one side.
int64_t Samples(int64_t given, double bin) {
  if (given > 0) return std::min(given, kMostSamples);
  return std::max<int64_t>(0, static_cast<int64_t>(std::ceil(std::min(bin, double(kMostSamples)))));
}

// Of one region x1, y1, x2, y2: the taps of bin i are [i * samples, (i + 1) * samples).
struct BinTaps {
  std::vector<Tap> taps;
  int64_t samples;
};

template <typename T>
Result<BinTaps> TapsOf(const T* roi, const Image& image, const Bins& bins, double smallest, int64_t samples) {
  const double bin_w = std::max(double(roi[2]) - double(roi[0]), smallest) / static_cast<double>(bins.width);
  const double bin_h = std::max(double(roi[3]) - double(roi[1]), smallest) / static_cast<double>(bins.height);
  const int64_t rows = Samples(samples, bin_h), columns = Samples(samples, bin_w);
  const double all = double(rows) * double(columns) * double(bins.height) * double(bins.width);
  if (all > double(kMostSamples)) {
    return InvalidArgument("its bins take {} by {} samples each, {} in all; the most is {}", rows, columns, all,
                           kMostSamples);
  }
  BinTaps b = {{}, rows * columns};
  b.taps.reserve(static_cast<size_t>(all));
  for (int64_t bin = 0; bin < bins.height * bins.width; ++bin) {
    for (int64_t s = 0; s < b.samples; ++s) {
      const double down = (static_cast<double>(s / columns) + 0.5) / static_cast<double>(rows);
      const double along = (static_cast<double>(s % columns) + 0.5) / static_cast<double>(columns);
      b.taps.push_back(TapAt(image, double(roi[1]) + (static_cast<double>(bin / bins.width) + down) * bin_h,
                             double(roi[0]) + (static_cast<double>(bin % bins.width) + along) * bin_w));
    }
  }
  return b;
}

// One bin of one channel: the mean of its samples, or the largest of their weighted neighbours.
template <bool kLargest, typename T>
double Pooled(const T* plane, const Tap* taps, int64_t samples) {
  if (samples == 0) return 0;
  double result = kLargest ? -std::numeric_limits<double>::infinity() : 0;
  for (const Tap* tap = taps; tap != taps + samples; ++tap) {
    for (int k = 0; k < 4; ++k) {
      const double part = tap->weight[k] * static_cast<double>(plane[tap->at[k]]);
      result = kLargest ? std::max(result, part) : result + part;
    }
  }
  return kLargest ? result : result / static_cast<double>(samples);
}

template <typename T>
Status RoiAlign(LibraryCall& call) {
  const std::vector<int64_t>&in = call.inputs[0].dims, &out = call.outputs[0].dims;
  const Image image = {in[1], in[2], in[3]};
  const Bins bins = {out[2], out[3]};
  BELAY_RETURN_IF_ERROR(CheckBatch<T>(call, in[0]));
  const bool largest = call.Attr("max") != 0;
  const double smallest = call.Attr("smallest") != 0 ? 1 : std::numeric_limits<double>::lowest();
  T* y = call.outputs[0].as<T>();
  for (int64_t r = 0; r < out[0]; ++r) {
    const T* plane = call.inputs[0].as<T>() + call.inputs[2].as<int64_t>()[r] * image.channels * image.Pixels();
    Result<BinTaps> taps_of =
        TapsOf(call.inputs[1].as<T>() + r * 4, image, bins, smallest, call.Attr("samples"));
    if (!taps_of.ok()) return std::move(taps_of).status().Context(fmt::format("region {}", r));
    const BinTaps& b = *taps_of;
    for (int64_t c = 0; c < image.channels; ++c, plane += image.Pixels()) {
      for (int64_t bin = 0; bin < bins.height * bins.width; ++bin) {
        const Tap* taps = b.taps.data() + bin * b.samples;
        *y++ = static_cast<T>(largest ? Pooled<true>(plane, taps, b.samples) : Pooled<false>(plane, taps, b.samples));
      }
    }
  }
  return OkStatus();
}

struct PixelRun {
  int64_t first, end;
};

// Whole pixels of bin i of `count` along one side.
PixelRun PixelsOf(double low, double high, int64_t i, int64_t count, int64_t extent) {
  const double start = std::round(low), size = std::max(std::round(high) - start + 1, 1.0);
  const double bin = size / static_cast<double>(count);
  auto clamped = [&](double at) {
    return static_cast<int64_t>(std::clamp(at + start, 0.0, static_cast<double>(extent)));
  };
  return {clamped(std::floor(static_cast<double>(i) * bin)), clamped(std::ceil(static_cast<double>(i + 1) * bin))};
}

template <typename T>
Status RoiPool(LibraryCall& call) {
  const std::vector<int64_t>&in = call.inputs[0].dims, &out = call.outputs[0].dims;
  const Image image = {in[1], in[2], in[3]};
  BELAY_RETURN_IF_ERROR(CheckBatch<T>(call, in[0]));
  T* y = call.outputs[0].as<T>();
  for (int64_t r = 0; r < out[0]; ++r) {
    const T* roi = call.inputs[1].as<T>() + r * 4;
    const T* x = call.inputs[0].as<T>() + call.inputs[2].as<int64_t>()[r] * image.channels * image.Pixels();
    for (int64_t c = 0; c < image.channels; ++c) {
      for (int64_t i = 0; i < out[2]; ++i) {
        const PixelRun rows = PixelsOf(double(roi[1]), double(roi[3]), i, out[2], image.height);
        for (int64_t j = 0; j < out[3]; ++j) {
          const PixelRun columns = PixelsOf(double(roi[0]), double(roi[2]), j, out[3], image.width);
          const bool empty = rows.first >= rows.end || columns.first >= columns.end;
          T best = empty ? T(0) : std::numeric_limits<T>::lowest();
          for (int64_t h = rows.first; h < rows.end; ++h) {
            for (int64_t w = columns.first; w < columns.end; ++w) best = std::max(best, x[h * image.width + w]);
          }
          *y++ = best;
        }
      }
      x += image.Pixels();
    }
  }
  return OkStatus();
}

}  // namespace

// Images [N, C, H, W], regions [R, 4] as x1, y1, x2, y2 in pixels, their images i64 [R] -> [R, C, h, w].
// Attributes: samples per side of a bin (0: as many as it has pixels), max instead of the mean (as ONNX has it: the
// largest weighted neighbour, not the largest interpolated value), smallest: regions are at least one pixel wide.
Status LibraryRoiAlign(LibraryCall& call) {
  return call.inputs[0].dtype == DType::kF64 ? RoiAlign<double>(call) : RoiAlign<float>(call);
}
// The same of whole pixels, always the maximum; 0 for bins outside the image.
Status LibraryRoiPool(LibraryCall& call) {
  return call.inputs[0].dtype == DType::kF64 ? RoiPool<double>(call) : RoiPool<float>(call);
}

}  // namespace belay
