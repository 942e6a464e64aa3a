// The constants of self-normalising networks (Klambauer and others, 2017), as ONNX and GE write them.
#pragma once

namespace belay {

constexpr double kSeluAlpha = 1.67326319217681884765625, kSeluScale = 1.05070102214813232421875;

}  // namespace belay
