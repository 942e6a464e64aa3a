// What a session tells a program's callbacks, and the graphs it writes to files.
#include <cstdlib>
#include <filesystem>

#include "api_ge/state_fixture.h"
#include "nonlinear_fuc_ops.h"

namespace belay_test {
namespace {

struct Told {
  uint32_t graph = 0;
  std::map<std::string, std::vector<float>> values;
};
std::vector<Told> summaries, saves;
ge::Session* inner = nullptr;  // a callback may run graphs of its session

uint32_t Tell(std::vector<Told>* told, uint32_t graph, const std::map<ge::AscendString, ge::Tensor>& values) {
  told->push_back({graph, {}});
  for (const auto& [name, value] : values) told->back().values[name.GetString()] = Floats(value);
  return ge::SUCCESS;
}
uint32_t OnSummary(uint32_t graph, const std::map<ge::AscendString, ge::Tensor>& values) {
  return Tell(&summaries, graph, values);
}
uint32_t OnSave(uint32_t graph, const std::map<ge::AscendString, ge::Tensor>& values) {
  return Tell(&saves, graph, values);
}
uint32_t OnSaveByString(uint32_t graph, const std::map<std::string, ge::Tensor>& values) {
  saves.push_back({graph, {}});
  for (const auto& [name, value] : values) saves.back().values[name] = Floats(value);
  return ge::SUCCESS;
}
uint32_t RunsAGraph(uint32_t, const std::map<ge::AscendString, ge::Tensor>&) {
  std::vector<ge::Tensor> out;
  return inner->RunGraph(2, {HostTensor({4}, {1, 2, 3, 4})}, out);
}
uint32_t Refuses(uint32_t, const std::map<ge::AscendString, ge::Tensor>&) { return 77; }

// y = x + x; the sum and its square are shown.
ge::Graph WithSummaries(int64_t rows) {
  auto x = MakeData("x", 0, {rows});
  auto y = Wire(ge::op::Add("y"), {{"x1", x}, {"x2", x}});
  auto square = Wire(ge::op::Mul("square"), {{"x1", y}, {"x2", y}});
  (void)Wire(ge::op::Summary("sum"), {{"x", y}});
  (void)Wire(ge::op::Summary("loss"), {{"x", square}});
  return Built("shown", {x}, {y});
}

class Notices : public StateTest {
 protected:
  void SetUp() override {
    StateTest::SetUp();
    summaries.clear();
    saves.clear();
  }
  const std::vector<ge::Tensor> in_{HostTensor({2}, {1, 3})};
  std::vector<ge::Tensor> out_;
};

TEST_F(Notices, SummariesOfARun) {
  ge::Session session(Options{{"ge.graphRunMode", "1"}});
  Add(session, 1, WithSummaries(2));
  Add(session, 2, WithSummaries(-1));
  EXPECT_EQ(RunOne(session, 1, in_), (std::vector<float>{2, 6}));  // nobody asked to be told
  ASSERT_EQ(session.RegisterCallBackFunc("Summary", OnSummary), ge::SUCCESS) << TakeErrors();
  for (uint32_t id : {1, 2}) {
    ASSERT_EQ(session.RunGraph(id, in_, out_), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(out_.size(), 1u);
    EXPECT_EQ(Floats(out_[0]), (std::vector<float>{2, 6}));
    ASSERT_EQ(summaries.size(), id);
    EXPECT_EQ(summaries.back().graph, id);
    EXPECT_EQ(summaries.back().values,
              (std::map<std::string, std::vector<float>>{{"sum", {2, 6}}, {"loss", {4, 36}}}));
  }
  EXPECT_TRUE(saves.empty());
}

TEST_F(Notices, SummariesOfAQueuedRun) {
  {
    ge::Session session(Options{});
    Add(session, 1, WithSummaries(2));
    ASSERT_EQ(session.RegisterCallBackFunc("Summary", OnSummary), ge::SUCCESS);
    const auto done = [](ge::Status status, std::vector<ge::Tensor>& out) {
      EXPECT_EQ(status, ge::SUCCESS);
      EXPECT_EQ(out.size(), 1u);
      EXPECT_EQ(summaries.size(), 1u);  // told before
    };
    ASSERT_EQ(session.RunGraphAsync(1, in_, done), ge::SUCCESS) << TakeErrors();
  }
  EXPECT_EQ(summaries.size(), 1u);
}

// On a stream nobody waits for the values, so nothing is shown; the results are the same.
TEST_F(Notices, SummariesOnAStream) {
  ge::Session session(Options{});
  ASSERT_EQ(session.RegisterCallBackFunc("Summary", OnSummary), ge::SUCCESS);
  Load(session, 1, WithSummaries(2), stream_);
  DeviceTensor x{ge::DT_FLOAT, {2}, 4}, y{ge::DT_FLOAT, {2}, 4};
  x.Set<float>({1, 3});
  auto in = Views({&x}), out = Views({&y});
  ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
  EXPECT_EQ(y.Get<float>(), (std::vector<float>{2, 6}));
  EXPECT_TRUE(summaries.empty());
  Add(session, 2, WithSummaries(2));
  (void)RunOne(session, 2, in_);
  ExpectRefusal(session.RunGraphWithStreamAsync(2, stream_, in_, out_), {"Summary nodes"});
}

// A graph that does nothing but return variables is a checkpoint.
TEST_F(Notices, ACheckpointIsSaved) {
  ge::Session session(Options{});
  Initialise(session, 1, "w", {2}, {5, 7});
  Initialise(session, 2, "b", {1}, {9});
  auto w = MakeVariable("w", {2}), b = MakeVariable("b", {1});
  Add(session, 3, Built("checkpoint", {w, b}, {w, b}));
  Add(session, 4, Built("more", {w}, {w, Wire(ge::op::Relu("relu"), {{"x", w}})}));
  ASSERT_EQ(session.RegisterCallBackFunc("Save", OnSave), ge::SUCCESS);
  ASSERT_EQ(session.RunGraph(3, {}, out_), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(out_.size(), 2u);
  ASSERT_EQ(saves.size(), 1u);
  EXPECT_EQ(saves[0].values, (std::map<std::string, std::vector<float>>{{"w", {5, 7}}, {"b", {9}}}));
  ASSERT_EQ(session.RunGraph(4, {}, out_), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(saves.size(), 1u);
  // The later registration counts, whatever its strings.
  ASSERT_EQ(session.RegisterCallBackFunc(std::string("Save"), OnSaveByString), ge::SUCCESS);
  saves.clear();
  ASSERT_EQ(session.RunGraph(3, {}, out_), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(saves.size(), 1u);
  EXPECT_EQ(saves[0].values.at("b"), std::vector<float>{9});
}

TEST_F(Notices, CallbacksRunGraphsAndRefuse) {
  ge::Session session(Options{}), other(Options{});
  inner = &session;
  Add(session, 1, WithSummaries(2));
  Add(session, 2, Twice({4}));
  Add(other, 1, WithSummaries(2));
  ASSERT_EQ(session.RegisterCallBackFunc("Summary", RunsAGraph), ge::SUCCESS);
  EXPECT_EQ(RunOne(session, 1, in_), (std::vector<float>{2, 6}));
  ASSERT_EQ(session.RegisterCallBackFunc("Summary", Refuses), ge::SUCCESS);
  ExpectRefusal(session.RunGraph(1, in_, out_), {"'Summary'", "77"});
  EXPECT_EQ(RunOne(other, 1, in_), (std::vector<float>{2, 6}));  // a session's callbacks are its own
  ExpectRefusal(session.RegisterCallBackFunc("Summaries", OnSummary), {"'Summaries'", "Summary and Save"});
  ExpectRefusal(session.RegisterCallBackFunc(static_cast<const char*>(nullptr), OnSummary), {"Summary and Save"});
  ExpectRefusal(session.RegisterCallBackFunc("Save", nullptr), {"is null"});
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  ExpectRefusal(session.RegisterCallBackFunc("Save", OnSave), {"not initialised"});
}

TEST_F(Notices, GraphsAreSavedToFiles) {
  namespace fs = std::filesystem;
  std::string folder = (fs::temp_directory_path() / "belay_graphs_XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ge::Session session(Options{});
  Add(session, 3, WithSummaries(2));
  ASSERT_EQ(session.AddGraphWithCopy(5, Twice({2})), ge::SUCCESS);
  ASSERT_EQ(session.SaveGraphsToPb(folder.c_str()), ge::SUCCESS) << TakeErrors();
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2);
  for (uint32_t id : {3, 5}) {
    ge::Graph loaded("loaded");
    const std::string path = folder + "/graph_" + std::to_string(id) + ".pb";
    ASSERT_EQ(loaded.LoadFromFile(path.c_str()), ge::GRAPH_SUCCESS) << TakeErrors();
    Add(session, 10 + id, loaded);
    EXPECT_EQ(RunOne(session, 10 + id, in_), (std::vector<float>{2, 6}));
  }
  ExpectRefusal(session.SaveGraphsToPb(nullptr), {"null"});
  ExpectRefusal(session.SaveGraphsToPb((folder + "/none").c_str()), {"/none", "no folder"});
  fs::remove_all(folder);
}

}  // namespace
}  // namespace belay_test
