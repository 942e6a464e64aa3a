#include <algorithm>
#include <numeric>

#include "base/ge_names.h"
#include "graph/graph.h"
#include "graph/model_text.h"
#include "graph/proto_text.h"

namespace belay {
namespace {

constexpr char kDomain[] = "ge";
constexpr int kIrVersion = 8;

std::string DTypeText(DType dtype) {
  const char* name = GeDTypeName(static_cast<size_t>(dtype));
  return name ? name : DTypeName(dtype);
}

std::string LiteralText(const Literal& v) { return DescText({v.dtype, 0, v.dims}); }

std::string IntsText(const std::vector<int64_t>& ints) {
  std::string text;
  for (int64_t i : ints) text += (text.empty() ? "" : ",") + std::to_string(i);
  return "[" + text + "]";
}

struct OnnxAttrWriter {
  ProtoText& w;
  bool data;  // of tensors; else they are texts

  void operator()(std::monostate) const { Text(""); }
  void operator()(int64_t v) const {
    w.Word("type", "INT");
    w.Int("i", v);
  }
  void operator()(double v) const {
    w.Word("type", "FLOAT");
    w.Float("f", static_cast<float>(v));
  }
  void operator()(bool v) const { (*this)(int64_t{v}); }
  void operator()(const std::string& v) const { Text(v); }
  void operator()(DType v) const { Text(DTypeText(v)); }
  void operator()(const LiteralPtr& v) const {
    if (!data || DTypeToOnnx(v->dtype) == 0) return Text(LiteralText(*v));
    w.Word("type", "TENSOR");
    Tensor("t", *v);
  }
  void operator()(const std::vector<uint8_t>& v) const {
    Text({reinterpret_cast<const char*>(v.data()), v.size()});
  }
  void operator()(const std::vector<int64_t>& v) const {
    w.Word("type", "INTS");
    for (int64_t i : v) w.Int("ints", i);
  }
  void operator()(const std::vector<bool>& v) const { (*this)(std::vector<int64_t>(v.begin(), v.end())); }
  void operator()(const std::vector<double>& v) const {
    w.Word("type", "FLOATS");
    for (double f : v) w.Float("floats", static_cast<float>(f));
  }
  void operator()(const std::vector<std::string>& v) const {
    Texts(v, [](const std::string& s) { return s; });
  }
  void operator()(const std::vector<DType>& v) const { Texts(v, DTypeText); }
  void operator()(const std::vector<LiteralPtr>& v) const {
    Texts(v, [](const LiteralPtr& t) { return LiteralText(*t); });
  }
  void operator()(const std::vector<std::vector<int64_t>>& v) const { Texts(v, IntsText); }

 private:
  void Text(std::string_view v) const {
    w.Word("type", "STRING");
    w.Bytes("s", v);
  }
  template <typename T, typename Fn>
  void Texts(const std::vector<T>& v, Fn text) const {
    w.Word("type", "STRINGS");
    for (const T& item : v) w.Bytes("strings", text(item));
  }
  void Tensor(const char* field, const Literal& v) const {
    const auto tensor = w.Open(field);
    for (int64_t d : v.dims) w.Int("dims", d);
    w.Int("data_type", DTypeToOnnx(v.dtype));
    if (v.dtype == DType::kString) {
      for (const std::string& text : *v.strings) w.Bytes("string_data", text);
    } else {
      w.Bytes("raw_data", {static_cast<const char*>(v.data()), static_cast<size_t>(v.ByteSize())});
    }
  }
};

class OnnxWriter {
 public:
  explicit OnnxWriter(ModelDetail detail) : detail_(detail) {}

  std::string Run(const ModelGraph& model) {
    w_.Int("ir_version", kIrVersion);
    w_.Bytes("producer_name", "Belay");
    {
      const auto graph = w_.Open("graph");
      WriteGraph(model, "");
    }
    {
      const auto opset = w_.Open("opset_import");
      w_.Bytes("domain", kDomain);
      w_.Int("version", 1);
    }
    return w_.Take();
  }

 private:
  // Names of subgraphs' values lie in the same scope as those around them: their path keeps them apart.
  static std::string Value(const ModelGraph& model, const ModelEdge& edge, const std::string& path) {
    return edge.node < 0 ? "" : path + model.nodes[edge.node].name + ":" + std::to_string(edge.output);
  }

  void WriteGraph(const ModelGraph& model, const std::string& path) {
    w_.Bytes("name", model.name.empty() ? "graph" : model.name);
    std::vector<int> order;
    if (Result<std::vector<int>> sorted = TopologicalOrder(model); sorted.ok()) {
      order = *std::move(sorted);
    } else {
      order.resize(model.nodes.size());
      std::iota(order.begin(), order.end(), 0);
    }
    for (int i : order) {
      if (!IsData(model.nodes[i])) WriteNode(model, i, path);
    }
    for (int i : order) {
      if (IsData(model.nodes[i])) WriteValueInfo("input", model, {i, 0}, path);
    }
    for (const ModelEdge& edge : model.outputs) WriteValueInfo("output", model, edge, path);
    if (detail_ != ModelDetail::kNodes) WriteKnownTypes(model, path);
  }

