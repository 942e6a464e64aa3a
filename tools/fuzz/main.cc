// fuzz READER SECONDS SEED CRASH_FILE MODEL.onnx...: mutates models and reads them until the CPU time is over.
// READER is onnx (bytes to a graph, and what the importer says of it) or ge (serialised graphs). The input at hand lies
// in CRASH_FILE; after a crash, a report of a sanitizer or 20 seconds on one input the process ends and it stays there.
// `fuzz READER FILE` reads one such file.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

#include "mutate.h"
#include "readers.h"

namespace belay::fuzz {
namespace {

constexpr size_t kFileBytes = 1 << 20;

std::string ReadFile(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double CpuSeconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

int Fuzz(const Reader& reader, double seconds, uint64_t seed, const char* crash_file, std::vector<std::string> corpus) {
  const int fd = open(crash_file, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || ftruncate(fd, kFileBytes) != 0) return 2;
  char* shared = static_cast<char*>(mmap(nullptr, kFileBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  if (shared == MAP_FAILED) return 2;
  Random random(seed);
  const size_t seeds = corpus.size();
  long long runs = 0, accepted = 0;
  const double start = CpuSeconds();
  while (CpuSeconds() - start < seconds) {
    const std::string& base = corpus[random() % corpus.size()];
    std::string input = Mutate(base, corpus[random() % corpus.size()], &random);
    const uint64_t size = input.size();
    std::memcpy(shared, &size, sizeof size);
    std::memcpy(shared + sizeof size, input.data(), input.size());
    alarm(20);
    const bool ok = reader.read(input);
    ++runs;
    accepted += ok;
    // What is still a graph is a seed for stranger ones.
    if (ok && random() % 8 == 0) {
      if (corpus.size() < 3 * seeds) {
        corpus.push_back(std::move(input));
      } else {
        corpus[seeds + random() % (2 * seeds)] = std::move(input);
      }
    }
  }
  alarm(0);
  unlink(crash_file);
  std::printf("%s: %lld inputs from %zu seeds, %lld of them read as graphs, %.0f CPU-seconds, no find\n",
              reader.name, runs,
              seeds, accepted, seconds);
  return 0;
}

int Main(int argc, char** argv) {
  const Reader* reader = argc > 2 ? FindReader(argv[1]) : nullptr;
  if (!reader) {
    std::fprintf(stderr, "fuzz onnx|ge SECONDS SEED CRASH_FILE MODEL.onnx...\nfuzz onnx|ge FILE\n");
    return 2;
  }
  if (argc == 3) {
    const std::string file = ReadFile(argv[2]);
    uint64_t size = 0;
    if (file.size() == kFileBytes) std::memcpy(&size, file.data(), sizeof size);
    std::printf("%s\n", reader->read(size ? file.substr(sizeof size, size) : file) ? "a graph" : "refused");
    return 0;
  }
  std::vector<std::string> corpus;
  for (int i = 5; i < argc; ++i) {
    std::string bytes = reader->seed(ReadFile(argv[i]));
    if (!bytes.empty() && bytes.size() < (1 << 15)) corpus.push_back(std::move(bytes));
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no seed is usable\n");
    return 2;
  }
  return Fuzz(*reader, std::stod(argv[2]), std::stoull(argv[3]), argv[4], std::move(corpus));
}

}  // namespace
}  // namespace belay::fuzz

int main(int argc, char** argv) { return belay::fuzz::Main(argc, argv); }
