#include "import/onnx/reader.h"

#include <gtest/gtest.h>

#include "import/model_writer.h"
#include "import/support.h"

namespace belay::onnx {
namespace {

using namespace belay::test;

TEST(Reader, ReadsPackedAndUnpackedIntegersAlike) {
  for (bool packed : {false, true}) {
    GraphWriter graph;
    graph.Node(NodeBytes("Transpose", {"x"}, {"y"},
                         {IntsAttr("perm", {1, -2, int64_t{1} << 40}, packed)}));
    const std::string bytes = ModelBytes(graph, 13);
    Result<Model> model = ReadModel(bytes);
    ASSERT_TRUE(model.ok()) << model.status().message();
    const Attribute* perm = model->graph.nodes[0].Find("perm");
    ASSERT_NE(perm, nullptr);
    EXPECT_EQ(perm->ints, (std::vector<int64_t>{1, -2, int64_t{1} << 40}));
  }
}

TEST(Reader, ReadsUnpackedTensorFields) {
  std::string tensor;
  pbf_writer w(tensor);
  w.add_int64(1, 2);
  w.add_int32(2, 1);
  w.add_float(4, 1.5f);
  w.add_float(4, -2.5f);
  w.add_double(10, 3.25);
  w.add_uint64(11, ~uint64_t{0});
  w.add_int32(5, -7);
  Result<TensorProto> t = ReadTensor(tensor);
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->dims, std::vector<int64_t>{2});
  EXPECT_EQ(t->float_data, (std::vector<float>{1.5f, -2.5f}));
  EXPECT_EQ(t->double_data, std::vector<double>{3.25});
  EXPECT_EQ(t->uint64_data, std::vector<uint64_t>{~uint64_t{0}});
  EXPECT_EQ(t->int32_data, std::vector<int32_t>{-7});
}

TEST(Reader, SkipsAFieldOfTheWrongWireType) {
  std::string node;
  pbf_writer w(node);
  w.add_int64(4, 77);  // op_type is a string
  w.add_string(4, "Relu");
  w.add_string(900, "from a later version");
  GraphWriter graph;
  graph.Node(node);
  const std::string bytes = ModelBytes(graph, 13);
  Result<Model> model = ReadModel(bytes);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->graph.nodes[0].op, "Relu");
}

TEST(Reader, ReadsTypes) {
  std::string tensor, elem, list, type, value, map;
  pbf_writer(tensor).add_int32(1, 7);
  pbf_writer(elem).add_message(1, tensor);
  pbf_writer(list).add_message(1, elem);
  pbf_writer(type).add_message(9, list);  // optional(tensor(int64))
  pbf_writer vw(value);
  vw.add_string(1, "o");
  vw.add_message(2, type);
  GraphWriter graph;
  graph.Input(value).Input(ValueBytes("x", 1, {2, -1, 0})).Input(ValueBytes("u", 10, {}, false));
  const std::string bytes = ModelBytes(graph, 13);
  Result<Model> model = ReadModel(bytes);
  ASSERT_TRUE(model.ok());
  const auto& in = model->graph.inputs;
  ASSERT_EQ(in.size(), 3u);
  EXPECT_EQ(in[0].type.kind, TypeProto::Kind::kOptional);
  ASSERT_NE(in[0].type.elem, nullptr);
  EXPECT_EQ(in[0].type.elem->elem_type, 7);
  EXPECT_EQ(in[1].type.dims, (std::vector<int64_t>{2, -1, 0}));
  EXPECT_TRUE(in[1].type.has_shape);
  EXPECT_FALSE(in[2].type.has_shape);
  EXPECT_EQ(in[2].type.elem_type, 10);
}

TEST(Reader, GuessesAttributeTypesThatAreLeftOut) {
  std::string attr;
  pbf_writer w(attr);
  w.add_string(1, "axes");
  w.add_int64(8, 3);
  GraphWriter graph;
  graph.Node(NodeBytes("Squeeze", {"x"}, {"y"}, {Attr{attr}}));
  const std::string bytes = ModelBytes(graph, 1, 1);
  Result<Model> model = ReadModel(bytes);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(model->graph.nodes[0].attributes[0].type, AttrType::kInts);
}

TEST(Reader, ReadsSequences) {
  std::string inner, outer;
  pbf_writer iw(inner);
  iw.add_int32(2, 1);
  iw.add_message(3, FloatTensor("", {1}, {4}));
  pbf_writer ow(outer);
  ow.add_string(1, "s");
  ow.add_int32(2, 3);
  ow.add_message(5, inner);
  Result<SequenceProto> s = ReadSequence(outer);
  ASSERT_TRUE(s.ok());
  EXPECT_EQ(s->elem_type, 3);
  ASSERT_EQ(s->sequences.size(), 1u);
  EXPECT_EQ(s->sequences[0].tensors.size(), 1u);
}

TEST(Reader, RefusesDeepNesting) {
  std::string graph;
  for (int i = 0; i < 200; ++i) {
    GraphWriter g;
    g.Node(NodeBytes("If", {"c"}, {"y"}, {MessageAttr("then_branch", 6, 5, graph)}));
    graph = g.bytes;
  }
  GraphWriter top;
  top.bytes = graph;
  const std::string bytes = ModelBytes(top, 13);
  Result<Model> model = ReadModel(bytes);
  ASSERT_FALSE(model.ok());
  EXPECT_HAS(model.status().message(), "nested deeper");
}

TEST(Reader, RefusesPackedFloatsOfOddLength) {
  std::string tensor;
  pbf_writer(tensor).add_bytes(4, "abcde", 5);
  Result<TensorProto> t = ReadTensor(tensor);
  ASSERT_FALSE(t.ok());
  EXPECT_EQ(t.status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace belay::onnx
