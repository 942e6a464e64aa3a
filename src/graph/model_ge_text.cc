#include <set>

#include "base/ge_names.h"
#include "base/texts.h"
#include "graph/graph.h"
#include "graph/model_text.h"
#include "graph/proto_text.h"

namespace belay {
namespace {

constexpr int32_t kFormatND = 2;

std::string PortName(const std::vector<ModelPort>& ports, size_t k) {
  if (k >= ports.size()) return "__" + std::to_string(k);
  size_t instances = 0;
  for (const ModelPort& port : ports) instances += port.name == ports[k].name;
  const bool dynamic = instances > 1 || ports[k].instance > 0;
  return dynamic ? ports[k].name + std::to_string(ports[k].instance) : ports[k].name;
}

void WriteShape(const std::vector<int64_t>& dims, ProtoText* w) {
  const auto shape = w->Open("shape");
  for (int64_t d : dims) w->Int("dim", d);
}

void WriteDesc(const char* field, const std::string& name, const ModelDesc& desc, ProtoText* w) {
  const auto message = w->Open(field);
  if (!name.empty()) w->Bytes("name", name);
  const char* dtype = GeDTypeName(static_cast<size_t>(desc.dtype));
  w->Word("dtype", dtype ? dtype : "DT_UNDEFINED");
  WriteShape(desc.dims, w);
  const char* layout = GeFormatName(static_cast<size_t>(desc.format));
  w->Bytes("layout", layout ? layout : "ND");
}

struct GeAttrWriter {
  ProtoText& w;
  bool data;  // of tensors

  void operator()(std::monostate) const {}
  void operator()(int64_t v) const { w.Int("i", v); }
  void operator()(double v) const { w.Float("f", static_cast<float>(v)); }
  void operator()(bool v) const { w.Bool("b", v); }
  void operator()(const std::string& v) const { w.Bytes("s", v); }
  void operator()(DType v) const { w.Int("dt", static_cast<int64_t>(v)); }
  void operator()(const LiteralPtr& v) const { Tensor("t", *v); }
  void operator()(const std::vector<uint8_t>& v) const {
    w.Bytes("bt", {reinterpret_cast<const char*>(v.data()), v.size()});
  }
  void operator()(const std::vector<std::vector<int64_t>>& v) const {
    const auto lists = w.Open("list_list_int");
    for (const auto& ints : v) {
      const auto list = w.Open("list_list_i");
      for (int64_t i : ints) w.Int("list_i", i);
    }
  }
  void operator()(const std::vector<int64_t>& v) const {
    List("VT_LIST_INT", v, [&](int64_t i) { w.Int("i", i); });
  }
  void operator()(const std::vector<double>& v) const {
    List("VT_LIST_FLOAT", v, [&](double f) { w.Float("f", static_cast<float>(f)); });
  }
  void operator()(const std::vector<bool>& v) const {
    List("VT_LIST_BOOL", v, [&](bool b) { w.Bool("b", b); });
  }
  void operator()(const std::vector<std::string>& v) const {
    List("VT_LIST_STRING", v, [&](const std::string& s) { w.Bytes("s", s); });
  }
  void operator()(const std::vector<DType>& v) const {
    List("VT_LIST_DATA_TYPE", v, [&](DType d) { w.Int("dt", static_cast<int64_t>(d)); });
  }
  void operator()(const std::vector<LiteralPtr>& v) const {
    List("VT_LIST_TENSOR", v, [&](const LiteralPtr& t) { Tensor("t", *t); });
  }

 private:
  template <typename T, typename Write>
  void List(const char* kind, const std::vector<T>& items, Write write) const {
    const auto list = w.Open("list");
    for (const auto& item : items) write(item);
    w.Word("val_type", kind);
  }
  void Tensor(const char* field, const Literal& v) const {
    const auto tensor = w.Open(field);
    WriteDesc("desc", "", {v.dtype, kFormatND, v.dims}, &w);
    if (!data) return;
    if (v.dtype == DType::kString) {
      const std::vector<uint8_t> packed = PackTexts({v.strings->begin(), v.strings->end()});
      w.Bytes("data", {reinterpret_cast<const char*>(packed.data()), packed.size()});
    } else if (v.ByteSize() > 0) {
      w.Bytes("data", {static_cast<const char*>(v.data()), static_cast<size_t>(v.ByteSize())});
    }
  }
};

class GeWriter {
 public:
  explicit GeWriter(ModelDetail detail) : detail_(detail) {}

  std::string Run(const ModelGraph& model) {
    w_.Bytes("name", model.name);
    w_.Int("version", 1);
    WriteGraph(model, UniqueName(model.name, &names_));
    for (size_t i = 0; i < waiting_.size(); ++i) WriteGraph(*waiting_[i].first, std::string(waiting_[i].second));
    return w_.Take();
  }

 private:
  static std::string Source(const ModelGraph& model, const ModelEdge& edge) {
    return edge.node < 0 ? "" : model.nodes[edge.node].name + ":" + std::to_string(edge.output);
  }

  void WriteGraph(const ModelGraph& model, const std::string& name) {
    const auto graph = w_.Open("graph");
    w_.Bytes("name", name);
    for (const ModelNode& node : model.nodes) {
      if (node.type == "Data") w_.Bytes("input", node.name + ":0");
    }
    for (const ModelEdge& edge : model.outputs) w_.Bytes("output", Source(model, edge));
    for (const ModelNode& node : model.nodes) WriteOp(model, node);
  }

  void WriteOp(const ModelGraph& model, const ModelNode& node) {
    const auto op = w_.Open("op");
    w_.Bytes("name", node.name);
    w_.Bytes("type", node.type);
    for (const ModelEdge& edge : node.inputs) w_.Bytes("input", Source(model, edge));
    for (int control : node.control_inputs) w_.Bytes("input", model.nodes[control].name + ":-1");
    if (detail_ != ModelDetail::kNodes) {
      for (const auto& [name, value] : node.attrs) WriteAttr(name, value);
      WriteDescs(model, node);
    }
    for (const auto& [name, graphs] : node.subgraphs) {
      for (const auto& sub : graphs) {
        const std::string wanted = sub->name.empty() ? node.name + "_" + name : sub->name;
        waiting_.emplace_back(sub.get(), UniqueName(wanted, &names_));
        w_.Bytes("subgraph_name", waiting_.back().second);
      }
    }
  }

  void WriteAttr(const std::string& name, const AttrValue& value) {
    const auto attr = w_.Open("attr");
    w_.Bytes("key", name);
    const auto message = w_.Open("value");
    std::visit(GeAttrWriter{w_, detail_ == ModelDetail::kFull}, value);
  }

  void WriteDescs(const ModelGraph& model, const ModelNode& node) {
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      const ModelEdge& edge = node.inputs[k];
      ModelDesc desc;
      if (edge.node >= 0) {
        const std::vector<ModelDesc>& descs = model.nodes[edge.node].output_descs;
        if (static_cast<size_t>(edge.output) < descs.size()) desc = descs[edge.output];
      }
      WriteDesc("input_desc", PortName(node.input_ports, k), desc, &w_);
    }
    for (size_t k = 0; k < node.output_descs.size(); ++k) {
      WriteDesc("output_desc", PortName(node.output_ports, k), node.output_descs[k], &w_);
    }
  }

  const ModelDetail detail_;
  ProtoText w_;
  std::set<std::string> names_;
  std::vector<std::pair<const ModelGraph*, std::string>> waiting_;  // subgraphs, to be written behind
};

}  // namespace

std::string GeModelText(const ModelGraph& model, ModelDetail detail) { return GeWriter(detail).Run(model); }

}  // namespace belay
