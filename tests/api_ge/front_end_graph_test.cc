// Graphs as torch's front end serialises them: descriptions that cannot be trusted, layouts that stand in the
// descriptions alone, inputs left out, control edges before data.
#include <numeric>

#include <protozero/pbf_writer.hpp>

#include "api_ge/ge_fixture.h"

namespace belay_test {
namespace {

using protozero::pbf_writer;

struct Desc {
  std::string name;
  int dtype = 1;  // in ge.proto's order: 1 float, 2 float16
  std::vector<int64_t> dims;
  bool has_shape = false;
  std::string layout = "ND";
};

Desc Shaped(std::string name, int dtype, std::vector<int64_t> dims) {
  return {std::move(name), dtype, std::move(dims), true};
}

struct Node {
  std::string name, type;
  std::vector<std::string> inputs;
  std::vector<Desc> input_descs, output_descs;
  std::map<std::string, int64_t> ints;
  std::map<std::string, std::string> texts;
};

Node DataNode(std::string name, int64_t index, int dtype, std::vector<int64_t> dims) {
  return {std::move(name), "Data", {}, {Shaped("x", dtype, dims)}, {Shaped("y", dtype, dims)}, {{"index", index}}, {}};
}

void Write(pbf_writer&& w, const Desc& desc) {
  w.add_string(1, desc.name);
  w.add_enum(2, desc.dtype);
  if (desc.has_shape) {
    pbf_writer shape(w, 3);
    shape.add_packed_int64(1, desc.dims.begin(), desc.dims.end());
  }
  w.add_string(4, desc.layout);
}

ge::Graph GraphOf(const std::vector<Node>& nodes) {
  std::string bytes;
  {
    pbf_writer model(bytes);
    pbf_writer graph(model, 7);
    graph.add_string(1, "graph_1");
    for (const Node& node : nodes) {
      pbf_writer op(graph, 6);
      op.add_string(1, node.name);
      op.add_string(2, node.type);
      for (const std::string& input : node.inputs) op.add_string(5, input);
      for (const auto& [key, value] : node.ints) {
        pbf_writer entry(op, 10);
        entry.add_string(1, key);
        pbf_writer(entry, 2).add_int64(3, value);
      }
      for (const auto& [key, value] : node.texts) {
        pbf_writer entry(op, 10);
        entry.add_string(1, key);
        pbf_writer(entry, 2).add_bytes(2, value);
      }
      for (const Desc& desc : node.input_descs) Write(pbf_writer(op, 33), desc);
      for (const Desc& desc : node.output_descs) Write(pbf_writer(op, 34), desc);
    }
  }
  ge::Graph graph("loaded");
  EXPECT_EQ(graph.LoadFromSerializedModelArray(bytes.data(), bytes.size()), ge::GRAPH_SUCCESS) << TakeErrors();
  return graph;
}

class FrontEndGraph : public GeTest {
 protected:
  std::vector<gert::Tensor> Run(const std::vector<Node>& nodes, const std::vector<gert::Tensor>& in, size_t outputs) {
    ge::Session session(Options{});
    std::vector<gert::Tensor> out(outputs);
    Load(session, 1, GraphOf(nodes), stream_);
    EXPECT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream_, in, out), ge::SUCCESS) << TakeErrors();
    EXPECT_EQ(aclrtSynchronizeStream(stream_), ACL_SUCCESS);
    return out;
  }
};

// The product of two float16 values is described as float, and a Cast to float16 follows.
TEST_F(FrontEndGraph, TypesComeFromTheProducers) {
  DeviceTensor a{ge::DT_FLOAT16, {2}, 2}, b{ge::DT_FLOAT16, {2}, 2};
  a.Set<uint16_t>({0x3C00, 0x4000});  // 1 2
  b.Set<uint16_t>({0x4200, 0x3800});  // 3 0.5
  Desc first = Shaped("input0", 2, {2});
  Node cast{"Cast", "Cast", {"Mul:0"}, {Desc{"x"}}, {Desc{"y", 2}}, {{"dst_type", ge::DT_FLOAT16}}, {}};
  auto out = Run({DataNode("a", 0, 2, {2}), DataNode("b", 1, 2, {2}),
                  {"Mul", "Mul", {"a:0", "b:0"}, {Desc{"x1"}, Desc{"x2"}}, {Desc{"y"}}, {}, {}},
                  cast,
                  {"NetOutput", "NetOutput", {"Cast:0", "Mul:0"}, {first, Desc{"input1"}}, {}, {}, {}}},
                 Views({&a, &b}), 2);
  for (const gert::Tensor& t : out) {
    ASSERT_EQ(t.GetDataType(), ge::DT_FLOAT16);
    const auto* bits = static_cast<const uint16_t*>(t.GetAddr());
    EXPECT_EQ(bits[0], 0x4200);
    EXPECT_EQ(bits[1], 0x3C00);
  }
}

