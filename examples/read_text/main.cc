// Reads the text in a picture: read_text MODEL_DIR PICTURE
// Prints each line of text with its confidence, time and box, and writes a picture with the boxes
// beside it.
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

#include "detector.h"
#include "engine.h"
#include "image.h"
#include "recognizer.h"

namespace {

class Stopwatch {
 public:
  double Milliseconds() const {
    const auto passed = std::chrono::steady_clock::now() - start_;
    return std::chrono::duration<double, std::milli>(passed).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string AnnotatedPath(const std::string& path) {
  const size_t dot = path.find_last_of('.');
  const size_t slash = path.find_last_of('/');
  const bool has_suffix = dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return (has_suffix ? path.substr(0, dot) : path) + ".annotated.png";
}

void Progress(const char* what) {
  std::printf("%s\n", what);
  std::fflush(stdout);
}

void Run(const std::string& models, const std::string& path) {
  Image image = ReadImage(path);
  std::printf("%s: %d x %d\n", path.c_str(), image.width, image.height);

  Stopwatch loading;
  Engine engine;
  Progress("compiling the detector");
  const Detector detector(&engine, models + "/ppocr4_det.onnx");
  Progress("compiling the recogniser");
  const Recognizer recognizer(&engine, models + "/ppocr4_rec.onnx",
                              models + "/ppocr4_rec.characters.txt");
  std::printf("both compiled in %.1f s\n", loading.Milliseconds() / 1000);
  std::fflush(stdout);

  Stopwatch all;
  const std::vector<TurnedRect> boxes = detector.Find(image);
  std::printf("%zu lines found in %.0f ms\n", boxes.size(), all.Milliseconds());
  const Image original = image;
  for (const TurnedRect& box : boxes) {
    Stopwatch one;
    const Reading reading = recognizer.Read(original, box);
    const double ms = one.Milliseconds();
    const auto corners = box.Corners();
    std::printf("%5.3f %6.1f ms ", reading.confidence, ms);
    for (size_t i = 0; i < corners.size(); ++i) {
      std::printf(" %.0f,%.0f", corners[i].x, corners[i].y);
      DrawLine(&image, corners[i], corners[(i + 1) % corners.size()]);
    }
    std::printf("  %s\n", reading.text.c_str());
    std::fflush(stdout);
  }
  std::printf("read in %.0f ms\n", all.Milliseconds());
  WritePng(AnnotatedPath(path), image);
  std::printf("boxes drawn in %s\n", AnnotatedPath(path).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: read_text MODEL_DIR PICTURE\n");
    return 2;
  }
  try {
    Run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "read_text: %s\n", error.what());
    return 1;
  }
  return 0;
}
