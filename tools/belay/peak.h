// What this machine can do at most, measured now.
#pragma once

namespace belay::tool {

// Multiplications and additions of f32 a second of one core, in GFLOP/s; 0 where there is no loop for the machine.
double MeasurePeakGflops();

}  // namespace belay::tool
