// One pool of compute threads per process, shared by every stream.
#pragma once
#include <cstdint>

namespace belay {

// Threads that take part in ParallelFor, the caller included: BELAY_THREADS, else the cores this
// process may use (affinity mask and cgroup quota). At least 1.
int ThreadCount();
// For tests and the --threads flag; takes effect at the next ParallelFor.
void SetThreadCount(int threads);

// Calls fn(arg, begin, end) so that the ranges cover [0, chunks) once. Chunks are taken one (or a few)
// at a time, on at most `max_threads` threads (0: all), the caller among them: each thread begins with
// a part of its own, the same in every call, and helps the others then. Returns when all are done.
// Nested calls run inline. Never throws, never allocates after warm-up.
void ParallelFor(int64_t chunks, void (*fn)(void* arg, int64_t begin, int64_t end), void* arg,
                 int max_threads = 0);

}  // namespace belay
