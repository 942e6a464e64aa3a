// Runs ONNX models through CANN's graph engine: one session, one stream, one graph per model.
#ifndef EXAMPLES_READ_TEXT_ENGINE_H_
#define EXAMPLES_READ_TEXT_ENGINE_H_
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct Array {
  std::vector<int64_t> shape;
  std::vector<float> data;
};

class Engine {
 public:
  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Parses, compiles and loads a model with one float input and output; returns its graph id.
  uint32_t Load(const std::string& onnx_file);

  // Runs the graph once and waits for it; it gives at most `max_output` elements.
  Array Run(uint32_t graph, const Array& input, size_t max_output);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

#endif  // EXAMPLES_READ_TEXT_ENGINE_H_
