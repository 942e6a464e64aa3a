// aclgrphGenerateForOp: graphs of one operator, from descriptions of its inputs and outputs.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api/ge_compiler/report.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/type_names.h"
#include "ge/ge_ir_build.h"

using belay::InvalidArgument;
using belay::OkStatus;
using belay::Result;
using nlohmann::json;

namespace ge {
namespace {

// One name per description: those declared, the first dynamic port taking what the others leave. What stands behind
// the descriptions is left out.
Result<std::vector<std::string>> PortNames(Ports ports, size_t count, const char* what) {
  const auto dynamic = std::find_if(ports.declared.begin(), ports.declared.end(), [](const IrPort& port) {
    return port.kind == belay::PortKind::kDynamic;
  });
  const size_t others = ports.instances.size();
  if (dynamic != ports.declared.end() && count > others) {
    ports.AddInstances(dynamic->name, static_cast<uint32_t>(count - others));
  }
  if (count > ports.instances.size()) {
    return InvalidArgument("{} {} are described, but the operator has {}", count, what, ports.instances.size());
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(ports.instances[i]->name);
  return names;
}

// The dynamic port among the names, with its number of instances; 0 when there is none.
std::pair<std::string, uint32_t> Instances(const Ports& ports, const std::vector<std::string>& names) {
  for (const IrPort& port : ports.declared) {
    if (port.kind != belay::PortKind::kDynamic) continue;
    const size_t fixed = ports.instances.size();
    return {port.name, names.size() > fixed ? static_cast<uint32_t>(names.size() - fixed) : 0};
  }
  return {"", 0};
}

// What gives an input its tensor: a constant where the description holds the data, else an input of the graph.
Operator Source(const std::string& name, const TensorDesc& desc, int64_t* index) {
  uint8_t* data = nullptr;
  size_t bytes = 0;
  if (desc.GetConstData(&data, bytes)) {
    Operator constant = OperatorFactory::CreateOperator(name.c_str(), "Const");
    constant.SetAttr("value", Tensor(desc, data, bytes));
    (void)constant.UpdateOutputDesc("y", desc);
    return constant;
  }
  Operator input = OperatorFactory::CreateOperator(name.c_str(), "Data");
  (void)input.UpdateInputDesc("x", desc);
  (void)input.UpdateOutputDesc("y", desc);
  input.SetAttr("index", (*index)++);
  return input;
}

struct SingleOp {
  std::string type, name;
  std::vector<TensorDesc> inputs, outputs;
  std::vector<std::pair<std::string, AttrData>> attrs;
};

// Graph g's nodes are replaced by the operator and its sources.
belay::Status Generate(const SingleOp& single, Graph* g) {
  OpDesc declared;
  declared.type = single.type;
  if (!DeclareType(&declared)) return InvalidArgument("there is no operator type '{}'", single.type);
  BELAY_TRY(const auto inputs, PortNames(declared.inputs, single.inputs.size(), "inputs"));
  BELAY_TRY(const auto outputs, PortNames(declared.outputs, single.outputs.size(), "outputs"));
  Operator op = OperatorFactory::CreateOperator(single.name.c_str(), single.type.c_str());
  if (const auto [name, count] = Instances(declared.inputs, inputs); count) {
    op.DynamicInputRegister(name.c_str(), count);
  }
  if (const auto [name, count] = Instances(declared.outputs, outputs); count) {
    op.DynamicOutputRegister(name.c_str(), count);
  }
  std::vector<Operator> sources;
  int64_t index = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (single.inputs[i].GetDataType() == DT_UNDEFINED) continue;  // an optional input left out
    const std::string name = fmt::format("{}_{}", single.name, inputs[i]);
    sources.push_back(Source(name, single.inputs[i], &index));
    op.SetInput(inputs[i].c_str(), sources.back(), "y");
    (void)op.UpdateInputDesc(inputs[i].c_str(), single.inputs[i]);
  }
  for (size_t i = 0; i < outputs.size(); ++i) (void)op.UpdateOutputDesc(outputs[i].c_str(), single.outputs[i]);
  for (const auto& [name, data] : single.attrs) {
    AttrValue value;
    AttrAdapter::Data(value) = data;
    op.SetAttr(name.c_str(), value);
  }
  if (sources.empty()) sources.push_back(op);
  AscendString known;
  if (g->GetName(known) != GRAPH_SUCCESS) *g = Graph(single.name.c_str());
  g->SetInputs(sources).SetOutputs(std::vector<Operator>{op});
  return OkStatus();
}

// "float16" or "DT_FLOAT16".
Result<DataType> TypeOf(const std::string& text) {
  if (text == "UNDEFINED" || text == "undefined") return DT_UNDEFINED;
  std::string name = text;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.rfind("DT_", 0) != 0) name = "DT_" + name;
  const DataType type = DataTypeOfText(name == "DT_FLOAT32" ? "DT_FLOAT" : name.c_str());
  if (type == DT_UNDEFINED) return InvalidArgument("there is no data type '{}'", text);
  return type;
}

Result<TensorDesc> DescOf(const json& text) {
  BELAY_TRY(const DataType type, TypeOf(text.at("type").get<std::string>()));
  const std::string layout = text.value("format", "ND");
  const Format format = FormatOfText(layout.c_str());
  if (format == FORMAT_RESERVED && type != DT_UNDEFINED) return InvalidArgument("there is no format '{}'", layout);
  const auto dims = text.value("shape", std::vector<int64_t>());
  return TensorDesc(Shape(dims), format, type);
}

Result<AttrData> AttrOf(const json& text) {
  const std::string type = text.at("type");
  const json& value = text.at("value");
  if (type == "bool") return AttrData(value.get<bool>());
  if (type == "int") return AttrData(value.get<int64_t>());
  if (type == "float") return AttrData(value.get<float>());
  if (type == "string") return AttrData(value.get<std::string>());
  if (type == "list_bool") return AttrData(value.get<std::vector<bool>>());
  if (type == "list_int") return AttrData(value.get<std::vector<int64_t>>());
  if (type == "list_float") return AttrData(value.get<std::vector<float>>());
  if (type == "list_string") return AttrData(value.get<std::vector<std::string>>());
  if (type == "list_list_int") return AttrData(value.get<std::vector<std::vector<int64_t>>>());
  if (type == "data_type") {
    BELAY_TRY(const DataType dtype, TypeOf(value.get<std::string>()));
    return AttrData(dtype);
  }
  return InvalidArgument("there is no type '{}' of attributes", type);
}

Result<SingleOp> SingleOpOf(const json& text) {
  SingleOp single;
  single.type = text.at("op");
  single.name = text.value("name", single.type);
  for (const char* key : {"input_desc", "output_desc"}) {
    for (const json& item : text.value(key, json::array())) {
      BELAY_TRY(TensorDesc desc, DescOf(item));
      (key[0] == 'i' ? single.inputs : single.outputs).push_back(desc);
    }
  }
  for (const json& item : text.value("attr", json::array())) {
    const std::string name = item.at("name");
    auto value = AttrOf(item);
    if (!value.ok()) return std::move(value).status().Context(fmt::format("attribute '{}'", name));
    single.attrs.emplace_back(name, *std::move(value));
  }
  return single;
}

}  // namespace

