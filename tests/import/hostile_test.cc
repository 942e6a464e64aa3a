// Broken and hostile bytes: an error or a graph, never a crash. Run under ASan and UBSan by `make test-asan`.
#include <gtest/gtest.h>

#include "import/model_writer.h"
#include "import/support.h"

namespace belay {
namespace {

using namespace belay::test;

const char* const kModels[] = {"functions.onnx", "control.onnx", "sparse.onnx", "dtypes.onnx"};

TEST(Hostile, EveryPrefixOfAModel) {
  for (const char* name : kModels) {
    const std::string bytes = FileBytes(ModelPath(name));
    ASSERT_FALSE(bytes.empty());
    int refused = 0;
    for (size_t n = 1; n < bytes.size(); ++n) {
      const std::string prefix = bytes.substr(0, n);  // its end is the allocation's end
      refused += !ImportBytes(prefix).ok();
    }
    EXPECT_GT(refused, static_cast<int>(bytes.size() / 2)) << name;
  }
}

TEST(Hostile, EveryByteChanged) {
  int refused = 0;
  for (const char* name : kModels) {
    const std::string bytes = FileBytes(ModelPath(name));
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (char change : {'\x01', '\x80', '\xff'}) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(broken[i] ^ change);
        ImportResult result = ImportBytes(broken);
        refused += !result.ok();
        if (result.ok()) {
          EXPECT_NE(*result, nullptr);
        }
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

// What the fuzzer found (tools/fuzz), each once the end of a process.
TEST(Hostile, WhatWasFoundOnce) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BELAY_SOURCE_DIR "/tests/import/hostile")) {
    const std::string bytes = FileBytes(entry.path().string());
    EXPECT_FALSE(bytes.empty());
    const ImportResult result = ImportBytes(bytes);
    EXPECT_FALSE(result.ok()) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(Hostile, ControlFlowWithoutOutputs) {
  for (const char* op : {"If", "Loop", "Scan", "SequenceMap"}) {
    GraphWriter graph;
    graph.Input(ValueBytes("x", 9, {})).Output(ValueBytes("x", 9, {}));
    graph.Node(NodeBytes(op, {"x"}, {}, {}, "n"));
    EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 17)), Code::kInvalidArgument), "it has no outputs");
  }
}

TEST(Hostile, LengthsThatReachBeyondTheFile) {
  for (const char* bytes :
       {"\x3a\xff\xff\xff\xff\x0f", "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        "\x3a\x05\x0a\x7f", "\x08\x08\x3a\x04\x2a\x02\x4a\x7f",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    EXPECT_FALSE(ImportBytes(bytes).ok());
  }
}

TEST(Hostile, NoModelAtAll) {
  EXPECT_HAS(Refusal(ImportBytes(""), Code::kInvalidArgument), "no graph");
  EXPECT_FALSE(ImportBytes("this is text, not a model").ok());
  EXPECT_EQ(ImportOnnxFile("/nonexistent/model.onnx").status().code(), Code::kNotFound);
  EXPECT_FALSE(ImportOnnxFile("/tmp").ok());
}

TEST(Hostile, ExtentsBeyondReason) {
  GraphWriter graph;
  graph.Input(ValueBytes("x", 1, {int64_t{1} << 60, int64_t{1} << 60}))
      .Output(ValueBytes("x", 1, {}, false));
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 13)), Code::kInvalidArgument), "extent");
}

TEST(Hostile, ASparseTensorThatClaimsToBeHuge) {
  std::string sparse;
  pbf_writer w(sparse);
  w.add_message(1, FloatTensor("s", {1}, {1}));
  w.add_message(2, Int64Tensor("i", {1}, {0}));
  w.add_int64(3, int64_t{1} << 40);
  GraphWriter graph;
  graph.Add(15, sparse).Output(ValueBytes("s", 1, {}, false));
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 13)), Code::kNotSupported), "2 GiB");
}

TEST(Hostile, SparseIndicesOutside) {
  for (int64_t index : {int64_t{-1}, int64_t{6}, INT64_MAX}) {
    std::string sparse;
    pbf_writer w(sparse);
    w.add_message(1, FloatTensor("s", {1}, {1}));
    w.add_message(2, Int64Tensor("i", {1}, {index}));
    w.add_int64(3, 6);
    GraphWriter graph;
    graph.Add(15, sparse).Output(ValueBytes("s", 1, {}, false));
    EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 13)), Code::kInvalidArgument), "outside");
  }
}

TEST(Hostile, InputsThatAreNoTensors) {
  std::string tensor, elem, map, type, value;
  pbf_writer(tensor).add_int32(1, 1);
  pbf_writer(elem).add_message(1, tensor);
  pbf_writer mw(map);
  mw.add_int32(1, 7);
  mw.add_message(2, elem);
  pbf_writer(type).add_message(5, map);
  pbf_writer vw(value);
  vw.add_string(1, "m");
  vw.add_message(2, type);
  GraphWriter graph;
  graph.Input(value);
  EXPECT_HAS(Refusal(ImportBytes(ModelBytes(graph, 13)), Code::kNotSupported), "input 'm' is a map");
}

}  // namespace
}  // namespace belay
