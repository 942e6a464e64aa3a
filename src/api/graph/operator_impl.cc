#include "api/graph/operator_impl.h"

#include <algorithm>

namespace ge {

OperatorImplPtr OperatorImpl::Create(std::shared_ptr<OpDesc> desc) {
  auto handle = std::make_shared<OperatorHandle>();
  handle->set = std::make_shared<OperatorSet>();
  auto impl = std::make_unique<OperatorImpl>();
  OperatorImpl* raw = impl.get();
  raw->desc = std::move(desc);
  raw->handle = handle;
  raw->set_ = handle->set.get();
  handle->set->members.push_back(std::move(impl));
  return OperatorImplPtr(std::move(handle), raw);
}

OperatorImplPtr OperatorImpl::Share() {
  std::shared_ptr<OperatorHandle> counted = handle.lock();
  if (counted == nullptr) {
    counted = std::make_shared<OperatorHandle>();
    counted->set = set_->shared_from_this();
    handle = counted;
  }
  return OperatorImplPtr(std::move(counted), this);
}

void OperatorImpl::Merge(OperatorImpl* a, OperatorImpl* b) {
  if (a->set_ == b->set_) return;
  std::shared_ptr<OperatorSet> into = a->set_->shared_from_this();
  std::shared_ptr<OperatorSet> from = b->set_->shared_from_this();
  if (into->members.size() < from->members.size()) std::swap(into, from);
  for (auto& member : from->members) {
    member->set_ = into.get();
    into->members.push_back(std::move(member));
  }
  from->members.clear();
  from->merged_into = into;
}

const OperatorImpl::Link* OperatorImpl::FindLink(const Port* to) const {
  for (const Link& link : inputs) {
    if (link.to == to) return &link;
  }
  return nullptr;
}

void OperatorImpl::LinkInput(Port* to, OperatorImpl* from, Port* port) {
  Unlink(to);
  inputs.push_back({to, from, port});
  from->users.push_back(this);
  Merge(this, from);
}

void OperatorImpl::LinkControl(OperatorImpl* from) {
  if (std::find(control_inputs.begin(), control_inputs.end(), from) != control_inputs.end()) return;
  control_inputs.push_back(from);
  from->users.push_back(this);
  Merge(this, from);
}

namespace {
void EraseOne(std::vector<OperatorImpl*>* list, OperatorImpl* item) {
  auto it = std::find(list->begin(), list->end(), item);
  if (it != list->end()) list->erase(it);
}
}  // namespace

void OperatorImpl::Unlink(Port* to) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].to != to) continue;
    EraseOne(&inputs[i].from->users, this);
    inputs.erase(inputs.begin() + i);
    return;
  }
}

void OperatorImpl::UnlinkAll() {
  for (const Link& link : inputs) EraseOne(&link.from->users, this);
  for (OperatorImpl* from : control_inputs) EraseOne(&from->users, this);
  inputs.clear();
  control_inputs.clear();
  for (OperatorImpl* user : users) {
    std::erase_if(user->inputs, [this](const Link& link) { return link.from == this; });
    std::erase(user->control_inputs, this);
  }
  users.clear();
}

}  // namespace ge
