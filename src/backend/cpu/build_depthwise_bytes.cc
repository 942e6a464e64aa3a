// Depthwise convolutions of bytes: a word holds a column's pixel in four rows of the window, and one instruction sums
// its four products for each channel. A column's words are made once for all taps that read them.
#include <fmt/format.h>

#include <cstring>
#include <numeric>

#include "backend/cpu/build_contract_matrix.h"
#include "backend/cpu/build_depthwise.h"

namespace belay {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;

}  // namespace

bool DepthwiseWriter::CanSumWords(const KernelSpec& spec) const {
  const bool bytes = (s.x.dtype == DType::kU8 || s.x.dtype == DType::kI8) && s.w.dtype == DType::kI8;
  if (!f.row.int8_dot || !f.row.x86 || !bytes || acc != DType::kI32 || s.spatial != 2) return false;
  return PacksFilter(spec);
}

bool DepthwiseWriter::PairsRows() const {
  if (!sums_words || LeadingTaps() != kRowsOfWord - 1) return false;
  const Shape& out = s.node->shape();
  return s.window->strides[0] == 1 && s.window->dilations[0] == 1 && out[0].IsConst(1) && out[1].IsConst() &&
         out[1].value() > 1;
}

// [row of the output][row of words][tap of a row][channel, filled up to whole vectors], then, where x is flipped, what
// that adds to a column of the window, the other way: [tap of a row][channel].
PackRequest DepthwiseWriter::PackWords() const {
  const int64_t rows = LeadingTaps(), columns = kernel(), all = channels, shifts = OutputRows();
  const int64_t words_of_row = WordTaps(), words = words_of_row * shifts;
  const int64_t width = WordChannels();
  const bool flips = FlipsWords();
  const auto pack = [=](const void* src, void* dst) {
    const auto* filter = static_cast<const int8_t*>(src);
    const int64_t lines = words + (flips ? columns : 0);
    std::memset(dst, 0, static_cast<size_t>(lines * width * kRowsOfWord));
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        for (int64_t c = 0; c < all; ++c) {
          const int8_t weight = filter[(row * columns + column) * all + c];
          for (int64_t shift = 0; shift < shifts; ++shift) {
            const int64_t line = shift * words_of_row + row / kRowsOfWord * columns + column;
            static_cast<int8_t*>(dst)[(line * width + c) * kRowsOfWord + row % kRowsOfWord + shift] = weight;
          }
          if (flips) static_cast<int32_t*>(dst)[(words + column) * width + c] -= 128 * weight;
        }
      }
    }
  };
  const std::string layout = fmt::format("words of {}x{} taps, {} channels as {}{}{}", rows, columns, all, width,
                                         shifts == 2 ? ", twice" : "", flips ? ", flipped" : "");
  return {s.w.input, layout, (words + (flips ? columns : 0)) * width * kRowsOfWord, pack};
}

// Of `lanes` channels. places: by row of the window, the step's first column.
Value* DepthwiseWriter::Word(int64_t word_row, llvm::ArrayRef<Value*> places, int64_t column, Value* mask) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  Values bytes;
  for (int64_t row = word_row * kRowsOfWord; row < (word_row + 1) * kRowsOfWord; ++row) {
    if (row >= ReadRows()) {
      bytes.push_back(llvm::Constant::getNullValue(bytes[0]->getType()));
      continue;
    }
    Value* at = ElementAt(f, s.x.dtype, places[row], f.Int(column * pixel_stride));
    bytes.push_back(LoadLanes(e, s.x.dtype, at, f.Int(1), mask, lanes));
  }
  const auto pair = [&](Value* x, Value* y, int elements) {
    llvm::SmallVector<int, 64> order(static_cast<size_t>(2 * elements));
    std::iota(order.begin(), order.end(), 0);
    return b.CreateShuffleVector(x, y, order);
  };
  Value* rows_of_bytes = pair(pair(bytes[0], bytes[1], lanes), pair(bytes[2], bytes[3], lanes), 2 * lanes);
  llvm::SmallVector<int, 64> order;
  for (int c = 0; c < lanes; ++c) {
    for (int row = 0; row < kRowsOfWord; ++row) order.push_back(row * lanes + c);
  }
  Value* words = b.CreateBitCast(b.CreateShuffleVector(rows_of_bytes, order), WithLanes(b.getInt32Ty(), lanes));
  return FlipsWords() ? b.CreateXor(words, IntConstant(words->getType(), static_cast<int32_t>(0x80808080))) : words;
}

std::vector<Values> DepthwiseWriter::SumWords(const FixedStep& step, Value* first, Value* channel, Value* mask) {
  auto& b = f.b;
  EmitContext e{b, f.module, f.row};
  const auto packed = [&](int64_t line) {
    Value* at = ElementAt(f, acc, f.Buffer(s.w.input), b.CreateAdd(channel, f.Int(line * WordChannels())));
    return b.CreateAlignedLoad(RegisterType(e, acc, lanes), at, llvm::Align(4));
  };
  Values places = LinePlaces(first);
  for (Value*& place : places) place = ElementAt(f, s.x.dtype, place, channel);
  const auto count = static_cast<int64_t>(PixelsOf(step));
  const Values zeros(static_cast<size_t>(count), llvm::Constant::getNullValue(RegisterType(e, acc, lanes)));
  std::vector<Values> sums(static_cast<size_t>(OutputRows()), zeros);
  for (int64_t k = 0; FlipsWords() && k < kernel(); ++k) {
    Value* added = packed(WordTaps() * OutputRows() + k);
    for (Values& row : sums) {
      for (int64_t p = 0; p < count; ++p) {
        if (IsInside(step, p, k)) row[p] = b.CreateAdd(row[p], added);
      }
    }
  }
  const MatrixDot dot{DotKind::kBytes, DType::kU8, DType::kI8, static_cast<int>(kRowsOfWord)};
  for (int64_t word_row = 0; word_row < WordRows(); ++word_row) {
    std::vector<Values> taps(sums.size());  // by row of the output
    for (size_t row = 0; row < sums.size(); ++row) {
      const int64_t line = static_cast<int64_t>(row) * WordTaps() + word_row * kernel();
      for (int64_t k = 0; k < kernel(); ++k) taps[row].push_back(packed(line + k));
    }
    for (int64_t at = 0; at < Span(count); ++at) {
      Value* word = nullptr;
      for (int64_t k = 0; k < kernel(); ++k) {
        const int64_t p = PixelOf(step, at, k, count);
        if (p < 0) continue;
        if (word == nullptr) word = Word(word_row, places, at, mask);
        for (size_t row = 0; row < sums.size(); ++row) {
          sums[row][p] = EmitDot(f, dot, acc, word, taps[row][k], sums[row][p]);
        }
      }
    }
  }
  return sums;
}

}  // namespace belay
