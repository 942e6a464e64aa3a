// Graphs as bytes of ge.proto: written and read, read as other front ends write them, and refused.
#include <gtest/gtest.h>

#include <cstdio>
#include <protozero/pbf_writer.hpp>
#include <string>

#include "api/graph/model_bridge.h"
#include "array_ops.h"
#include "elewise_calculation_ops.h"
#include "functional_ops.h"
#include "graph/graph_buffer.h"
#include "nn_calculation_ops.h"
#include "nonlinear_fuc_ops.h"
#include "split_combination_ops.h"

namespace {

using belay::ModelGraph;
using belay::ModelNode;
using ge::Operator;
using ge::TensorDesc;
using protozero::pbf_writer;
namespace op = ge::op;

ge::Graph Sample() {
  op::Data data("data");
  data.update_output_desc_y(TensorDesc(ge::Shape({1, 3, -1, 8}), ge::FORMAT_NCHW, ge::DT_BF16));
  op::Const weight("weight");
  weight.set_attr_value(ge::Tensor(TensorDesc(ge::Shape({4, 3, 1, 1})), std::vector<uint8_t>(48, 7)));
  op::Conv2D conv("conv");
  conv.set_input_x(data).set_input_filter(weight).set_attr_strides({1, 2, 3, 4});
  op::Concat concat("concat");
  concat.create_dynamic_input_x(2).set_dynamic_input_x(0, conv).set_dynamic_input_x(1, data);
  concat.SetAttr("texts", std::vector<std::string>{"a", "b"}).SetAttr("none", std::vector<float>{});
  concat.SetAttr("lists", std::vector<std::vector<int64_t>>{{1}, {}}).SetAttr("real", 0.5f);
  concat.SetAttr("type", ge::DT_INT4).SetAttr("flags", std::vector<bool>{true, false});
  op::If branch("branch");
  branch.set_input_cond(data);
  branch.set_subgraph_builder_then_branch([] {
    op::Data argument("argument");
    ge::Graph inner("inner");
    inner.SetInputs({argument}).SetOutputs(std::vector<Operator>{argument});
    return inner;
  });
  branch.AddControlInput(concat);
  ge::Graph graph("sample");
  graph.SetInputs({data});
  graph.SetOutputs({{concat, std::vector<size_t>{0}}, {data, std::vector<size_t>{0}}});
  return graph;
}

void ExpectSame(const ModelGraph& a, const ModelGraph& b) {
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    const ModelNode &x = a.nodes[i], &y = b.nodes[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.type, y.type);
    EXPECT_EQ(x.inputs, y.inputs) << x.name;
    EXPECT_EQ(x.control_inputs, y.control_inputs) << x.name;
    ASSERT_EQ(x.attrs.size(), y.attrs.size()) << x.name;
    for (const auto& [name, value] : x.attrs) {
      ASSERT_EQ(value.index(), y.attrs.at(name).index()) << name;
      if (std::holds_alternative<belay::LiteralPtr>(value)) continue;
      EXPECT_EQ(value, y.attrs.at(name)) << name;
    }
    for (size_t k = 0; k < x.output_descs.size(); ++k) {
      EXPECT_EQ(x.output_descs[k].dims, y.output_descs[k].dims);
      EXPECT_EQ(x.output_descs[k].dtype, y.output_descs[k].dtype);
      EXPECT_EQ(x.output_descs[k].format, y.output_descs[k].format);
    }
    ASSERT_EQ(x.subgraphs.size(), y.subgraphs.size());
    for (const auto& [name, graphs] : x.subgraphs) ExpectSame(*graphs[0], *y.subgraphs.at(name)[0]);
  }
  EXPECT_EQ(a.outputs, b.outputs);
}

TEST(GraphFile, ReadsWhatItWrote) {
  ge::Graph graph = Sample();
  ge::GraphBuffer buffer;
  ASSERT_EQ(graph.SaveToMem(buffer), ge::GRAPH_SUCCESS);
  ge::Graph loaded("other");
  ASSERT_EQ(loaded.LoadFromMem(buffer), ge::GRAPH_SUCCESS);
  EXPECT_EQ(loaded.GetName(), "sample");
  auto a = belay::ModelFromGraph(graph);
  auto b = belay::ModelFromGraph(loaded);
  ASSERT_TRUE(a.ok() && b.ok());
  ExpectSame(**a, **b);
  const ge::GNode weight = loaded.GetDirectNode()[1];
  ge::Tensor tensor;
  ASSERT_EQ(weight.GetAttr("value", tensor), ge::GRAPH_SUCCESS);
  EXPECT_EQ(tensor.GetData()[47], 7);
}

