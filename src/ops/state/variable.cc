// Variables: memory of the session that graphs share by name, or of one run.
#include "ops/support.h"

namespace belay {
namespace {

// The name of its own, unless it is shared under another; containers keep equal names apart.
std::string VariableName(Body& b) {
  const std::string container = b.Str("container"), shared = b.Str("shared_name");
  const std::string name = shared.empty() ? b.node().name : shared;
  if (name.empty()) Fail("a variable needs a name");
  return container.empty() ? name : container + "/" + name;
}

bool IsUnknown(const ModelDesc& desc) { return desc.dims == std::vector<int64_t>{-2}; }

VariableDecl Variable(Body& b) {
  VariableDecl decl{VariableName(b), DType::kUndefined, {}, b.HasAttr("value") ? b.Value("value") : nullptr};
  const ModelDesc desc = b.node().output_descs.empty() ? ModelDesc{} : b.node().output_descs[0];
  if (desc.dtype != DType::kUndefined && !IsUnknown(desc)) {
    decl.dtype = desc.dtype;
    decl.dims = desc.dims;
  } else if (decl.initial) {
    decl.dtype = decl.initial->dtype;
    decl.dims = decl.initial->dims;
  }
  if (decl.initial && (decl.initial->dtype != decl.dtype || decl.initial->dims != decl.dims)) {
    const std::vector<int64_t>& have = decl.initial->dims;
    Fail("attribute value is {}, but the variable is {}",
         ToString(TensorType{decl.initial->dtype, Shape(have.begin(), have.end())}),
         ToString(TensorType{decl.dtype, Shape(decl.dims.begin(), decl.dims.end())}));
  }
  return decl;
}

VariableDecl ResourceHandle(Body& b) { return {VariableName(b), b.Type("dtype"), b.Ints("shape"), nullptr}; }

}  // namespace

BELAY_OP(Variable) { op.Declares(Variable); }
BELAY_OP(VarHandleOp) { op.Declares(ResourceHandle); }

// Lives as long as the run; nobody may read it before it is assigned.
BELAY_OP(TemporaryVariable) {
  op.Computes([](Body& b) {
    const std::vector<int64_t> dims = b.Ints("shape");
    b.OutRaw("y", Full(b.builder(), Shape(dims.begin(), dims.end()), b.Type("dtype"), 0));
  });
}
BELAY_OP(DestroyTemporaryVariable) {
  op.Computes([](Body& b) { b.OutRaw("y", b.Raw("x")); });
}

}  // namespace belay
