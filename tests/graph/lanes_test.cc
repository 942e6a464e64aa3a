// Loops of library functions over vectors: errors against f64, and the same bytes as plain loops.
#include "graph/library/lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace belay {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

double UlpsOff(float got, double want) {
  const auto nearest = static_cast<float>(want);
  const double ulp = std::max<double>(std::nextafter(std::abs(nearest), kInf) - std::abs(nearest), 0x1p-149);
  return std::abs(got - want) / ulp;
}

// The worst error over [-100, 100] and near 0.
double WorstUlps(void (*in_place)(float*, int64_t), double (*exact)(double)) {
  std::vector<float> x;
  for (int i = -200000; i <= 200000; ++i) x.push_back(static_cast<float>(i) * 5e-4f);
  for (float tiny = 0x1p-149f; tiny < 1; tiny *= 1.7f) x.push_back(tiny), x.push_back(-tiny);
  std::vector<float> y = x;
  in_place(y.data(), static_cast<int64_t>(y.size()));
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, UlpsOff(y[i], exact(x[i])));
  return worst;
}

TEST(Lanes, ErrorsOfActivations) {
  EXPECT_LE(WorstUlps(SigmoidInPlace, [](double x) { return 1 / (1 + std::exp(-x)); }), 4);
  EXPECT_LE(WorstUlps(TanhInPlace, [](double x) { return std::tanh(x); }), 4);
}

TEST(Lanes, EndsOfTheRange) {
  float x[] = {kInf, -kInf, std::nanf(""), 0.0f, -0.0f, 3e38f, -3e38f}, y[7];
  std::memcpy(y, x, sizeof x);
  SigmoidInPlace(x, 7);
  TanhInPlace(y, 7);
  EXPECT_EQ(x[0], 1);
  EXPECT_EQ(x[1], 0);
  EXPECT_TRUE(std::isnan(x[2]) && std::isnan(y[2]));
  EXPECT_EQ(x[3], 0.5f);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], -1);
  EXPECT_TRUE(y[3] == 0 && !std::signbit(y[3]) && y[4] == 0 && std::signbit(y[4]));
  EXPECT_EQ(y[5], 1);
  EXPECT_EQ(y[6], -1);
}

// A value's bytes do not depend on where in a vector, or behind the last whole one, it stands.
TEST(Lanes, ActivationsByPlace) {
  for (int64_t n = 1; n < 40; ++n) {
    std::vector<float> x(n, 0.7f);
    TanhInPlace(x.data(), n);
    for (float v : x) EXPECT_EQ(v, x[0]) << n;
  }
}

template <typename T>
void ExpectPlainSums(int64_t rows, int64_t inner, int64_t columns) {
  std::mt19937 random(7);
  std::uniform_real_distribution<T> draw(-1, 1);
  const int64_t stride = columns + 3;
  std::vector<T> x(rows * inner), w(inner * stride), y(rows * columns), want;
  for (std::vector<T>* list : {&x, &w, &y}) {
    for (T& v : *list) v = draw(random);
  }
  want = y;
  std::vector<const T*> x_rows;
  std::vector<T*> y_rows;
  for (int64_t r = 0; r < rows; ++r) {
    x_rows.push_back(x.data() + r * inner), y_rows.push_back(y.data() + r * columns);
    for (int64_t c = 0; c < columns; ++c) {
      T sum = 0;
      for (int64_t k = 0; k < inner; ++k) {
        volatile T product = x[r * inner + k] * w[k * stride + c];
        sum += product;
      }
      want[r * columns + c] += sum;
    }
  }
  AddRowProducts(RowProducts<T>{x_rows.data(), y_rows.data(), rows, inner, columns, w.data(), stride});
  EXPECT_EQ(y, want) << rows << " rows of " << inner << ", " << columns << " columns";
}

TEST(Lanes, ProductsAreThoseOfAPlainLoop) {
  for (int64_t rows : {0, 1, 4, 7}) {
    for (int64_t columns : {1, 16, 67, 303}) {
      ExpectPlainSums<float>(rows, 29, columns);
      ExpectPlainSums<double>(rows, 29, columns);
    }
  }
}

}  // namespace
}  // namespace belay