TEST(GraphFile, Files) {
  const std::string path = testing::TempDir() + "/belay_graph_file_test.air";
  ASSERT_EQ(Sample().SaveToFile(path), ge::GRAPH_SUCCESS);
  ge::Graph loaded("g");
  EXPECT_EQ(loaded.LoadFromFile(path), ge::GRAPH_SUCCESS);
  EXPECT_EQ(loaded.GetAllNodes().size(), 6u);
  std::remove(path.c_str());
  EXPECT_EQ(loaded.LoadFromFile(path), ge::GRAPH_FAILED);
  EXPECT_EQ(loaded.GetAllNodes().size(), 6u);  // a failed load changes nothing
  EXPECT_EQ(Sample().SaveToFile("/no/such/folder/file"), ge::GRAPH_FAILED);
  EXPECT_EQ(loaded.LoadFromFile(static_cast<const char*>(nullptr)), ge::GRAPH_FAILED);
  EXPECT_EQ(loaded.LoadFromSerializedModelArray(nullptr, 1), ge::GRAPH_FAILED);
  EXPECT_EQ(loaded.LoadFromMem(reinterpret_cast<const uint8_t*>(""), 0), ge::GRAPH_FAILED);
  ge::GraphBuffer buffer;
  EXPECT_EQ(ge::Graph("empty").SaveToMem(buffer), ge::GRAPH_FAILED);
}

// Ops as a front end writes them.
struct OpText {
  std::string name, type;
  std::vector<std::string> inputs, input_names;
  std::vector<std::string> output_names = {"y"};
  std::vector<std::string> subgraphs;
};

void WriteGraph(pbf_writer& model, const std::string& name, const std::vector<OpText>& ops,
                const std::vector<std::string>& outputs) {
  pbf_writer graph(model, 7);
  graph.add_string(1, name);
  for (const std::string& output : outputs) graph.add_string(5, output);
  for (const OpText& op : ops) {
    pbf_writer w(graph, 6);
    w.add_string(1, op.name);
    w.add_string(2, op.type);
    for (const std::string& input : op.inputs) w.add_string(5, input);
    if (op.type == "Cast") {
      pbf_writer entry(w, 10);
      entry.add_string(1, "dst_type");
      pbf_writer value(entry, 2);
      value.add_int64(15, ge::DT_INT8);  // a type for an attribute declared as a number
    }
    for (const auto* names : {&op.input_names, &op.output_names}) {
      for (const std::string& port : *names) {
        pbf_writer desc(w, names == &op.input_names ? 33 : 34);
        if (!port.empty()) desc.add_string(1, port);
        desc.add_enum(2, 2);
      }
    }
    for (const std::string& subgraph : op.subgraphs) w.add_string(35, subgraph);
  }
}

std::string Model(const std::vector<OpText>& ops, const std::vector<std::string>& outputs) {
  std::string bytes;
  pbf_writer model(bytes);
  WriteGraph(model, "root", ops, outputs);
  return bytes;
}

ge::graphStatus Load(const std::string& bytes, ge::Graph* graph) {
  return graph->LoadFromSerializedModelArray(bytes.data(), bytes.size());
}

TEST(GraphFile, ControlEdgesFirstAndTypesAsNumbers) {
  ge::Graph graph("g");
  ASSERT_EQ(Load(Model({{"a", "Data", {}, {}}, {"b", "Data", {}, {}},
                        {"c", "Cast", {"b:-1", "a:0"}, {"x"}},
                        {"s", "ConcatV2", {"c:0", "c:0", "b:0"}, {"x0", "x1", "concat_dim"}}},
                       {"s:0", "c:0"}),
                 &graph),
            ge::GRAPH_SUCCESS);
  auto model = belay::ModelFromGraph(graph);
  ASSERT_TRUE(model.ok()) << model.status().ToString();
  const ModelNode& cast = (*model)->nodes[2];
  EXPECT_EQ(cast.control_inputs, std::vector<int>({1}));
  EXPECT_EQ(cast.inputs[0].node, 0);
  EXPECT_EQ(std::get<int64_t>(cast.attrs.at("dst_type")), ge::DT_INT8);
  const ModelNode& concat = (*model)->nodes[3];
  ASSERT_EQ(concat.inputs.size(), 3u);
  EXPECT_EQ(concat.input_ports[1].name, "x");
  EXPECT_EQ(concat.input_ports[1].instance, 1);
  EXPECT_EQ(concat.inputs[2].node, 1);
  EXPECT_EQ((*model)->nodes[0].output_descs[0].dtype, belay::DType::kF16);  // 2 in ge.proto
  EXPECT_EQ((*model)->outputs.size(), 2u);
}