// A file may hold what no program can build.
TEST_F(FrontEndGraph, CyclesAreRefusedByName) {
  const Node first{"first", "Add", {"a:0", "second:0"}, {Desc{"x1"}, Desc{"x2"}}, {Desc{"y"}}, {}, {}};
  const Node second{"second", "Relu", {"first:0"}, {Desc{"x"}}, {Desc{"y"}}, {}, {}};
  const Node control{"second", "Relu", {"a:0", "first:-1"}, {Desc{"x"}}, {Desc{"y"}}, {}, {}};
  const Node self{"first", "Add", {"a:0", "first:0"}, {Desc{"x1"}, Desc{"x2"}}, {Desc{"y"}}, {}, {}};
  const Node out{"NetOutput", "NetOutput", {"first:0"}, {Desc{"input0"}}, {}, {}, {}};
  const Node a = DataNode("a", 0, 1, {2});
  for (const std::vector<Node>& nodes :
       {std::vector<Node>{a, first, second, out}, {a, first, control, out}, {a, self, out}}) {
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, GraphOf(nodes)), ge::SUCCESS);
    ExpectRefusal(session.CompileGraph(1), {"the graph has a cycle through node '"});
  }
}

// All that is missing and wrong stands in one message.
TEST_F(FrontEndGraph, AllProblemsInOneMessage) {
  const Node odd{"odd", "Unheard", {"a:0"}, {Desc{"x"}}, {Desc{"y"}}, {}, {}};
  const Node other{"other", "NeverSeen", {"odd:0"}, {Desc{"x"}}, {Desc{"y"}}, {}, {}};
  Node cast{"cast", "Cast", {"a:0"}, {Desc{"x"}}, {Desc{"y"}}, {{"dst_type", 77}}, {}};
  const Node out{"NetOutput", "NetOutput", {"other:0", "cast:0"}, {Desc{"input0"}, Desc{"input1"}}, {}, {}, {}};
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, GraphOf({DataNode("a", 0, 1, {2}), odd, other, cast, out})), ge::SUCCESS);
  ExpectRefusal(session.CompileGraph(1),
                {"2 operators missing", "NeverSeen", "(node other)", "Unheard", "(node odd)", "1 more problem",
                 "'cast'"});
}

// data_format keeps its default, NHWC, while the descriptions say NCHW.
TEST_F(FrontEndGraph, LayoutsComeFromTheDescriptions) {
  DeviceTensor x{ge::DT_FLOAT, {1, 2, 1, 2}, 4}, gamma{ge::DT_FLOAT, {2}, 4}, beta{ge::DT_FLOAT, {2}, 4};
  x.Set<float>({1, 3, 10, 30});
  gamma.Set<float>({1, 1});
  beta.Set<float>({0, 5});
  Desc described{"x"};
  described.layout = "NCHW";
  Node norm{"norm", "GroupNorm", {"x:0", "gamma:0", "beta:0"}, {described, Desc{"gamma"}, Desc{"beta"}},
            {Desc{"y"}, Desc{"mean"}, Desc{"variance"}}, {{"num_groups", 2}}, {{"data_format", "NHWC"}}};
  auto out = Run({DataNode("x", 0, 1, {1, 2, 1, 2}), DataNode("gamma", 1, 1, {2}), DataNode("beta", 2, 1, {2}), norm,
                  {"NetOutput", "NetOutput", {"norm:1"}, {Shaped("input0", 1, {1, 2})}, {}, {}, {}}},
                 Views({&x, &gamma, &beta}), 1);
  const auto* mean = static_cast<const float*>(out[0].GetAddr());
  EXPECT_EQ(mean[0], 2);
  EXPECT_EQ(mean[1], 20);
}

// The bias and offset_w of a product are left out; a control edge stands before the data.
TEST_F(FrontEndGraph, InputsLeftOutAndControlEdges) {
  DeviceTensor x{ge::DT_FLOAT, {2, 3}, 4}, w{ge::DT_FLOAT, {3, 1}, 4};
  x.Set<float>({1, 2, 3, 4, 5, 6});
  w.Set<float>({1, 1, 2});
  Desc unfed{"bias", 0};
  Node product{"product", "MatMulV2", {"other:-1", "x:0", "w:0", "", ""},
               {Desc{"x1"}, Desc{"x2"}, unfed, Desc{"offset_w", 0}}, {Desc{"y"}}, {}, {}};
  auto out = Run({DataNode("x", 0, 1, {-1, 3}), DataNode("w", 1, 1, {3, 1}),
                  {"other", "Relu", {"x:0"}, {Desc{"x"}}, {Desc{"y"}}, {}, {}},
                  product,
                  {"NetOutput", "NetOutput", {"product:0"}, {Shaped("input0", 1, {-1, 1})}, {}, {}, {}}},
                 Views({&x, &w}), 1);
  const auto* y = static_cast<const float*>(out[0].GetAddr());
  EXPECT_EQ(y[0], 9);
  EXPECT_EQ(y[1], 21);
}

