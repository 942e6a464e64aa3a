// Finds lines of text: PP-OCR's detector gives a map of how likely each pixel is text; boxes are
// made from that.
#ifndef EXAMPLES_READ_TEXT_DETECTOR_H_
#define EXAMPLES_READ_TEXT_DETECTOR_H_
#include <string>
#include <vector>

#include "engine.h"
#include "geometry.h"
#include "image.h"

class Detector {
 public:
  Detector(Engine* engine, const std::string& onnx_file);
  // In reading order: from top to bottom, and from left to right on one line.
  std::vector<TurnedRect> Find(const Image& image) const;

 private:
  Engine* engine_;
  uint32_t graph_;
};

#endif  // EXAMPLES_READ_TEXT_DETECTOR_H_
