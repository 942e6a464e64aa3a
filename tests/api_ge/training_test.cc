// Training steps built from GE operators: a convolutional network and a block of a transformer. The gradients
// that the graph returns are measured against differences of its own loss, in f64; then it learns.
#include <cmath>
#include <numeric>
#include <random>

#include "api_ge/ge_fixture.h"
#include "fusion_ops.h"
#include "matrix_calculation_ops.h"
#include "nn_activation.h"
#include "nn_batch_norm_ops.h"
#include "nn_calculation_ops.h"
#include "nn_norm_ops.h"
#include "nn_pooling_ops.h"
#include "nonlinear_fuc_ops.h"
#include "reduce_ops.h"
#include "rnn.h"

namespace belay_test {
namespace {

using Dims = std::vector<int64_t>;
using Values = std::vector<double>;

int64_t CountOf(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
}

template <typename T>
ge::Tensor Filled(ge::DataType dtype, const Dims& dims, const std::vector<T>& values) {
  ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  return ge::Tensor(desc, reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T));
}

ge::op::Const Number(const char* name, const Dims& dims, const Values& values) {
  return ge::op::Const(name).set_attr_value(Filled(ge::DT_DOUBLE, dims, values));
}
ge::op::Const Ints(const char* name, const std::vector<int32_t>& values) {
  return ge::op::Const(name).set_attr_value(Filled(ge::DT_INT32, {static_cast<int64_t>(values.size())}, values));
}

Values Random(const Dims& dims, uint32_t seed, double scale) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-scale, scale);
  Values values(static_cast<size_t>(CountOf(dims)));
  for (double& v : values) v = uniform(random);
  return values;
}

// A graph whose inputs are parameters and whose outputs are the loss and a gradient for each.
struct Model {
  std::vector<Dims> dims;
  std::vector<Values> values;
  std::vector<ge::Operator> parameters;
  std::vector<std::pair<ge::Operator, std::vector<size_t>>> outputs;

  ge::op::Data Parameter(const char* name, const Dims& shape, double scale) {
    auto data = MakeData(name, static_cast<int>(dims.size()), shape, ge::DT_DOUBLE);
    dims.push_back(shape);
    values.push_back(Random(shape, static_cast<uint32_t>(dims.size()), scale));
    parameters.push_back(data);
    return data;
  }
  // The loss first, then gradients in the order of the parameters.
  void Returns(const ge::Operator& op, size_t output = 0) { outputs.emplace_back(op, std::vector<size_t>{output}); }
};

class Training : public GeTest {
 protected:
  void Open(const Model& model) {
    session_ = std::make_unique<ge::Session>(Options{});
    ge::Graph graph("training");
    graph.SetInputs(model.parameters).SetOutputs(model.outputs);
    ASSERT_EQ(session_->AddGraph(1, graph), ge::SUCCESS) << TakeErrors();
  }
  void TearDown() override {
    session_.reset();
    GeTest::TearDown();
  }
  std::vector<Values> Run(const Model& model, const std::vector<Values>& parameters) {
    std::vector<ge::Tensor> in, out;
    for (size_t i = 0; i < parameters.size(); ++i) in.push_back(Filled(ge::DT_DOUBLE, model.dims[i], parameters[i]));
    EXPECT_EQ(session_->RunGraph(1, in, out), ge::SUCCESS) << TakeErrors();
    std::vector<Values> results;
    for (const ge::Tensor& t : out) {
      const auto* data = reinterpret_cast<const double*>(t.GetData());
      results.emplace_back(data, data + t.GetSize() / sizeof(double));
    }
    return results;
  }

  // A few elements of each parameter.
  void CheckGradients(const Model& model) {
    const std::vector<Values> got = Run(model, model.values);
    ASSERT_EQ(got.size(), model.values.size() + 1);
    constexpr double kStep = 1e-5;
    for (size_t p = 0; p < model.values.size(); ++p) {
      ASSERT_EQ(got[p + 1].size(), model.values[p].size()) << "parameter " << p;
      const size_t stride = std::max<size_t>(model.values[p].size() / 5, 1);
      for (size_t e = 0; e < model.values[p].size(); e += stride) {
        std::vector<Values> moved = model.values;
        moved[p][e] += kStep;
        const double above = Run(model, moved)[0][0];
        moved[p][e] -= 2 * kStep;
        const double slope = (above - Run(model, moved)[0][0]) / (2 * kStep);
        EXPECT_NEAR(got[p + 1][e], slope, 1e-8) << "parameter " << p << ", element " << e;
      }
    }
  }