TEST(GraphFile, PortsByPositionWhereNamesAreMissing) {
  ge::Graph graph("g");
  ASSERT_EQ(Load(Model({{"a", "Data", {}, {}},
                        {"conv", "Conv2D", {"a:0", "a:0", "", "a:0"}, {"", "", "", ""}},
                        {"s", "ConcatD", {"a:0", "conv:0", "a:0"}, {}},
                        {"own", "NotInTheTable", {"s:0", "a:0"}, {"left", ""}, {"first", "second"}}},
                       {"own:1"}),
                 &graph),
            ge::GRAPH_SUCCESS);
  auto model = belay::ModelFromGraph(graph);
  ASSERT_TRUE(model.ok());
  const ModelNode& conv = (*model)->nodes[1];
  EXPECT_EQ(conv.inputs[2].node, -1);
  EXPECT_EQ(conv.inputs[3].node, 0);
  EXPECT_EQ((*model)->nodes[2].inputs.size(), 3u);
  const ModelNode& own = (*model)->nodes[3];
  EXPECT_EQ(own.input_ports[0].name, "left");
  EXPECT_EQ((*model)->outputs[0].output, 1);
}

TEST(GraphFile, NetOutputNamesTheOutputs) {
  ge::Graph graph("g");
  ASSERT_EQ(Load(Model({{"a", "Data", {}, {}}, {"r", "Relu", {"a:0"}, {"x"}},
                        {"end", "NetOutput", {"r:0", "a:0"}, {"", ""}, {}}}, {}),
                 &graph),
            ge::GRAPH_SUCCESS);
  auto model = belay::ModelFromGraph(graph);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->nodes.size(), 2u);
  ASSERT_EQ((*model)->outputs.size(), 2u);
  EXPECT_EQ((*model)->outputs[0].node, 1);
}

// A marker of its own in a field that no message has.
void Mark(pbf_writer& w, const std::string& marker) { w.add_string(99, "<" + marker + ">"); }

void MarkedDesc(pbf_writer&& desc, const std::string& name, const std::string& where) {
  desc.add_string(1, name);
  desc.add_enum(2, 99);              // a type yet to come
  desc.add_string(4, "NC1HWC0:16");  // with a part that the number of the format leaves out
  pbf_writer shape(desc, 3);
  shape.add_int64(1, 4);
  Mark(shape, where + "-shape");
  shape.commit();
  desc.add_string(14, "NPU-" + where);
  desc.add_fixed32(98, 0xABCD);
  Mark(desc, where);
}

// Fields this library does not know, in every message, and attributes of kinds that no operator has.
std::string MarkedModel() {
  std::string bytes;
  pbf_writer model(bytes);
  model.add_string(1, "marked");
  model.add_uint32(2, 7);
  model.add_string(3, "custom-version");
  Mark(model, "model");
  pbf_writer graph(model, 7);
  graph.add_string(1, "root");
  graph.add_string(5, "const:0");
  Mark(graph, "graph");
  pbf_writer op(graph, 6);
  op.add_string(1, "const");
  op.add_string(2, "Const");
  op.add_int64(21, 12345);
  Mark(op, "op");
  for (const auto& [kind, marker] : {std::pair(10, "func"), {11, "desc"}, {13, "graph"}, {16, "lists"}, {77, "new"}}) {
    pbf_writer entry(op, 10);
    entry.add_string(1, std::string("attr-") + marker);
    pbf_writer value(entry, 2);
    pbf_writer inside(value, kind);
    Mark(inside, std::string("attr-") + marker);
  }
  {
    pbf_writer entry(op, 10);
    entry.add_string(1, "value");
    pbf_writer value(entry, 2);
    pbf_writer tensor(value, 12);
    MarkedDesc(pbf_writer(tensor, 1), "inner", "tensor-desc");
    tensor.add_bytes(2, "1234");
    Mark(tensor, "tensor");
  }
  MarkedDesc(pbf_writer(op, 34), "y", "output");
  op.commit();
  graph.commit();
  return bytes;
}

std::string Saved(const ge::Graph& graph) {
  ge::GraphBuffer buffer;
  EXPECT_EQ(graph.SaveToMem(buffer), ge::GRAPH_SUCCESS);
  return std::string(reinterpret_cast<const char*>(buffer.GetData()), buffer.GetSize());
}