// A function whose results are all arguments: the client hands them on itself, and nothing is left to compute.
TEST_F(FrontEndGraph, NothingToCompute) {
  DeviceTensor x{ge::DT_FLOAT, {2}, 4};
  for (int64_t rows : {2, -1}) {
    EXPECT_TRUE(Run({DataNode("x", 0, 1, {rows}), {"NetOutput", "NetOutput", {}, {}, {}, {}, {}}}, Views({&x}), 0)
                    .empty());
  }
  ge::Session session(Options{});
  Compile(session, 1, GraphOf({DataNode("x", 0, 1, {2}), {"NetOutput", "NetOutput", {}, {}, {}, {}, {}}}));
  std::vector<ge::Shape> shapes(1);
  EXPECT_EQ(session.GetCompiledGraphSummary(1)->GetOutputShapes(shapes), ge::SUCCESS);
  EXPECT_TRUE(shapes.empty());
  // Without that end, outputs have been forgotten.
  ASSERT_EQ(session.AddGraph(2, GraphOf({DataNode("x", 0, 1, {2})})), ge::SUCCESS);
  ExpectRefusal(session.CompileGraph(2), {"no outputs"});
}

ge::op::Const Number(const char* name, int64_t value) {
  ge::TensorDesc desc(ge::Shape({1}), ge::FORMAT_ND, ge::DT_INT64);
  return ge::op::Const(name).set_attr_value(ge::Tensor(desc, reinterpret_cast<uint8_t*>(&value), sizeof value));
}

// x[0:size] for values of n from 1 on, which the host holds; wanted tells the extent.
void TakeFirst(ge::Operator x, ge::Operator n, ge::Operator size, int64_t last, aclrtStream stream,
               int64_t (*wanted)(int64_t)) {
  auto from = Number("from", 0);
  auto first = ge::op::Slice("first").set_input_x(x).set_input_offsets(from).set_input_size(size);
  ge::Graph graph("first");
  graph.SetInputs({x, n}).SetOutputs(std::vector<ge::Operator>{first});
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS) << TakeErrors();
  ASSERT_EQ(GeSessionLoadGraph(session, 1, Options{}, stream), ge::SUCCESS) << TakeErrors();
  std::vector<float> values(256);
  std::iota(values.begin(), values.end(), 0.0f);
  DeviceTensor data{ge::DT_FLOAT, {256}, 4}, unused{ge::DT_INT64, {1}, 8};
  data.Set<float>(values);
  int64_t host = 0;
  auto in = Views({&data, &unused});
  in[1].MutableTensorData().SetAddr(&host, nullptr);
  in[1].SetPlacement(gert::kOnHost);
  for (host = 1; host <= last; ++host) {
    const int64_t count = wanted(host);
    std::vector<gert::Tensor> out(1);
    ASSERT_EQ(GeSessionExecuteGraphWithStreamAsync(session, 1, stream, in, out), ge::SUCCESS) << TakeErrors();
    ASSERT_EQ(aclrtSynchronizeStream(stream), ACL_SUCCESS);
    ASSERT_EQ(out[0].GetStorageShape(), gert::Shape({count}));
    const auto* y = static_cast<const float*>(out[0].GetAddr());
    EXPECT_EQ(std::vector<float>(y, y + count), std::vector<float>(values.begin(), values.begin() + count));
  }
}

// The host's n is a list of one, as torch gives it; 200 values are more than a graph has variants.
TEST_F(FrontEndGraph, SizesOnTheHostAreSymbols) {
  auto x = MakeData("x", 0, {-1}), n = MakeData("n", 1, {}, ge::DT_INT64);
  auto one = Number("one", 1);
  auto next = ge::op::Add("next").set_input_x1(n).set_input_x2(one);
  TakeFirst(x, n, next, 200, stream_, [](int64_t value) { return value + 1; });
}

TEST_F(FrontEndGraph, SizesWithoutFormulaAreValues) {
  auto x = MakeData("x", 0, {-1}), n = MakeData("n", 1, {1}, ge::DT_INT64);
  auto three = Number("three", 3);
  auto low = ge::op::BitwiseAnd("low").set_input_x1(n).set_input_x2(three);
  TakeFirst(x, n, low, 9, stream_, [](int64_t value) { return value & 3; });
}

}  // namespace
}  // namespace belay_test
