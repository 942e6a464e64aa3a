#include "image.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#define STB_IMAGE_IMPLEMENTATION
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace {

constexpr int kStroke = 2;

// For each target position: where its weights begin in the source, and the weights.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> MakeTaps(int source, int target) {
  const double scale = static_cast<double>(source) / target;
  const double radius = std::max(1.0, scale);
  std::vector<Taps> taps(target);
  for (int i = 0; i < target; ++i) {
    const double center = (i + 0.5) * scale - 0.5;
    const int first = std::max(0, static_cast<int>(std::ceil(center - radius)));
    const int last = std::min(source - 1, static_cast<int>(std::floor(center + radius)));
    double sum = 0;
    for (int s = first; s <= last; ++s) {
      const double weight = std::max(1e-6, 1.0 - std::abs(s - center) / radius);
      taps[i].weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : taps[i].weights) weight = static_cast<float>(weight / sum);
    taps[i].first = first;
  }
  return taps;
}

uint8_t ToByte(float value) {
  return static_cast<uint8_t>(std::min(255.0f, std::max(0.0f, value + 0.5f)));
}

}  // namespace

Image ReadImage(const std::string& path) {
  int width = 0, height = 0, channels = 0;
  uint8_t* pixels = stbi_load(path.c_str(), &width, &height, &channels, 4);
  if (pixels == nullptr) throw std::runtime_error(path + ": " + stbi_failure_reason());
  Image image(width, height);
  const size_t count = static_cast<size_t>(width) * height;
  for (size_t i = 0; i < count; ++i) {
    const int alpha = pixels[i * 4 + 3];
    for (int c = 0; c < 3; ++c) {
      image.rgb[i * 3 + c] =
          static_cast<uint8_t>((pixels[i * 4 + c] * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  stbi_image_free(pixels);
  return image;
}

void WritePng(const std::string& path, const Image& image) {
  if (stbi_write_png(path.c_str(), image.width, image.height, 3, image.rgb.data(),
                     image.width * 3) == 0) {
    throw std::runtime_error(path + ": cannot write");
  }
}

Image Resize(const Image& image, int width, int height) {
  const std::vector<Taps> columns = MakeTaps(image.width, width);
  const std::vector<Taps> rows = MakeTaps(image.height, height);
  std::vector<float> wide(static_cast<size_t>(image.height) * width * 3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < width; ++x) {
      float* to = &wide[(static_cast<size_t>(y) * width + x) * 3];
      for (size_t k = 0; k < columns[x].weights.size(); ++k) {
        const uint8_t* from = image.At(columns[x].first + static_cast<int>(k), y);
        for (int c = 0; c < 3; ++c) to[c] += columns[x].weights[k] * from[c];
      }
    }
  }
  Image out(width, height);
  std::vector<float> line(static_cast<size_t>(width) * 3);
  for (int y = 0; y < height; ++y) {
    std::fill(line.begin(), line.end(), 0.0f);
    for (size_t k = 0; k < rows[y].weights.size(); ++k) {
      const float* from = &wide[(rows[y].first + k) * line.size()];
      for (size_t i = 0; i < line.size(); ++i) line[i] += rows[y].weights[k] * from[i];
    }
    std::transform(line.begin(), line.end(), out.At(0, y), ToByte);
  }
  return out;
}

Image TurnLeft(const Image& image) {
  Image out(image.height, image.width);
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      std::copy_n(image.At(image.width - 1 - y, x), 3, out.At(x, y));
    }
  }
  return out;
}

Image CutOut(const Image& image, Point origin, Point right, Point down, int width, int height) {
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float u = (x + 0.5f) / width;
      const float v = (y + 0.5f) / height;
      const float sx = origin.x + u * right.x + v * down.x - 0.5f;
      const float sy = origin.y + u * right.y + v * down.y - 0.5f;
      const int x0 = static_cast<int>(std::floor(sx));
      const int y0 = static_cast<int>(std::floor(sy));
      float sum[3] = {0, 0, 0};
      for (int dy = 0; dy < 2; ++dy) {
        for (int dx = 0; dx < 2; ++dx) {
          const float weight = (dx ? sx - x0 : 1 - (sx - x0)) * (dy ? sy - y0 : 1 - (sy - y0));
          const uint8_t* from = image.At(std::min(std::max(x0 + dx, 0), image.width - 1),
                                         std::min(std::max(y0 + dy, 0), image.height - 1));
          for (int c = 0; c < 3; ++c) sum[c] += weight * from[c];
        }
      }
      std::transform(sum, sum + 3, out.At(x, y), ToByte);
    }
  }
  return out;
}

void DrawLine(Image* image, Point from, Point to) {
  static const uint8_t kColor[3] = {220, 30, 30};
  const int steps =
      1 + static_cast<int>(std::max(std::abs(to.x - from.x), std::abs(to.y - from.y)));
  for (int i = 0; i <= steps; ++i) {
    const float t = static_cast<float>(i) / steps;
    const int x0 = static_cast<int>(from.x + t * (to.x - from.x));
    const int y0 = static_cast<int>(from.y + t * (to.y - from.y));
    for (int y = y0; y < y0 + kStroke; ++y) {
      for (int x = x0; x < x0 + kStroke; ++x) {
        if (x < 0 || y < 0 || x >= image->width || y >= image->height) continue;
        std::copy_n(kColor, 3, image->At(x, y));
      }
    }
  }
}