TEST(GraphFile, WhatItDoesNotKnowSurvives) {
  ge::Graph graph("g"), copy("copy"), again("again");
  ASSERT_EQ(Load(MarkedModel(), &graph), ge::GRAPH_SUCCESS);
  const std::string saved = Saved(graph);
  for (const char* marker :
       {"model", "graph", "op", "attr-func", "attr-desc", "attr-graph", "attr-lists", "attr-new", "tensor",
        "tensor-desc", "tensor-desc-shape", "output", "output-shape"}) {
    const std::string text = std::string("<") + marker + ">";
    const size_t at = saved.find(text);
    EXPECT_NE(at, std::string::npos) << marker;
    EXPECT_EQ(saved.find(text, at + 1), std::string::npos) << marker << " stands twice";
  }
  for (const char* text : {"custom-version", "NPU-output", "NPU-tensor-desc", "NC1HWC0:16", "inner"}) {
    EXPECT_NE(saved.find(text), std::string::npos) << text;
  }
  // Every field stands where it stood: reading and writing once more changes nothing.
  ASSERT_EQ(Load(saved, &again), ge::GRAPH_SUCCESS);
  EXPECT_EQ(Saved(again), saved);
  ASSERT_EQ(copy.CopyFrom(graph), ge::GRAPH_SUCCESS);
  for (const char* marker : {"<model>", "<graph>", "<op>", "<attr-new>", "<tensor-desc-shape>", "<output>"}) {
    EXPECT_NE(Saved(copy).find(marker), std::string::npos) << marker;
  }
}

TEST(GraphFile, WhatTheProgramSetsGoesBeforeWhatWasRead) {
  ge::Graph graph("g");
  ASSERT_EQ(Load(MarkedModel(), &graph), ge::GRAPH_SUCCESS);
  ge::GNode node = graph.GetDirectNode()[0];
  TensorDesc desc(ge::Shape({2, 2}), ge::FORMAT_NHWC, ge::DT_INT8);
  ASSERT_EQ(node.UpdateOutputDesc(0, desc), ge::GRAPH_SUCCESS);
  int64_t number = 3;
  ASSERT_EQ(node.SetAttr("attr-new", number), ge::GRAPH_SUCCESS);
  const std::string saved = Saved(graph);
  EXPECT_NE(saved.find("<output>"), std::string::npos);
  ge::Graph again("again");
  ASSERT_EQ(Load(saved, &again), ge::GRAPH_SUCCESS);
  node = again.GetDirectNode()[0];
  ASSERT_EQ(node.GetOutputDesc(0, desc), ge::GRAPH_SUCCESS);
  EXPECT_EQ(desc.GetDataType(), ge::DT_INT8);
  EXPECT_EQ(desc.GetFormat(), ge::FORMAT_NHWC);
  number = 0;
  EXPECT_EQ(node.GetAttr("attr-new", number), ge::GRAPH_SUCCESS);
  EXPECT_EQ(number, 3);
}

TEST(GraphFile, AnEndWithoutInputsSurvives) {
  ge::Graph graph("g"), again("again");
  ASSERT_EQ(Load(Model({{"a", "Data", {}, {}}, {"end", "NetOutput", {}, {}, {}}}, {}), &graph), ge::GRAPH_SUCCESS);
  ASSERT_EQ(Load(Saved(graph), &again), ge::GRAPH_SUCCESS);
  EXPECT_EQ(again.GetDirectNode().size(), 1u);
  EXPECT_TRUE((*belay::ModelFromGraph(again))->may_be_empty);
}

TEST(GraphFile, BadGraphsAreRefused) {
  ge::Graph graph("g");
  const OpText data = {"a", "Data", {}, {}};
  const std::vector<std::string> bad = {
      "\x3a\xff\xff",                                               // truncated
      std::string("\x0a\x01g", 3),                                  // no graph
      Model({data, {"r", "Relu", {"b:0"}, {"x"}}}, {}),             // no such node
      Model({data, {"r", "Relu", {"a:1"}, {"x"}}}, {}),             // no such output
      Model({data, {"r", "Relu", {"a"}, {"x"}}}, {}),               // no port
      Model({data, {"r", "Relu", {"a:99999999999"}, {"x"}}}, {}),   // too large
      Model({data, data}, {}),                                      // twice the name
      Model({data}, {"b:0"}),                                       // output of nothing
      Model({data, {"i", "If", {"a:0"}, {"cond"}, {}, {"none"}}}, {}),
      Model({data, {"i", "If", {"a:0"}, {"cond"}, {}, {"root", "root"}}}, {}),  // calls itself
      Model({data, {"c", "ConcatD", {"a:0"}, {"x999999"}}}, {})};   // instances are not dense
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(Load(bad[i], &graph), ge::GRAPH_FAILED) << i;
    EXPECT_FALSE(graph.IsValid()) << i;
  }
}

TEST(GraphFile, AnyPrefixOfAFileIsReadOrRefused) {
  ge::GraphBuffer buffer;
  ASSERT_EQ(Sample().SaveToMem(buffer), ge::GRAPH_SUCCESS);
  size_t refused = 0;
  for (size_t size = 1; size < buffer.GetSize(); ++size) {
    const std::string part(reinterpret_cast<const char*>(buffer.GetData()), size);
    ge::Graph graph("g");
    refused += Load(part, &graph) == ge::GRAPH_FAILED ? 1 : 0;
  }
  EXPECT_GT(refused, buffer.GetSize() / 2);
}

}  // namespace