graphStatus aclgrphGenerateForOp(const AscendString& op_type, const std::vector<TensorDesc>& inputs,
                                 const std::vector<TensorDesc>& outputs, Graph& graph) {
  return belay::api::Reported("aclgrphGenerateForOp", [&] {
    const std::string type = op_type.GetString();
    return Generate({type, type, inputs, outputs, {}}, &graph);
  });
}

// The file holds an object per operator: op, name, input_desc and output_desc (type, shape, format), attr (name, type,
// value). All of them or none become graphs.
graphStatus aclgrphGenerateForOp(const AscendString& json_path, std::vector<Graph>& graphs) {
  return belay::api::Reported("aclgrphGenerateForOp", [&]() -> belay::Status {
    const std::string path = json_path.GetString();
    std::ifstream file(path);
    if (!file) return InvalidArgument("'{}' cannot be read", path);
    const json text = json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (!text.is_array() && !text.is_object()) return InvalidArgument("'{}' holds no JSON list of operators", path);
    std::vector<Graph> made;
    for (const json& item : text.is_array() ? text : json::array({text})) {
      const auto one = [&]() -> belay::Status {
        try {
          BELAY_TRY(const SingleOp single, SingleOpOf(item));
          made.emplace_back(single.name.c_str());
          return Generate(single, &made.back());
        } catch (const json::exception& error) {
          return InvalidArgument("{}", error.what());
        }
      };
      BELAY_RETURN_IF_ERROR(one().Context(fmt::format("operator {} of '{}'", made.size(), path)));
    }
    graphs.insert(graphs.end(), made.begin(), made.end());
    return OkStatus();
  });
}

}  // namespace ge
