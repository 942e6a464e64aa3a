#ifndef INC_EXTERNAL_GE_GE_CONTINUOUS_TENSOR_LIST_API_H_
#define INC_EXTERNAL_GE_GE_CONTINUOUS_TENSOR_LIST_API_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "graph/ge_error_codes.h"
#include "graph/tensor.h"

namespace ge {

class ContinuousTensorListImpl;

// Tensors that lie one behind the other in one buffer.
class ContinuousTensorList {
 public:
  explicit ContinuousTensorList(const std::vector<TensorDesc>& tensor_desc_list);
  ~ContinuousTensorList();

  graphStatus Initialize();
  graphStatus Finalize();
  const std::vector<TensorDesc>& GetTensorDescList() const;
  const std::vector<Tensor>& GetTensorList() const;
  std::vector<uint8_t*> GetDataList() const;
  std::vector<size_t> GetSizeList() const;
  size_t GetBufferSize() const;
  const void* GetBuffer() const;

 private:
  std::shared_ptr<ContinuousTensorListImpl> impl_;
};

}  // namespace ge

#endif  // INC_EXTERNAL_GE_GE_CONTINUOUS_TENSOR_LIST_API_H_
