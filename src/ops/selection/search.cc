// Places in sorted sequences.
#include "ops/support.h"

namespace belay {

// How many elements stand before each value: those that are less, or also those that are equal (right). Counting
// them is a comparison per pair, and needs no order of the steps.
BELAY_OP(SearchSorted) {
  op.Dtypes("sorted_sequence", kNumbers).Dtypes("values", kNumbers).Computes([](Body& b) {
    Tensor sequence = b.In("sorted_sequence"), values = b.In("values");
    const int last = sequence.rank() - 1;
    if (last < 0) Fail("sorted_sequence has rank 0");
    if (sequence.dtype() != values.dtype()) {
      Fail("sorted_sequence is {}, but values are {}", DTypeName(sequence.dtype()), DTypeName(values.dtype()));
    }
    if (last > 0 && values.rank() != sequence.rank()) {
      Fail("sorted_sequence has rank {}, but values have rank {}", sequence.rank(), values.rank());
    }
    if (b.Has("sorter")) {
      std::vector<Tensor> at;
      std::vector<int> axes = AxisRange(0, sequence.rank());
      Tensor order = Cast(b.Raw("sorter"), DType::kI64);
      for (int d = 0; d < last; ++d) at.push_back(b.builder().Iota(DType::kI64, order.shape(), d));
      at.push_back(order);
      sequence = Gather(sequence, at, axes, order.shape());
    }
    if (last > 0) sequence = Unsqueeze(sequence, {last});
    Tensor value = Unsqueeze(values, {values.rank()});
    Tensor stands_before = Not(b.Bool("right") ? Greater(sequence, value) : GreaterEqual(sequence, value));
    Tensor count = Sum(Cast(stands_before, DType::kI64), {values.rank()}, false);
    b.OutRaw("out", Cast(count, b.Type("dtype")));
  });
}

}  // namespace belay
