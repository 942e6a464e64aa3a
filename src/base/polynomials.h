// Approximations of functions of f32, for generated kernels and library functions alike. Polynomials have the highest
// power first.
#pragma once

namespace belay {

// e^r - 1 = r + r^2 * q(r) on |r| <= ln2/2.
inline constexpr double kExpTail[] = {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
                                      4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1};
// ln2 = kLn2High + kLn2Low; the product of the first and an integer of 8 bits is exact.
inline constexpr double kLog2E = 1.44269504088896341, kLn2High = 0.693145751953125, kLn2Low = 1.42860682030941723e-6;
// e^x is infinite above kExpHigh, 0 below kExpLow.
inline constexpr double kExpLow = -105, kExpHigh = 90;

// tanh(x) = x + x^3 * p(x^2) on |x| < kTanhSmall.
inline constexpr double kTanhTail[] = {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1,
                                       -3.33332819422e-1};
inline constexpr double kTanhSmall = 0.625;

}  // namespace belay
