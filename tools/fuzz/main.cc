// fuzz READER SECONDS SEED CRASH_FILE MODEL.onnx...: mutates models and reads them until the CPU time is over.
// READER is onnx (bytes to a graph, and what the importer says of it), ge (serialised graphs) or run (import, compile
// and run on small inputs). The input at hand lies in CRASH_FILE; after a crash, a report of a sanitizer or 20 CPU-
// seconds on one input the process ends and it stays there. `fuzz READER FILE` reads one such file.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <new>

#include "mutate.h"
#include "readers.h"
#include "watch.h"

namespace belay::fuzz {
namespace {

constexpr size_t kFileBytes = 1 << 20, kSeedBytes = 1 << 15;
constexpr int kMegabytes = 3000;

std::string ReadFile(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

double CpuSeconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Counts {
  long long runs, accepted, too_large, endless;
};

void* Shared(int fd, size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
  if (at == MAP_FAILED) std::exit(2);
  return at;
}

// From now on so much CPU time ends the process; 0: none does.
void AllowCpu(int seconds) {
  const itimerval limit{{}, {seconds, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
}

// `file`: where the input at hand lies.
void FuzzHere(const Reader& reader, double seconds, uint64_t seed, std::vector<std::string> corpus, char* file,
              Counts* counts) {
  Random random(seed);
  const size_t seeds = corpus.size();
  const double start = CpuSeconds();
  while (CpuSeconds() - start < seconds) {
    const std::string& base = corpus[Below(corpus.size(), &random)];
    std::string input = reader.mutate(base, corpus[Below(corpus.size(), &random)], &random);
    const uint64_t size = input.size();
    if (size > kFileBytes - sizeof size) continue;
    std::memcpy(file, &size, sizeof size);
    std::memcpy(file + sizeof size, input.data(), input.size());
    if (!reader.in_a_child) AllowCpu(20);
    ++counts->runs;
    NextInput();
    const bool ok = reader.read(input);
    counts->accepted += ok;
    // What is still a graph is a seed for stranger ones.
    if (ok && Below(8, &random) == 0 && input.size() < kSeedBytes) {
      if (corpus.size() < 3 * seeds) {
        corpus.push_back(std::move(input));
      } else {
        corpus[seeds + Below(2 * seeds, &random)] = std::move(input);
      }
    }
  }
  AllowCpu(0);
}

// One child after the other, until one ends by a find: they may exceed what they are allowed.
int FuzzInChildren(const Reader& reader, double seconds, uint64_t seed, const std::vector<std::string>& corpus,
                   char* file, Counts* counts) {
  double spent = 0;
  for (int child = 0; spent < seconds; ++child) {
    const pid_t pid = fork();
    if (pid < 0) return 2;
    if (pid == 0) {
      WatchThisProcess(kMegabytes);
      FuzzHere(reader, seconds - spent, seed + static_cast<uint64_t>(child) * 1000, corpus, file, counts);
      std::exit(0);
    }
    int status = 0;
    rusage used{};
    if (wait4(pid, &status, 0, &used) != pid) return 2;
    spent += static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
             static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    counts->too_large += code == kTooLarge;
    counts->endless += code == kEndless;
    if (code != 0 && code != kTooLarge && code != kEndless) {
      std::fprintf(stderr, "ended by %s %d\n", code < 0 ? "signal" : "status", code < 0 ? WTERMSIG(status) : code);
      return 1;
    }
  }
  return 0;
}

int Fuzz(const Reader& reader, double seconds, uint64_t seed, const char* crash_file,
         const std::vector<std::string>& corpus) {
  const int fd = open(crash_file, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || ftruncate(fd, kFileBytes) != 0) return 2;
  char* file = static_cast<char*>(Shared(fd, kFileBytes));
  auto* counts = new (Shared(-1, sizeof(Counts))) Counts{};
  if (reader.in_a_child) {
    const int status = FuzzInChildren(reader, seconds, seed, corpus, file, counts);
    if (status != 0) return status;
  } else {
    FuzzHere(reader, seconds, seed, corpus, file, counts);
  }
  unlink(crash_file);
  std::printf("%s: %lld inputs from %zu seeds, %lld of them %s, %.0f CPU-seconds, no find\n", reader.name,
              counts->runs, corpus.size(), counts->accepted, reader.done, seconds);
  if (reader.in_a_child) {
    std::printf("%s: %lld were stopped at %d MB, %lld in a loop\n", reader.name, counts->too_large, kMegabytes,
                counts->endless);
  }
  return 0;
}

int Main(int argc, char** argv) {
  const Reader* reader = argc > 2 ? FindReader(argv[1]) : nullptr;
  if (!reader) {
    std::fprintf(stderr, "fuzz onnx|ge|run SECONDS SEED CRASH_FILE MODEL.onnx...\nfuzz onnx|ge|run FILE\n");
    return 2;
  }
  if (argc == 3) {
    const std::string file = ReadFile(argv[2]);
    uint64_t size = 0;
    if (file.size() == kFileBytes) std::memcpy(&size, file.data(), sizeof size);
    std::printf("%s\n", reader->read(size ? file.substr(sizeof size, size) : file) ? reader->done : "refused");
    return 0;
  }
  std::vector<std::string> corpus;
  for (int i = 5; i < argc; ++i) {
    std::string bytes = reader->seed(ReadFile(argv[i]));
    if (!bytes.empty() && bytes.size() < kSeedBytes) corpus.push_back(std::move(bytes));
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "no seed is usable\n");
    return 2;
  }
  return Fuzz(*reader, std::stod(argv[2]), std::stoull(argv[3]), argv[4], corpus);
}

}  // namespace
}  // namespace belay::fuzz

int main(int argc, char** argv) { return belay::fuzz::Main(argc, argv); }
