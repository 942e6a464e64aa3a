// What depthwise kernels are written by: vectors of channels, several output pixels of one row at once.
#pragma once
#include "backend/cpu/build_conv.h"

namespace belay {

struct DepthwiseWriter {
  using Value = llvm::Value;
  using Values = std::vector<Value*>;

  KernelFrame& f;
  const ConvShape& s;
  Epilogue& epilogue;
  DType acc;
  int lanes;
  int64_t channels, pixel_stride;  // elements of x from one pixel of a row to the next
  int64_t pixels = 4;              // of one step
  Dim inner_begin, inner_end;      // output pixels of a row whose windows lie inside it
  Value* outside = nullptr;        // pixels
  Values rows;  // of x, for each position of the window's leading dims, two values: its address, whether it is inside
  Values coords;

  int last() const { return s.spatial - 1; }
  int64_t kernel() const { return s.window->kernel[last()]; }
  int64_t stride() const { return s.window->strides[last()]; }
  int64_t dilation() const { return s.window->dilations[last()]; }
  int64_t LeadingTaps() const { return s.taps / kernel(); }
  // Pixels of a row of x that `count` neighbours read.
  int64_t Span(int64_t count) const { return (count - 1) * stride() + (kernel() - 1) * dilation() + 1; }

  Value* Outside(const std::string& symbol);
  void FindCoords(Value* row);
  void FindRows(int64_t count);
  Values LinePlaces(Value* first) const;
  void Row(Value* row);
  void Step(Value* first, const std::vector<Values>& places);
  void Channels(Value* first, Value* channel, Value* mask, const std::vector<Values>& places);
  Value* Load(DType dtype, Value* base, Value* index, Value* mask);
  bool PacksFilter(const KernelSpec& spec) const;  // a constant [tap][channel]
  Dim TapStride() const { return *MergedStride(s.node->inputs[1]->shape(), s.w.strides, 0, s.spatial + 1); }

  // Rows of known extents.
  struct FixedStep {
    int64_t first, count;
    bool inner;  // one of several that lie inside: `first` is the first one's
  };
  struct Line {
    Value *x, *w;  // at the step's first column, which may lie outside, and a row of taps; the channel's
    Value* mask;
  };
  Values lows, highs;  // of the taps inside x, for each of the window's leading dims
  Value* window = nullptr;  // offset of the window's first row in x, perhaps outside
  bool HasFixedRows() const;
  bool FitsCore() const;
  int64_t BlockVectors() const;
  std::vector<FixedStep> FixedSteps() const;
  bool IsInside(const FixedStep& step, int64_t pixel, int64_t tap) const;
  int64_t PixelOf(const FixedStep& step, int64_t column, int64_t tap, int64_t count) const;
  void FindTaps();
  void FixedRows(Value* first, Value* last);
  void FixedRow(Value* row, Value* begin, Value* end, Value* mask);
  void StorePixels(Value* first, Value* channel, Value* mask, const Values& sums);
  void FixedChannels(const FixedStep& step, Value* first, Value* channel, Value* mask);
  size_t PixelsOf(const FixedStep& step) const { return static_cast<size_t>(step.inner ? pixels : step.count); }
  Values SumPixels(const FixedStep& step, Value* first, Value* channel, Value* mask);
  Values SumTaps(const FixedStep& step, int dim, const Line& at, const Values& sums);
  Values SumLine(const FixedStep& step, const Line& at, Values sums);

  // Bytes: four rows of the window in a word, whose products one instruction sums.
  static constexpr int64_t kRowsOfWord = 4;
  bool sums_words = false;
  bool CanSumWords(const KernelSpec& spec) const;
  // Two rows of the output read the same words where three rows of the window leave room for the next one.
  bool PairsRows() const;
  int64_t OutputRows() const { return PairsRows() ? 2 : 1; }
  int64_t ReadRows() const { return LeadingTaps() + OutputRows() - 1; }
  int64_t WordRows() const { return (LeadingTaps() + kRowsOfWord - 1) / kRowsOfWord; }
  int64_t WordTaps() const { return WordRows() * kernel(); }
  int64_t WordChannels() const { return (channels + lanes - 1) / lanes * lanes; }
  bool FlipsWords() const { return s.x.dtype == DType::kI8; }  // read as x + 128
  PackRequest PackWords() const;
  Value* Word(int64_t word_row, llvm::ArrayRef<Value*> places, int64_t column, Value* mask);
  std::vector<Values> SumWords(const FixedStep& step, Value* first, Value* channel, Value* mask);  // by row, pixel
};

}  // namespace belay
