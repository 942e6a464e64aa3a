#include "graph/operator_factory.h"

#include <map>
#include <mutex>
#include <set>

#include "api/graph/op_desc.h"
#include "api/graph/operator_factory_impl.h"
#include "api/graph/operator_impl.h"
#include "graph/operator_reg.h"

namespace ge {
namespace {

// Filled by static constructors of the program, so it must exist before them and outlive them.
struct Registry {
  std::mutex mutex;
  std::map<std::string, OpCreatorV2> creators;
  std::map<std::string, InferShapeFunc> infer_shape;
  std::map<std::string, InferFormatFunc> infer_format;
  std::map<std::string, InferValueRangeFunc> infer_range;
  std::map<std::string, VerifyFunc> verify;

  static Registry& Get() {
    static Registry* const registry = new Registry();
    return *registry;
  }
};

// The first one registered for a type stays.
template <typename F>
void Register(std::map<std::string, F> Registry::*table, const char* type, const F& function) {
  if (type == nullptr) return;
  Registry& registry = Registry::Get();
  std::lock_guard<std::mutex> lock(registry.mutex);
  (registry.*table).emplace(type, function);
}

template <typename F>
F Find(std::map<std::string, F> Registry::*table, const std::string& type) {
  Registry& registry = Registry::Get();
  std::lock_guard<std::mutex> lock(registry.mutex);
  auto it = (registry.*table).find(type);
  return it == (registry.*table).end() ? F() : it->second;
}

}  // namespace

InferShapeFunc RegisteredInference(const std::string& type) {
  return Find(&Registry::infer_shape, type);
}
VerifyFunc RegisteredVerifier(const std::string& type) { return Find(&Registry::verify, type); }
bool HasCreator(const std::string& type) { return Find(&Registry::creators, type) != nullptr; }

bool DeclareType(OpDesc* desc) {
  if (desc->DeclareFromTable()) return true;
  const OpCreatorV2 creator = Find(&Registry::creators, desc->type);
  const Operator made = creator ? creator(AscendString(desc->name.c_str())) : Operator();
  if (made.IsEmpty()) return false;
  std::shared_ptr<OpDesc> declared = OperatorImpl::Of(made)->desc->Clone();
  declared->name = desc->name;
  declared->attrs = desc->attrs;
  *desc = std::move(*declared);
  return true;
}

Operator OperatorFactory::CreateOperator(const char* const operator_name,
                                         const char* const operator_type) {
  if (operator_name == nullptr || operator_type == nullptr) return Operator();
  if (OpCreatorV2 creator = Find(&Registry::creators, operator_type)) {
    return creator(AscendString(operator_name));
  }
  auto desc = std::make_shared<OpDesc>();
  desc->name = operator_name;
  desc->type = operator_type;
  if (!desc->DeclareFromTable()) return Operator();
  return OperatorImpl::MakeOperator(OperatorImpl::Create(std::move(desc)));
}

graphStatus OperatorFactory::GetOpsTypeList(std::vector<AscendString>& all_ops) {
  std::set<std::string> types;
  for (const belay::Prototype& proto : belay::AllPrototypes()) types.insert(proto.op);
  Registry& registry = Registry::Get();
  {
    std::lock_guard<std::mutex> lock(registry.mutex);
    for (const auto& [type, creator] : registry.creators) types.insert(type);
  }
  all_ops.clear();
  for (const std::string& type : types) all_ops.emplace_back(type.c_str());
  return all_ops.empty() ? GRAPH_FAILED : GRAPH_SUCCESS;
}

bool OperatorFactory::IsExistOp(const char* const operator_type) {
  if (operator_type == nullptr) return false;
  return belay::FindPrototype(operator_type) != nullptr || HasCreator(operator_type);
}

OperatorCreatorRegister::OperatorCreatorRegister(const char* const operator_type,
                                                 const OpCreatorV2& op_creator) {
  Register(&Registry::creators, operator_type, op_creator);
}
InferShapeFuncRegister::InferShapeFuncRegister(const char* const operator_type,
                                               const InferShapeFunc& infer_shape_func) {
  Register(&Registry::infer_shape, operator_type, infer_shape_func);
}
InferFormatFuncRegister::InferFormatFuncRegister(const char* const operator_type,
                                                 const InferFormatFunc& infer_format_func) {
  Register(&Registry::infer_format, operator_type, infer_format_func);
}
InferValueRangeFuncRegister::InferValueRangeFuncRegister(
    const char* const operator_type, const WHEN_CALL, const InferValueRangeFunc& function) {
  Register(&Registry::infer_range, operator_type, function);
}
InferValueRangeFuncRegister::InferValueRangeFuncRegister(const char* const operator_type) {
  Register(&Registry::infer_range, operator_type, InferValueRangeFunc());
}
VerifyFuncRegister::VerifyFuncRegister(const char* const operator_type,
                                       const VerifyFunc& verify_func) {
  Register(&Registry::verify, operator_type, verify_func);
}

graphStatus BroadCastInfer(const std::function<std::vector<int64_t>()>& get_in1_shape,
                           const std::function<std::vector<int64_t>()>& get_in2_shape,
                           const std::function<void(const std::vector<int64_t>&)>& set_out) {
  if (!get_in1_shape || !get_in2_shape || !set_out) return GRAPH_FAILED;
  std::vector<int64_t> a = get_in1_shape();
  std::vector<int64_t> b = get_in2_shape();
  if (a.size() < b.size()) a.swap(b);
  if (a == UNKNOWN_RANK || b == UNKNOWN_RANK) {
    set_out(UNKNOWN_RANK);
    return GRAPH_SUCCESS;
  }
  b.insert(b.begin(), a.size() - b.size(), 1);
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || b[i] == 1) continue;
    if (a[i] == 1) {
      a[i] = b[i];
    } else if (a[i] == UNKNOWN_DIM) {
      a[i] = b[i];
    } else if (b[i] != UNKNOWN_DIM) {
      return GRAPH_FAILED;
    }
  }
  set_out(a);
  return GRAPH_SUCCESS;
}

}  // namespace ge
