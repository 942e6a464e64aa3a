// An operator under construction and its links. All operators that are linked to each other live and
// die together: links may form any shape and none of them owns, so that no cycle keeps memory.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "api/graph/op_desc.h"
#include "graph/inference_context.h"
#include "graph/operator.h"

namespace ge {

class OperatorImpl;

// One set of linked operators. Sets merge when operators of two are linked; the emptied one then
// only keeps the other alive for the handles that still point at it.
struct OperatorSet : std::enable_shared_from_this<OperatorSet> {
  std::vector<std::unique_ptr<OperatorImpl>> members;
  std::shared_ptr<OperatorSet> merged_into;
};

// What Operator objects count: it keeps the whole set.
struct OperatorHandle {
  std::shared_ptr<OperatorSet> set;
};

class OperatorImpl {
 public:
  struct Link {
    Port* to = nullptr;  // my input
    OperatorImpl* from = nullptr;
    Port* port = nullptr;  // its output
  };

  std::shared_ptr<OpDesc> desc;
  std::vector<Link> inputs;
  std::vector<OperatorImpl*> control_inputs;
  std::vector<OperatorImpl*> users;  // data and control, each once per link
  std::weak_ptr<OperatorHandle> handle;
  InferenceContextPtr inference_context;
  std::function<graphStatus(Operator&)> infer_func, verify_func, infer_format_func;
  std::vector<int> missed_values;  // inputs whose constant was asked for, but is not there

  const Link* FindLink(const Port* to) const;
  void LinkInput(Port* to, OperatorImpl* from, Port* port);
  void LinkControl(OperatorImpl* from);
  void Unlink(Port* to);
  void UnlinkAll();

  static OperatorImplPtr Create(std::shared_ptr<OpDesc> desc);
  // The counted pointer again, for who has only the plain one.
  OperatorImplPtr Share();
  // Friend of Operator: for the rest of the library.
  static const OperatorImplPtr& Of(const Operator& op) { return op.operator_impl_; }
  static Operator MakeOperator(OperatorImplPtr impl) { return Operator(std::move(impl)); }

 private:
  static void Merge(OperatorImpl* a, OperatorImpl* b);

  OperatorSet* set_ = nullptr;
};

}  // namespace ge
