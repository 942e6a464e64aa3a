// Compiles a fragment, runs it on buffers beside inaccessible pages and compares with the interpreter.
#pragma once
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "backend/cpu/build_jit.h"
#include "graph/builder.h"
#include "graph/graph.h"

namespace belay {

// A fragment under construction: inputs with values, symbols with values.
class KernelCase {
 public:
  explicit KernelCase(uint32_t seed = 1);
  Builder& b() { return builder_; }
  // A new extent that is a symbol with this value.
  Dim Dynamic(int64_t value);
  // A new input with random values; a constant one may be packed by the kernel.
  Tensor Input(DType dtype, const Shape& shape, bool constant = false);
  // Multiplies every `every`-th element of an input.
  void Scale(int input, int64_t every, double factor);
  void Output(const Tensor& result) {
    graph_->outputs = {result.node()};
    reference_.reset();
  }

  // Runs on the rows this host has; `depth` products are summed to one element.
  void Check(double depth);
  // Same for one row; the kernel's line about itself.
  std::string CheckRow(const TargetRow& row, double depth);
  // The largest difference from the interpreter's result on a row.
  double LargestDifference(const TargetRow& row);
  KernelSpec Spec() const;
  const std::vector<int64_t>& symbols() const { return symbols_; }
  const std::vector<LiteralPtr>& values() const { return values_; }

 private:
  // What the interpreter says, of all rows.
  struct Reference {
    LiteralPtr result;
    double largest_sum = 0;  // of the contraction or convolution, before any map
    DType sums = DType::kF32;
  };
  const Reference& Expected();
  std::vector<const TargetRow*> Rows() const;

  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  Builder builder_{graph_.get()};
  std::vector<int64_t> symbols_;
  std::vector<bool> constant_;
  std::vector<LiteralPtr> values_;
  std::optional<Reference> reference_;
  std::mt19937 random_;
};

}  // namespace belay
