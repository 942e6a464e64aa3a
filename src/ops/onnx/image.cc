// Pictures as ONNX reads them.
#include "ops/support.h"

namespace belay {

BELAY_OP(OnnxImageDecoder) {
  op.FromOnnx("ImageDecoder", 20).Dtypes("encoded_stream", {DType::kU8}).Computes([](Body& b) {
    Tensor bytes = b.Raw("encoded_stream");
    if (bytes.rank() != 1) Fail("encoded_stream has rank {}, but needs 1", bytes.rank());
    const std::string format = b.Str("pixel_format");
    const int64_t number = format == "RGB" ? 0 : format == "BGR" ? 1 : format == "Grayscale" ? 2 : -1;
    if (number < 0) Fail("pixel_format is '{}', but must be RGB, BGR or Grayscale", format);
    std::vector<int> binds;
    const Dim height = b.builder().NewBound("height", &binds), width = b.builder().NewBound("width", &binds);
    const Shape shape = {height, width, Dim(number == 2 ? 1 : 3)};
    b.OutRaw("image", Call("decode_image", {bytes}, {{DType::kU8, shape}}, {{"format", number}}, binds)[0]);
  });
}

}  // namespace belay
