// Discrete Fourier transforms of any length, in f64.
#include <cmath>
#include <numbers>
#include <vector>

#include "graph/library.h"

namespace belay {
namespace {

struct Complex {
  double re = 0, im = 0;
  Complex operator+(Complex o) const { return {re + o.re, im + o.im}; }
  Complex operator*(Complex o) const { return {re * o.re - im * o.im, re * o.im + im * o.re}; }
  Complex Conjugate() const { return {re, -im}; }
};

constexpr int64_t kLargestRadix = 61;  // longer prime factors go through a convolution

int64_t SmallestFactor(int64_t n) {
  for (int64_t p = 2; p * p <= n; ++p) {
    if (n % p == 0) return p;
  }
  return n;
}

int64_t LargestFactor(int64_t n) {
  int64_t largest = 1;
  for (int64_t p = 0; n > 1; n /= p) {
    p = SmallestFactor(n);
    largest = p;
  }
  return largest;
}

// exp(-2 pi j k / n) for all k.
std::vector<Complex> RootsOfUnity(int64_t n) {
  std::vector<Complex> roots(n);
  for (int64_t k = 0; k < n; ++k) {
    const double t = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    roots[k] = {std::cos(t), std::sin(t)};
  }
  return roots;
}

// By its prime factors: n transforms of length n/p of every p-th element, then combined.
class MixedRadix {
 public:
  explicit MixedRadix(int64_t n) : n_(n), roots_(RootsOfUnity(n)), row_(kLargestRadix) {}
  void Run(const Complex* x, Complex* y) { Step(x, 1, n_, y); }

 private:
  void Step(const Complex* x, int64_t stride, int64_t n, Complex* y) {
    if (n == 1) {
      y[0] = x[0];
      return;
    }
    const int64_t p = SmallestFactor(n), part = n / p, turn = n_ / n;
    for (int64_t r = 0; r < p; ++r) Step(x + r * stride, stride * p, part, y + r * part);
    for (int64_t k = 0; k < part; ++k) {
      for (int64_t r = 0; r < p; ++r) row_[r] = y[r * part + k] * roots_[r * k * turn];
      for (int64_t q = 0; q < p; ++q) {
        Complex sum = row_[0];
        for (int64_t r = 1; r < p; ++r) sum = sum + row_[r] * roots_[r * q % p * (n_ / p)];
        y[q * part + k] = sum;
      }
    }
  }

  const int64_t n_;
  const std::vector<Complex> roots_;
  std::vector<Complex> row_;
};

// Bluestein: k i = (k^2 + i^2 - (k - i)^2) / 2 makes a convolution of the sum.
class Bluestein {
 public:
  explicit Bluestein(int64_t n) : n_(n), padded_(PowerOfTwo(2 * n - 1)), inner_(padded_), chirp_(n) {
    std::vector<Complex> kernel(padded_);
    for (int64_t k = 0; k < n; ++k) {
      const double t = -std::numbers::pi * static_cast<double>(k * k % (2 * n)) / static_cast<double>(n);
      chirp_[k] = {std::cos(t), std::sin(t)};
      kernel[k] = chirp_[k].Conjugate();
      if (k) kernel[padded_ - k] = kernel[k];
    }
    spectrum_.resize(padded_);
    inner_.Run(kernel.data(), spectrum_.data());
    a_.resize(padded_);
    b_.resize(padded_);
  }
  void Run(const Complex* x, Complex* y) {
    std::fill(a_.begin(), a_.end(), Complex{});
    for (int64_t k = 0; k < n_; ++k) a_[k] = x[k] * chirp_[k];
    inner_.Run(a_.data(), b_.data());
    for (int64_t k = 0; k < padded_; ++k) a_[k] = (b_[k] * spectrum_[k]).Conjugate();
    inner_.Run(a_.data(), b_.data());  // of the conjugate: the inverse, conjugated
    const double scale = 1 / static_cast<double>(padded_);
    for (int64_t k = 0; k < n_; ++k) y[k] = b_[k].Conjugate() * chirp_[k] * Complex{scale, 0};
  }

 private:
  static int64_t PowerOfTwo(int64_t n) {
    int64_t p = 1;
    while (p < n) p *= 2;
    return p;
  }

  const int64_t n_, padded_;
  MixedRadix inner_;
  std::vector<Complex> chirp_, spectrum_, a_, b_;
};

struct Rows {
  int64_t count, in, in_parts, out, out_parts;
};

// x row: `in` numbers of 1 or 2 parts; with hermitian, the rest of n follows by symmetry.
template <typename T>
void ReadRow(const T* x, const Rows& rows, bool hermitian, std::vector<Complex>* row) {
  const auto n = static_cast<int64_t>(row->size());
  for (int64_t i = 0; i < rows.in; ++i) {
    const Complex value = {static_cast<double>(x[i * rows.in_parts]),
                           rows.in_parts == 2 ? static_cast<double>(x[i * 2 + 1]) : 0};
    (*row)[i] = value;
    if (hermitian && i > 0) (*row)[n - i] = 2 * i == n ? Complex{value.re, 0} : value.Conjugate();
  }
  if (hermitian) (*row)[0].im = 0;
}

template <typename T, typename Transform>
void RunRows(LibraryCall& call, const Rows& rows, int64_t n, Transform transform) {
  const bool inverse = call.Attr("inverse") != 0, hermitian = call.Attr("hermitian") != 0;
  const T* x = call.inputs[0].as<T>();
  T* y = call.outputs[0].as<T>();
  std::vector<Complex> row(n), spectrum(n);
  const double scale = inverse ? 1 / static_cast<double>(n) : 1;
  for (int64_t r = 0; r < rows.count; ++r) {
    ReadRow(x + r * rows.in * rows.in_parts, rows, hermitian, &row);
    if (inverse) {
      for (Complex& value : row) value = value.Conjugate();
    }
    transform.Run(row.data(), spectrum.data());
    T* to = y + r * rows.out * rows.out_parts;
    for (int64_t k = 0; k < rows.out; ++k) {
      const Complex value = inverse ? spectrum[k].Conjugate() : spectrum[k];
      to[k * rows.out_parts] = static_cast<T>(value.re * scale);
      if (rows.out_parts == 2) to[k * 2 + 1] = static_cast<T>(value.im * scale);
    }
  }
}

template <typename T>
void Transform(LibraryCall& call, const Rows& rows, int64_t n) {
  if (LargestFactor(n) <= kLargestRadix) return RunRows<T>(call, rows, n, MixedRadix(n));
  RunRows<T>(call, rows, n, Bluestein(n));
}

}  // namespace

// x [rows, in, 1 or 2] -> [rows, out, 1 or 2], f32 or f64. The length is `in`; with the attribute hermitian,
// where x is the first half of a spectrum, it is `out`. Attribute inverse: conjugated and divided by the length.
Status LibraryFourier(LibraryCall& call) {
  const std::vector<int64_t>&x = call.inputs[0].dims, &y = call.outputs[0].dims;
  const Rows rows = {x[0], x[1], x[2], y[1], y[2]};
  const int64_t n = call.Attr("hermitian") ? rows.out : rows.in;
  if (n < 1 || rows.count == 0) return OkStatus();
  if (call.inputs[0].dtype == DType::kF64) {
    Transform<double>(call, rows, n);
  } else {
    Transform<float>(call, rows, n);
  }
  return OkStatus();
}

}  // namespace belay
