// Counts of n-grams.
#include <algorithm>
#include <map>
#include <vector>

#include "graph/library.h"

namespace belay {
namespace {

using Gram = std::vector<int64_t>;

// The pool's n-grams of length n: which of all they are.
std::map<Gram, int64_t> GramsOf(const int64_t* pool, int64_t first, int64_t end, int64_t n, int64_t* number) {
  std::map<Gram, int64_t> grams;
  for (int64_t at = first; at + n <= end; at += n) grams.emplace(Gram(pool + at, pool + at + n), (*number)++);
  return grams;
}

}  // namespace

// Inputs: x i64 [N, C]; pool i64, all 1-grams, then all 2-grams, ...; where each length starts in it; each
// n-gram's column in the output, and its weight. Output: f32 [N, columns]. Attributes: shortest and longest
// n-gram, max_skip elements left out between neighbours, mode 0 counts, 1 presence times weight, 2 counts times
// weight.
Status LibraryNgrams(LibraryCall& call) {
  const int64_t rows = call.inputs[0].dims[0], length = call.inputs[0].dims[1], columns = call.outputs[0].dims[1];
  const int64_t *x = call.inputs[0].as<int64_t>(), *pool = call.inputs[1].as<int64_t>();
  const int64_t *starts = call.inputs[2].as<int64_t>(), levels = call.inputs[2].NumElements();
  const int64_t* column = call.inputs[3].as<int64_t>();
  const float* weights = call.inputs[4].as<float>();
  const int64_t mode = call.Attr("mode");
  float* y = call.outputs[0].as<float>();
  std::fill_n(y, rows * columns, 0.0f);
  std::vector<int64_t> counts;
  int64_t number = 0;
  Gram gram;
  for (int64_t n = 1; n <= levels; ++n) {
    const int64_t end = n < levels ? starts[n] : call.inputs[1].NumElements(), first_number = number;
    const std::map<Gram, int64_t> grams = GramsOf(pool, starts[n - 1], end, n, &number);
    if (n < call.Attr("shortest") || n > call.Attr("longest")) continue;
    // More elements left out than there are leave no n-gram.
    const int64_t steps = n == 1 ? 1 : std::min(call.Attr("max_skip"), length) + 1;
    for (int64_t r = 0; r < rows; ++r) {
      counts.assign(number - first_number, 0);
      for (int64_t step = 1; step <= steps; ++step) {
        for (int64_t at = 0; at + (n - 1) * step < length; ++at) {
          gram.clear();
          for (int64_t k = 0; k < n; ++k) gram.push_back(x[r * length + at + k * step]);
          auto it = grams.find(gram);
          if (it != grams.end()) ++counts[it->second - first_number];
        }
      }
      for (int64_t g = first_number; g < number; ++g) {
        const int64_t count = counts[g - first_number];
        const float weight = mode == 0 ? 1 : weights[g];
        y[r * columns + column[g]] += weight * static_cast<float>(mode == 1 ? count > 0 : count);
      }
    }
  }
  return OkStatus();
}

}  // namespace belay
