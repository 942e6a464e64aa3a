// 8-bit RGB pictures: reading, writing, resampling, drawing.
#ifndef EXAMPLES_READ_TEXT_IMAGE_H_
#define EXAMPLES_READ_TEXT_IMAGE_H_
#include <cstdint>
#include <string>
#include <vector>

struct Image {
  Image() = default;
  Image(int w, int h) : width(w), height(h), rgb(static_cast<size_t>(w) * h * 3) {}
  uint8_t* At(int x, int y) { return &rgb[(static_cast<size_t>(y) * width + x) * 3]; }
  const uint8_t* At(int x, int y) const { return &rgb[(static_cast<size_t>(y) * width + x) * 3]; }

  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;
};

struct Point {
  float x = 0;
  float y = 0;
};

Image ReadImage(const std::string& path);  // PNG, JPEG, BMP; transparent pixels become white
void WritePng(const std::string& path, const Image& image);

// Triangle filter, widened when shrinking so that thin strokes survive.
Image Resize(const Image& image, int width, int height);

// Quarter turn against the clock.
Image TurnLeft(const Image& image);

// The parallelogram at `origin` spanned by `right` and `down`, as a picture of width x height.
Image CutOut(const Image& image, Point origin, Point right, Point down, int width, int height);

void DrawLine(Image* image, Point from, Point to);

#endif  // EXAMPLES_READ_TEXT_IMAGE_H_
