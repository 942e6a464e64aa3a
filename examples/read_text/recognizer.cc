#include "recognizer.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

namespace {

constexpr int kHeight = 48;    // the network's only fixed extent
constexpr int kMinWidth = 48;
constexpr float kDoubtful = 0.8f;  // a line read with less confidence is read again,
constexpr float kStretch = 1.5f;   // stretched: the network runs narrow letters together
constexpr float kUpright = 1.5f;  // from this height : width on, a line is taken to run up or down

Image CutLine(const Image& image, const TurnedRect& box) {
  const auto corner = box.Corners();
  const Point right = {corner[1].x - corner[0].x, corner[1].y - corner[0].y};
  const Point down = {corner[3].x - corner[0].x, corner[3].y - corner[0].y};
  return CutOut(image, corner[0], right, down,
                std::max(1, static_cast<int>(std::lround(box.width))),
                std::max(1, static_cast<int>(std::lround(box.height))));
}

Array ToInput(const Image& line, float stretch) {
  const int natural = (kHeight * line.width + line.height - 1) / line.height;
  const int text = static_cast<int>(std::lround(natural * stretch));
  const Image small = Resize(line, text, kHeight);
  const int width = std::max(kMinWidth, text);
  Array input{{1, 3, kHeight, width}, std::vector<float>(3u * kHeight * width)};
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < text; ++x) {
        // Blue, green, red; what is right of the text stays 0.
        input.data[(static_cast<size_t>(c) * kHeight + y) * width + x] =
            small.At(x, y)[2 - c] / 127.5f - 1.0f;
      }
    }
  }
  return input;
}

}  // namespace

Recognizer::Recognizer(Engine* engine, const std::string& onnx_file,
                       const std::string& characters_file)
    : engine_(engine), graph_(engine->Load(onnx_file)), characters_{""} {
  std::ifstream file(characters_file);
  for (std::string line; std::getline(file, line);) characters_.push_back(line);
  if (characters_.size() == 1) throw std::runtime_error(characters_file + ": cannot read");
  characters_.push_back(" ");
}

Reading Recognizer::Read(const Image& image, const TurnedRect& box) const {
  const Image line = CutLine(image, box);
  if (line.height < kUpright * line.width) return ReadLine(line);
  const Image left = TurnLeft(line);
  const Reading downwards = ReadLine(left);
  const Reading upwards = ReadLine(TurnLeft(TurnLeft(left)));
  return upwards.confidence > downwards.confidence ? upwards : downwards;
}

Reading Recognizer::ReadLine(const Image& line) const {
  const Reading first = ReadStretched(line, 1);
  if (first.confidence >= kDoubtful) return first;
  const Reading second = ReadStretched(line, kStretch);
  return second.confidence > first.confidence ? second : first;
}

Reading Recognizer::ReadStretched(const Image& line, float stretch) const {
  const Array input = ToInput(line, stretch);
  const size_t max_steps = static_cast<size_t>(input.shape[3]) / 4 + 1;
  return Decode(engine_->Run(graph_, input, max_steps * characters_.size()));
}

// Class 0 means "no new character"; one that lasts several steps is written once.
Reading Recognizer::Decode(const Array& scores) const {
  const size_t classes = characters_.size();
  if (scores.shape.size() != 3 || scores.shape[2] != static_cast<int64_t>(classes)) {
    throw std::runtime_error("the recogniser's output does not fit the character table");
  }
  Reading reading;
  size_t last = 0;
  int count = 0;
  for (int64_t step = 0; step < scores.shape[1]; ++step) {
    const float* row = &scores.data[static_cast<size_t>(step) * classes];
    const size_t best = static_cast<size_t>(std::max_element(row, row + classes) - row);
    if (best != 0 && best != last) {
      reading.text += characters_[best];
      reading.confidence += row[best];
      ++count;
    }
    last = best;
  }
  if (count > 0) reading.confidence /= static_cast<float>(count);
  reading.text.erase(0, reading.text.find_first_not_of(' '));
  reading.text.erase(reading.text.find_last_not_of(' ') + 1);
  return reading;
}
