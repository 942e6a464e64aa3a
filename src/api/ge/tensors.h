// gert::Tensor and ge::Tensor to TensorView and back.
#pragma once
#include <memory>
#include <vector>

#include "base/status.h"
#include "ge/ge_api.h"
#include "execute/tensor_view.h"

namespace belay::api {

// Views of a call's tensors; reuses the vector's memory.
void ToViews(const std::vector<gert::Tensor>& tensors, std::vector<TensorView>* views);
// Writes shape, dtype, size and placement back; hands over what the engine allocated with its manager.
// allocator: null, or where the views' blocks came from.
void FromViews(const std::vector<TensorView>& views, const std::shared_ptr<OutputAllocator>& allocator,
               std::vector<gert::Tensor>* tensors);
void FromViews(const std::vector<TensorView>& views, const std::shared_ptr<OutputAllocator>& allocator,
               std::vector<ge::Tensor>* tensors);

std::vector<TensorView> ToViews(const std::vector<ge::Tensor>& tensors);
// Of a call on a stream. Every tensor says host unless told otherwise, so that counts only where the memory is no
// device's. Of device memory the engine knows the real size: clients that find an address unchanged change the shape
// alone, so what a tensor says of its size may be too small.
std::vector<TensorView> ToStreamInputs(const std::vector<ge::Tensor>& tensors);
// Host tensors that own copies of the views' memory, which is freed.
std::vector<ge::Tensor> ToHostTensors(std::vector<TensorView>* views);

}  // namespace belay::api