  // Steps down the gradient.
  void CheckLearning(const Model& model, double rate, int steps, double share) {
    std::vector<Values> parameters = model.values;
    const double before = Run(model, parameters)[0][0];
    for (int i = 0; i < steps; ++i) {
      const std::vector<Values> got = Run(model, parameters);
      for (size_t p = 0; p < parameters.size(); ++p) {
        for (size_t e = 0; e < parameters[p].size(); ++e) parameters[p][e] -= rate * got[p + 1][e];
      }
    }
    EXPECT_LT(Run(model, parameters)[0][0], share * before) << "was " << before;
  }

  std::unique_ptr<ge::Session> session_;
};

// Convolution, batch norm, max pooling, a second convolution, average pooling, one layer of classes.
Model ConvolutionalNetwork() {
  namespace op = ge::op;
  Model m;
  const std::vector<int64_t> ones = {1, 1, 1, 1}, twos = {1, 1, 2, 2};
  auto f1 = m.Parameter("f1", {3, 2, 3, 3}, 0.5), b1 = m.Parameter("b1", {3}, 0.5);
  auto scale = m.Parameter("scale", {3}, 1), offset = m.Parameter("offset", {3}, 0.5);
  auto f2 = m.Parameter("f2", {4, 3, 3, 3}, 0.5);
  auto w = m.Parameter("w", {4, 3}, 1), b = m.Parameter("b", {3}, 0.5);
  auto x = Number("x", {4, 2, 8, 8}, Random({4, 2, 8, 8}, 99, 1));
  auto labels = Number("labels", {4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0});
  auto conv1 = op::Conv2D("conv1").set_input_x(x).set_input_filter(f1).set_input_bias(b1).set_attr_strides(ones)
                   .set_attr_pads(ones).set_attr_data_format("NCHW");
  auto norm = op::BatchNorm("norm").set_input_x(conv1).set_input_scale(scale).set_input_offset(offset)
                  .set_attr_epsilon(0.001f).set_attr_data_format("NCHW");
  auto relu1 = op::Relu("relu1").set_input_x_by_name(norm, "y");
  auto pool = op::MaxPoolV3("pool").set_input_x(relu1).set_attr_ksize(twos).set_attr_strides(twos);
  auto conv2 = op::Conv2D("conv2").set_input_x(pool).set_input_filter(f2).set_attr_strides(twos).set_attr_pads(ones)
                   .set_attr_data_format("NCHW");
  auto relu2 = op::Relu("relu2").set_input_x(conv2);
  auto average = op::AvgPoolV2("average").set_input_x(relu2).set_attr_ksize(twos).set_attr_strides(twos);
  auto flat_shape = Ints("flat_shape", {4, 4});
  auto flat = op::Reshape("flat").set_input_x(average).set_input_shape(flat_shape);
  auto classes = op::MatMulV2("classes").set_input_x1(flat).set_input_x2(w).set_input_bias(b);
  auto entropy = op::SoftmaxCrossEntropyWithLogits("entropy").set_input_features(classes).set_input_labels(labels);
  auto loss_axes = Ints("loss_axes", {0});
  auto loss = op::ReduceMean("loss").set_input_x_by_name(entropy, "loss").set_input_axes(loss_axes);

  auto dclasses = op::Muls("dclasses").set_input_x_by_name(entropy, "backprop").set_attr_value(0.25f);
  auto dw = op::MatMulV2("dw").set_input_x1(flat).set_input_x2(dclasses).set_attr_transpose_x1(true);
  auto db = op::BiasAddGrad("db").set_input_x(dclasses);
  auto dflat = op::MatMulV2("dflat").set_input_x1(dclasses).set_input_x2(w).set_attr_transpose_x2(true);
  auto average_shape = Ints("average_shape", {4, 4, 1, 1});
  auto daverage = op::Reshape("daverage").set_input_x(dflat).set_input_shape(average_shape);
  auto relu2_shape = Ints("relu2_shape", {4, 4, 2, 2});
  auto drelu2 = op::AvgPoolV2Grad("drelu2").set_input_orig_input_shape(relu2_shape)
                    .set_input_input_grad(daverage).set_attr_ksize(twos).set_attr_strides(twos);
  auto dconv2 = op::ReluGrad("dconv2").set_input_gradients(drelu2).set_input_features(conv2);
  auto f2_shape = Ints("f2_shape", {4, 3, 3, 3});
  auto df2 = op::Conv2DBackpropFilter("df2").set_input_x(pool).set_input_filter_size(f2_shape)
                 .set_input_out_backprop(dconv2).set_attr_strides(twos).set_attr_pads(ones)
                 .set_attr_data_format("NCHW");
  auto pool_shape = Ints("pool_shape", {4, 3, 4, 4});
  auto dpool = op::Conv2DBackpropInput("dpool").set_input_input_size(pool_shape)
                   .set_input_filter(f2).set_input_out_backprop(dconv2).set_attr_strides(twos).set_attr_pads(ones)
                   .set_attr_data_format("NCHW");
  auto drelu1 = op::MaxPoolV3Grad("drelu1").set_input_orig_input(relu1).set_input_orig_output(pool)
                    .set_input_grad(dpool).set_attr_ksize(twos).set_attr_strides(twos);
  auto dnorm = op::ReluGrad("dnorm").set_input_gradients(drelu1).set_input_features_by_name(norm, "y");
  auto back = op::BatchNormGrad("back").set_input_y_backprop(dnorm).set_input_x(conv1).set_input_scale(scale)
                  .set_input_reserve_space_1_by_name(norm, "reserve_space_1")
                  .set_input_reserve_space_2_by_name(norm, "reserve_space_2").set_attr_epsilon(0.001f)
                  .set_attr_data_format("NCHW");
  auto f1_shape = Ints("f1_shape", {3, 2, 3, 3});
  auto df1 = op::Conv2DBackpropFilter("df1").set_input_x(x).set_input_filter_size(f1_shape)
                 .set_input_out_backprop_by_name(back, "x_backprop").set_attr_strides(ones).set_attr_pads(ones)
                 .set_attr_data_format("NCHW");
  auto db1 = op::BiasAddGrad("db1").set_input_x_by_name(back, "x_backprop").set_attr_data_format("NCHW");
  m.Returns(loss);
  m.Returns(df1);
  m.Returns(db1);
  m.Returns(back, 1);
  m.Returns(back, 2);
  m.Returns(df2);
  m.Returns(dw);
  m.Returns(db);
  return m;
}

