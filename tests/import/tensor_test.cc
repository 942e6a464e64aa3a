#include "import/onnx/tensor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "import/model_writer.h"
#include "import/onnx/reader.h"
#include "import/support.h"

namespace belay::onnx {
namespace {

using namespace belay::test;

// Every dtype, as raw bytes and in its typed field: both give the bytes that numpy has.
TEST(Tensor, EveryDTypeFromRawAndTypedData) {
  const std::string bytes = FileBytes(ModelPath("dtypes.onnx"));
  Result<Model> model = ReadModel(bytes);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ExternalFiles none("");
  std::map<std::string, LiteralPtr> literals;
  for (const TensorProto& t : model->graph.initializers) {
    Result<LiteralPtr> literal = ToLiteral(t, &none);
    ASSERT_TRUE(literal.ok()) << literal.status().message();
    EXPECT_EQ((*literal)->dtype, DTypeFromOnnx(t.data_type)) << t.name;
    literals[t.name] = *literal;
  }
  int compared = 0;
  for (const auto& [name, raw] : literals) {
    const size_t slash = name.find("/raw");
    if (slash == std::string::npos) continue;
    const LiteralPtr typed = literals[name.substr(0, slash) + "/typed"];
    ASSERT_NE(typed, nullptr) << name;
    ASSERT_EQ(raw->dims, std::vector<int64_t>{5}) << name;
    ASSERT_EQ(raw->ByteSize(), typed->ByteSize()) << name;
    EXPECT_EQ(std::memcmp(raw->data(), typed->data(), static_cast<size_t>(raw->ByteSize())), 0) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 24);
  EXPECT_EQ(*literals["STRING/typed"]->strings, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(LiteralToInts(*literals["UINT16/typed"]), (std::vector<int64_t>{0, 1, 2, 3, 1}));
  EXPECT_EQ(literals["FLOAT16/typed"]->as<uint16_t>()[2], 0x4000);   // 2.0
  EXPECT_EQ(literals["BFLOAT16/raw"]->as<uint16_t>()[3], 0x4040);    // 3.0
  EXPECT_EQ(literals["INT4/typed"]->as<uint8_t>()[1], 0x32);         // 2 in the low bits, 3 above
  EXPECT_EQ(literals["UINT2/typed"]->as<uint8_t>()[0], 0b00010100);  // 0, 1, 1, 0
  EXPECT_EQ(literals["COMPLEX64/raw"]->as<float>()[4], 2.0f);
}

TEST(Tensor, BoolsAreZeroOrOne) {
  std::string tensor;
  pbf_writer w(tensor);
  w.add_int64(1, 3);
  w.add_int32(2, 9);
  w.add_bytes(9, "\x00\x02\xff", 3);
  Result<TensorProto> proto = ReadTensor(tensor);
  ASSERT_TRUE(proto.ok());
  ExternalFiles none("");
  Result<LiteralPtr> literal = ToLiteral(*proto, &none);
  ASSERT_TRUE(literal.ok());
  const uint8_t* b = (*literal)->as<uint8_t>();
  EXPECT_EQ(b[0], 0);
  EXPECT_EQ(b[1], 1);
  EXPECT_EQ(b[2], 1);
}

TEST(Tensor, SparseIsWrittenOut) {
  ImportResult model = ImportOnnxFile(ModelPath("sparse.onnx"));
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_EQ((*model)->outputs.size(), 2u);
  for (const ModelEdge& e : (*model)->outputs) {
    const auto* value = std::get_if<LiteralPtr>(&(*model)->nodes[e.node].attrs["value"]);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ((*value)->dims, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(LiteralToDoubles(**value), (std::vector<double>{0, 5, 0, 0, 0, 7}));
  }
}

// Tensors that do not hold what they say.
struct Bad {
  const char* why;
  std::vector<int64_t> dims;
  int dtype;
  int raw_bytes;  // -1: no raw data
  const char* message;
};
TEST(Tensor, RefusesWhatDoesNotFit) {
  const Bad kBad[] = {
      {"too few bytes", {3}, 1, 11, "11 bytes of raw data"},
      {"too many bytes", {3}, 1, 16, "16 bytes of raw data"},
      {"nothing at all", {3}, 1, -1, "0 entries in float_data"},
      {"negative extent", {2, -1}, 1, 8, "extent of -1"},
      {"product overflows", {int64_t{1} << 40, int64_t{1} << 40}, 1, 8, "too many elements"},
      {"huge and empty", {int64_t{1} << 62, 0}, 1, -1, "too large"},
      {"unknown dtype", {1}, 99, 4, "99"},
      {"no dtype", {1}, 0, 4, "unknown"},
  };
  for (const Bad& bad : kBad) {
    TensorProto t;
    t.name = "w";
    t.dims = bad.dims;
    t.data_type = bad.dtype;
    const std::string raw(static_cast<size_t>(std::max(0, bad.raw_bytes)), 'x');
    t.has_raw_data = bad.raw_bytes >= 0;
    t.raw_data = raw;
    ExternalFiles none("");
    Result<LiteralPtr> literal = ToLiteral(t, &none);
    ASSERT_FALSE(literal.ok()) << bad.why;
    EXPECT_HAS(literal.status().message(), bad.message);
    EXPECT_HAS(literal.status().message(), "tensor 'w'");
  }
}

TEST(External, ReadsAndMapsBesideTheModel) {
  ImportResult model = ImportOnnxFile(ModelPath("external.onnx"));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const auto value = [&](int k) {
    return std::get<LiteralPtr>((*model)->nodes[(*model)->outputs[k].node].attrs["value"]);
  };
  EXPECT_EQ(LiteralToDoubles(*value(0)), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(LiteralToInts(*value(1)), (std::vector<int64_t>{0, 1, 2, 3}));
}

std::string ModelWithExternal(const std::vector<std::pair<std::string, std::string>>& entries,
                              int64_t count = 2) {
  GraphWriter graph;
  graph.Initializer(ExternalTensor("w", 1, {count}, entries)).Output(ValueBytes("w", 1, {count}));
  return ModelBytes(graph, 13);
}

struct Escape {
  std::vector<std::pair<std::string, std::string>> entries;
  const char* message;
};
TEST(External, NothingOutsideTheModelsDirectoryAndNothingBeyondTheFile) {
  TempDir dir;
  const std::string eight(8, '\0');
  dir.Write("secret.bin", eight);
  dir.Write("m/data.bin", eight);
  ASSERT_EQ(symlink("../secret.bin", (dir.path() + "/m/link.bin").c_str()), 0);
  ASSERT_EQ(symlink("..", (dir.path() + "/m/up").c_str()), 0);
  ASSERT_EQ(mkfifo((dir.path() + "/m/pipe").c_str(), 0600), 0);
  const Escape kEscapes[] = {
      {{{"location", "../secret.bin"}}, "not a relative path"},
      {{{"location", "sub/../../secret.bin"}}, "not a relative path"},
      {{{"location", dir.path() + "/secret.bin"}}, "not a relative path"},
      {{{"location", "/etc/passwd"}}, "not a relative path"},
      {{{"location", ""}}, "no location"},
      {{}, "no location"},
      {{{"location", "link.bin"}}, "leads outside"},
      {{{"location", "up/secret.bin"}}, "leads outside"},
      {{{"location", std::string("data.bin\0x", 10)}}, "not a relative path"},
      {{{"location", "pipe"}}, "no regular file"},
      {{{"location", "."}}, "outside"},
      {{{"location", "absent.bin"}}, "absent.bin"},
      {{{"location", "data.bin"}, {"offset", "4"}}, "lies outside"},
      {{{"location", "data.bin"}, {"offset", "-4"}}, "no size"},
      {{{"location", "data.bin"}, {"offset", "9223372036854775800"}}, "lies outside"},
      {{{"location", "data.bin"}, {"offset", "99999999999999999999"}}, "no size"},
      {{{"location", "data.bin"}, {"offset", "4x"}}, "no size"},
      {{{"location", "data.bin"}, {"length", "4"}}, "4 bytes long"},
      {{{"location", "data.bin"}, {"length", "100"}}, "100 bytes long"},
  };
  for (const Escape& escape : kEscapes) {
    const std::string path = dir.Write("m/model.onnx", ModelWithExternal(escape.entries));
    ImportResult model = ImportOnnxFile(path);
    ASSERT_FALSE(model.ok()) << escape.message;
    EXPECT_HAS(model.status().message(), escape.message);
  }
  ImportResult good =
      ImportOnnxFile(dir.Write("m/model.onnx", ModelWithExternal({{"location", "data.bin"}})));
  EXPECT_TRUE(good.ok()) << good.status().message();
}

TEST(External, AModelFromMemoryHasNone) {
  const std::string message =
      Refusal(ImportBytes(ModelWithExternal({{"location", "data.bin"}})), Code::kNotSupported);
  EXPECT_HAS(message, "parse the file");
}

constexpr int64_t kMany = (int64_t{17} << 20) / 4;  // elements that are worth leaving in their file

std::string Ramp(float first) {
  std::vector<float> values(kMany);
  for (size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<float>(i % 1000);
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string LargeModel(float first) {
  std::string tensor;
  pbf_writer w(tensor);
  w.add_int64(1, kMany);
  w.add_int32(2, 1);
  w.add_string(8, "w");
  w.add_bytes(9, Ramp(first));
  GraphWriter graph;
  graph.Initializer(tensor).Output(ValueBytes("w", 1, {kMany}));
  return ModelBytes(graph, 13);
}

LiteralPtr OnlyValue(const ImportResult& model) {
  EXPECT_TRUE(model.ok()) << model.status().message();
  return std::get<LiteralPtr>((*model)->nodes[(*model)->outputs[0].node].attrs["value"]);
}

bool Holds(const Literal& literal, float first) {
  const std::string bytes = Ramp(first);
  return literal.ByteSize() == static_cast<int64_t>(bytes.size()) &&
         std::memcmp(literal.data(), bytes.data(), bytes.size()) == 0;
}

TEST(Late, LargeTensorsStayInTheirFileUntilTheyAreRead) {
  TempDir dir;
  const std::string inside = dir.Write("inside.onnx", LargeModel(1));
  dir.Write("data.bin", "1234" + Ramp(1));
  const std::string beside =
      dir.Write("beside.onnx", ModelWithExternal({{"location", "data.bin"}, {"offset", "4"}}, kMany));
  const std::string bytes = LargeModel(1);
  const LiteralPtr eager = OnlyValue(ImportBytes(bytes));
  EXPECT_FALSE(eager->late);
  for (const std::string& path : {inside, beside}) {
    const LiteralPtr literal = OnlyValue(ImportOnnxFile(path));
    ASSERT_TRUE(literal->late) << path;
    EXPECT_EQ(HashOf(*literal), HashOf(*eager));
    EXPECT_TRUE(Holds(*Held(literal), 1));
    std::filesystem::remove(path);  // an open file stays
    EXPECT_TRUE(Holds(*literal, 1));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(literal->data()) % 64, 0u);
  }
}

TEST(Late, AFileThatChangedIsAnErrorAndNoCrash) {
  TempDir dir;
  const std::string whole = LargeModel(1);
  for (const std::string& after : {LargeModel(2), whole.substr(0, whole.size() / 2), std::string()}) {
    const std::string path = dir.Write("m.onnx", whole);
    const LiteralPtr literal = OnlyValue(ImportOnnxFile(path)), read = OnlyValue(ImportOnnxFile(path));
    EXPECT_TRUE(Holds(*read, 1));
    dir.Write("m.onnx", after);
    for (int i = 0; i < 2; ++i) {
      try {
        literal->data();
        ADD_FAILURE() << "the change was not seen";
      } catch (const std::exception& error) {
        EXPECT_HAS(error.what(), "m.onnx was changed after it was parsed");
      }
    }
    EXPECT_TRUE(Holds(*read, 1));
    dir.Write("m.onnx", whole);
    EXPECT_TRUE(Holds(*literal, 1));
  }
}

// Of one file, and what is asked of it.
class NotedHashes final : public FileHashes, public KnownFile, public std::enable_shared_from_this<NotedHashes> {
 public:
  std::shared_ptr<KnownFile> Look(int) override { return ++looks, shared_from_this(); }
  bool Find(FilePart* part) const override {
    const auto at = known.find({part->offset, part->bytes});
    if (at != known.end()) part->hash = at->second;
    return at != known.end();
  }
  void BeforeHashing() override { ++hashings; }
  void Keep(const std::vector<FilePart>& parts) override {
    for (const FilePart& part : parts) known[{part.offset, part.bytes}] = part.hash;
  }
  void Forget() override { known.clear(); }

  std::map<std::pair<uint64_t, uint64_t>, ContentHash> known;
  int looks = 0, hashings = 0;
};

TEST(Late, WhatIsKnownIsNotHashedAgain) {
  TempDir dir;
  dir.Write("data.bin", "1234" + Ramp(1));
  for (const std::string& path :
       {dir.Write("inside.onnx", LargeModel(1)),
        dir.Write("beside.onnx", ModelWithExternal({{"location", "data.bin"}, {"offset", "4"}}, kMany))}) {
    OnnxImportOptions options;
    const auto hashes = std::make_shared<NotedHashes>();
    options.hashes = hashes;
    const ContentHash hash = HashOf(*OnlyValue(ImportOnnxFile(path)));
    for (int i = 1; i < 3; ++i) {
      EXPECT_EQ(HashOf(*OnlyValue(ImportOnnxFile(path, options))), hash);
      EXPECT_EQ(hashes->looks, i);
      EXPECT_EQ(hashes->hashings, 1);
    }
    ASSERT_EQ(hashes->known.size(), 1u);
    hashes->known.begin()->second = HashText("another");
    const LiteralPtr literal = OnlyValue(ImportOnnxFile(path, options));
    EXPECT_EQ(HashOf(*literal), HashText("another"));
    EXPECT_THROW(literal->data(), std::exception);
    EXPECT_TRUE(Holds(*OnlyValue(ImportOnnxFile(path, options)), 1));  // what was wrong is forgotten
    EXPECT_EQ(hashes->hashings, 2);
  }
}

TEST(Late, SmallModelsAndThoseFromMemoryAreNotLookedUp) {
  TempDir dir;
  dir.Write("data.bin", std::string(100000, 'a'));
  OnnxImportOptions options;
  const auto hashes = std::make_shared<NotedHashes>();
  options.hashes = hashes;
  const std::string small = dir.Write("m.onnx", ModelWithExternal({{"location", "data.bin"}}, 25000));
  EXPECT_FALSE(OnlyValue(ImportOnnxFile(small, options))->late);
  EXPECT_FALSE(OnlyValue(ImportBytes(LargeModel(1), options))->late);
  EXPECT_EQ(hashes->looks, 0);
}

TEST(Late, AFileThatIsReplacedIsReadAsItWas) {
  TempDir dir;
  const std::string path = dir.Write("m.onnx", LargeModel(1)), other = dir.Write("n.onnx", LargeModel(2));
  const LiteralPtr literal = OnlyValue(ImportOnnxFile(path));
  std::filesystem::rename(other, path);
  EXPECT_TRUE(Holds(*literal, 1));
}

}  // namespace
}  // namespace belay::onnx
