// Inside of the CPU's streams that the memory registry needs: points that all queues have to pass.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace belay {

class CpuStream;

struct StreamPoint {
  std::shared_ptr<CpuStream> stream;
  uint64_t point = 0;
};

// One point per stream that has unfinished work now; empty when every stream is idle.
std::vector<StreamPoint> PointsOfBusyStreams();
bool Passed(const std::vector<StreamPoint>& points);

}  // namespace belay