TEST_F(Training, AConvolutionalNetworkLearnsByItsGradients) {
  const Model model = ConvolutionalNetwork();
  Open(model);
  CheckGradients(model);
  CheckLearning(model, 0.5, 30, 0.7);
}

// Operators are handles; the classes' setters want them as lvalues.
ge::op::MatMulV2 Product(const char* name, ge::Operator a, ge::Operator b, bool turn_a = false,
                         bool turn_b = false) {
  return ge::op::MatMulV2(name).set_input_x1(a).set_input_x2(b).set_attr_transpose_x1(turn_a)
      .set_attr_transpose_x2(turn_b);
}
ge::op::Reshape Shaped(const char* name, ge::Operator x, const std::vector<int32_t>& dims) {
  auto shape = Ints((std::string(name) + "_shape").c_str(), dims);
  return ge::op::Reshape(name).set_input_x(x).set_input_shape(shape);
}
ge::op::Add Plus(const char* name, ge::Operator a, ge::Operator b) {
  return ge::op::Add(name).set_input_x1(a).set_input_x2(b);
}

// Embedding, layer norm, causal attention of two heads, RMS norm, SwiGLU, classes; two sequences of four tokens.
Model TransformerBlock() {
  namespace op = ge::op;
  Model m;
  const std::vector<int32_t> rows = {8, 4}, heads = {2, 4, 4};
  auto table = m.Parameter("table", {5, 4}, 1);
  auto gamma1 = m.Parameter("gamma1", {4}, 1), beta1 = m.Parameter("beta1", {4}, 0.5);
  auto wq = m.Parameter("wq", {4, 4}, 1), wk = m.Parameter("wk", {4, 4}, 1), wv = m.Parameter("wv", {4, 4}, 1);
  auto wo = m.Parameter("wo", {4, 4}, 1), gamma2 = m.Parameter("gamma2", {4}, 1);
  auto w1 = m.Parameter("w1", {4, 12}, 1), w2 = m.Parameter("w2", {6, 4}, 1), head = m.Parameter("head", {4, 5}, 1);
  auto tokens = Ints("tokens", {0, 1, 2, 3, 3, 1, 4, 0}), next = Ints("next", {1, 2, 3, 4, 1, 4, 0, 2});
  auto axis = Ints("axis", {0});
  auto x = op::GatherV2("x").set_input_x(table).set_input_indices(tokens).set_input_axis(axis);
  auto norm1 = op::LayerNormV3("norm1").set_input_x(x).set_input_gamma(gamma1).set_input_beta(beta1)
                   .set_attr_begin_norm_axis(-1).set_attr_begin_params_axis(-1).set_attr_epsilon(0.01f);
  auto n1 = op::Identity("n1").set_input_x_by_name(norm1, "y");
  auto q = Shaped("q", Product("q2", n1, wq), heads), k = Shaped("k", Product("k2", n1, wk), heads);
  auto v = Shaped("v", Product("v2", n1, wv), heads);
  auto attention = op::FlashAttentionScore("attention").set_input_query(q).set_input_key(k).set_input_value(v)
                       .set_attr_scale_value(0.7f).set_attr_head_num(2).set_attr_input_layout("BSH")
                       .set_attr_sparse_mode(2);
  auto flat = Ints("flat", rows);
  auto mixed = op::Reshape("mixed").set_input_x_by_name(attention, "attention_out").set_input_shape(flat);
  auto r1 = Plus("r1", x, Product("o", mixed, wo));
  auto norm2 = op::RmsNorm("norm2").set_input_x(r1).set_input_gamma(gamma2).set_attr_epsilon(0.01f);
  auto n2 = op::Identity("n2").set_input_x_by_name(norm2, "y");
  auto gates = Product("gates", n2, w1);
  auto inner = op::SwiGlu("inner").set_input_x(gates);
  auto r2 = Plus("r2", r1, Product("mlp", inner, w2));
  auto classes = Product("classes", r2, head);
  auto entropy = op::SparseSoftmaxCrossEntropyWithLogits("entropy").set_input_features(classes).set_input_labels(next);
  auto loss_axes = Ints("loss_axes", {0});
  auto loss = op::ReduceMean("loss").set_input_x_by_name(entropy, "loss").set_input_axes(loss_axes);

  auto dclasses = op::Muls("dclasses").set_input_x_by_name(entropy, "backprop").set_attr_value(0.125f);
  auto dhead = Product("dhead", r2, dclasses, true), dr2 = Product("dr2", dclasses, head, false, true);
  auto dw2 = Product("dw2", inner, dr2, true), dinner = Product("dinner", dr2, w2, false, true);
  auto dgates = op::SwiGluGrad("dgates").set_input_y_grad(dinner).set_input_x(gates);
  auto dw1 = Product("dw1", n2, dgates, true), dn2 = Product("dn2", dgates, w1, false, true);
  auto back2 = op::RmsNormGrad("back2").set_input_dy(dn2).set_input_x(r1).set_input_rstd_by_name(norm2, "rstd")
                   .set_input_gamma(gamma2);
  auto dr1 = op::Add("dr1").set_input_x1(dr2).set_input_x2_by_name(back2, "dx");
  auto dwo = Product("dwo", mixed, dr1, true);
  auto dmixed = Shaped("dmixed", Product("dmixed2", dr1, wo, false, true), heads);
  auto dattention = op::FlashAttentionScoreGrad("dattention").set_input_query(q).set_input_key(k).set_input_value(v)
                        .set_input_dy(dmixed).set_attr_scale_value(0.7f).set_attr_head_num(2)
                        .set_attr_input_layout("BSH").set_attr_sparse_mode(2);
  auto rows_back = Ints("rows_back", rows);
  auto part = [&](const char* name, const char* output) {
    return op::Reshape(name).set_input_x_by_name(dattention, output).set_input_shape(rows_back);
  };
  auto dq = part("dq", "dq"), dk = part("dk", "dk"), dv = part("dv", "dv");
  auto dn1 = Plus("dn1", Product("nq", dq, wq, false, true),
                  Plus("nkv", Product("nk", dk, wk, false, true), Product("nv", dv, wv, false, true)));
  auto back1 = op::LayerNormGradV3("back1").set_input_dy(dn1).set_input_x(x).set_input_rstd_by_name(norm1, "rstd")
                   .set_input_mean_by_name(norm1, "mean").set_input_gamma(gamma1);
  auto dx = op::Add("dx").set_input_x1(dr1).set_input_x2_by_name(back1, "pd_x");
  auto dtable = op::EmbeddingDenseGrad("dtable").set_input_grad(dx).set_input_indices(tokens).set_attr_num_weights(5);
  m.Returns(loss);
  m.Returns(dtable);
  m.Returns(back1, 1);
  m.Returns(back1, 2);
  m.Returns(Product("dwq", n1, dq, true));
  m.Returns(Product("dwk", n1, dk, true));
  m.Returns(Product("dwv", n1, dv, true));
  m.Returns(dwo);
  m.Returns(back2, 1);
  m.Returns(dw1);
  m.Returns(dw2);
  m.Returns(dhead);
  return m;
}

TEST_F(Training, ATransformerBlockLearnsByItsGradients) {
  const Model model = TransformerBlock();
  Open(model);
  CheckGradients(model);
  CheckLearning(model, 0.1, 60, 0.3);
}

}  // namespace
}  // namespace belay_test