  void WriteKnownTypes(const ModelGraph& model, const std::string& path) {
    for (size_t i = 0; i < model.nodes.size(); ++i) {
      const ModelNode& node = model.nodes[i];
      if (IsData(node)) continue;
      for (size_t k = 0; k < node.output_descs.size(); ++k) {
        const ModelEdge edge{static_cast<int>(i), static_cast<int>(k)};
        const bool is_output = std::find(model.outputs.begin(), model.outputs.end(), edge) != model.outputs.end();
        if (node.output_descs[k].dtype == DType::kUndefined || is_output) continue;
        WriteValueInfo("value_info", model, edge, path);
      }
    }
  }

  void WriteNode(const ModelGraph& model, int i, const std::string& path) {
    const ModelNode& node = model.nodes[i];
    const auto message = w_.Open("node");
    for (const ModelEdge& edge : node.inputs) w_.Bytes("input", Value(model, edge, path));
    const size_t outputs = std::max(node.output_ports.size(), node.output_descs.size());
    for (size_t k = 0; k < outputs; ++k) w_.Bytes("output", Value(model, {i, static_cast<int>(k)}, path));
    w_.Bytes("name", path + node.name);
    w_.Bytes("op_type", node.type);
    w_.Bytes("domain", kDomain);
    if (!node.control_inputs.empty()) {
      std::vector<std::string> before;
      for (int control : node.control_inputs) before.push_back(model.nodes[control].name);
      WriteAttr("control_inputs", before);
    }
    if (detail_ != ModelDetail::kNodes) {
      for (const auto& [name, value] : node.attrs) {
        if (name != "control_inputs" && node.subgraphs.count(name) == 0) WriteAttr(name, value);
      }
    }
    for (const auto& [name, graphs] : node.subgraphs) WriteSubgraphs(name, graphs, path + node.name + "/" + name);
  }

  void WriteAttr(const std::string& name, const AttrValue& value) {
    const auto attr = w_.Open("attribute");
    w_.Bytes("name", name);
    std::visit(OnnxAttrWriter{w_, detail_ == ModelDetail::kFull}, value);
  }

  void WriteSubgraphs(const std::string& name, const std::vector<std::shared_ptr<ModelGraph>>& graphs,
                      const std::string& path) {
    const auto attr = w_.Open("attribute");
    w_.Bytes("name", name);
    w_.Word("type", graphs.size() == 1 ? "GRAPH" : "GRAPHS");
    for (size_t k = 0; k < graphs.size(); ++k) {
      const auto graph = w_.Open(graphs.size() == 1 ? "g" : "graphs");
      WriteGraph(*graphs[k], graphs.size() == 1 ? path + "/" : fmt::format("{}{}/", path, k));
    }
  }

  void WriteValueInfo(const char* field, const ModelGraph& model, const ModelEdge& edge, const std::string& path) {
    const auto info = w_.Open(field);
    w_.Bytes("name", Value(model, edge, path));
    const std::vector<ModelDesc>& descs = model.nodes[edge.node].output_descs;
    const ModelDesc desc = static_cast<size_t>(edge.output) < descs.size() ? descs[edge.output] : ModelDesc{};
    const auto type = w_.Open("type");
    const auto tensor = w_.Open("tensor_type");
    w_.Int("elem_type", DTypeToOnnx(desc.dtype));
    const auto shape = w_.Open("shape");
    for (int64_t d : desc.dims) {
      const auto dim = w_.Open("dim");
      if (d >= 0) {
        w_.Int("dim_value", d);
      } else {
        w_.Bytes("dim_param", d == -2 ? "any rank" : "?");
      }
    }
  }

  const ModelDetail detail_;
  ProtoText w_;
};

struct AttrToText {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return fmt::format("{}", v); }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(DType v) const { return DTypeName(v); }
  std::string operator()(const LiteralPtr& v) const { return LiteralText(*v); }
  std::string operator()(const std::vector<uint8_t>& v) const { return fmt::format("<{} bytes>", v.size()); }
  std::string operator()(const std::vector<int64_t>& v) const { return IntsText(v); }
  template <typename T>
  std::string operator()(const std::vector<T>& v) const {
    std::string text;
    for (size_t i = 0; i < v.size(); ++i) {
      const T item = v[i];
      text += (i ? "," : "") + (*this)(item);
    }
    return "[" + text + "]";
  }
};

}  // namespace

std::string OnnxModelText(const ModelGraph& model, ModelDetail detail) { return OnnxWriter(detail).Run(model); }

std::string AttrText(const AttrValue& value) { return std::visit(AttrToText{}, value); }

std::string DescText(const ModelDesc& desc) {
  std::string dims = desc.dims == std::vector<int64_t>{-2} ? "..." : "";
  for (int64_t d : desc.dims) {
    if (d != -2) dims += (dims.empty() ? "" : ",") + (d < 0 ? std::string("?") : std::to_string(d));
  }
  return fmt::format("{}[{}]", DTypeName(desc.dtype), dims);
}

}  // namespace belay
