// Reads one line of text with PP-OCR's recogniser, a graph for lines of any width.
#ifndef EXAMPLES_READ_TEXT_RECOGNIZER_H_
#define EXAMPLES_READ_TEXT_RECOGNIZER_H_
#include <string>
#include <vector>

#include "engine.h"
#include "geometry.h"
#include "image.h"

struct Reading {
  std::string text;  // UTF-8
  float confidence = 0;
};

class Recognizer {
 public:
  Recognizer(Engine* engine, const std::string& onnx_file, const std::string& characters_file);
  Reading Read(const Image& image, const TurnedRect& box) const;

 private:
  Reading ReadLine(const Image& line) const;
  Reading ReadStretched(const Image& line, float stretch) const;
  Reading Decode(const Array& scores) const;

  Engine* engine_;
  uint32_t graph_;
  std::vector<std::string> characters_;
};

#endif  // EXAMPLES_READ_TEXT_RECOGNIZER_H_
