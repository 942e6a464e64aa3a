// Pooling of regions of interest.
#include "ops/support.h"

namespace belay {
namespace {

// rois [R, 5]: the image's number, x1, y1, x2, y2.
struct Regions {
  Tensor image, corners;  // i64 [R], [R, 4]
};

Regions RegionsOf(const Tensor& rois) {
  if (rois.rank() != 2 || !rois.builder().Assume(Equal(rois.dim(1), 5), true)) {
    Fail("rois has shape {}, but needs [regions, 5]", ToString(rois.shape()));
  }
  return {Cast(Squeeze(Slice(rois, 1, 0, 1), {1}), DType::kI64), Slice(rois, 1, 1, 4)};
}

Tensor Pooled(const char* callee, const Tensor& x, const Regions& regions, int64_t height, int64_t width,
              std::vector<CallAttr> attrs) {
  if (x.rank() != 4) Fail("the features have rank {}, but need 4", x.rank());
  if (height < 1 || width < 1) Fail("the pooled size is {} by {}", height, width);
  const Shape shape = {regions.image.dim(0), x.dim(1), Dim(height), Dim(width)};
  return Call(callee, {x, Cast(regions.corners, x.dtype()), regions.image}, {{x.dtype(), shape}}, std::move(attrs))[0];
}

// Coordinates are moved by half a pixel in roi_end_mode 2, and the last pixel counts in mode 1.
void RoiAlignBody(Body& b) {
  Tensor x = b.In("features");
  if (b.Has("rois_n")) FailNotSupported("the input rois_n");
  const int64_t mode = b.Int("roi_end_mode");
  if (mode < 0 || mode > 2) FailNotSupported("roi_end_mode {} (only 0, 1, 2)", mode);
  const std::string pool = b.Str("pool_mode");
  if (pool != "avg" && pool != "max") Fail("pool_mode is '{}', but must be avg or max", pool);
  Regions regions = RegionsOf(b.In("rois"));
  if (mode == 1) {
    Tensor last = GreaterEqual(b.builder().Iota(DType::kI64, {Dim(1), Dim(4)}, 1), 2.0);
    regions.corners = regions.corners + Cast(last, regions.corners.dtype());
  }
  regions.corners = regions.corners * b.Float("spatial_scale");
  if (mode == 2) regions.corners = regions.corners - 0.5;
  b.Out("y", Pooled("roi_align", x, regions, b.Int("pooled_height"), b.Int("pooled_width"),
                    {{"samples", b.Int("sample_num")}, {"max", pool == "max"}, {"smallest", mode != 2}}));
}

void RoiPoolingBody(Body& b) {
  Tensor x = b.In("x");
  if (b.Has("roi_actual_num")) FailNotSupported("the input roi_actual_num");
  Regions regions = RegionsOf(b.In("rois"));
  const std::vector<double> scale = {b.Float("spatial_scale_w"), b.Float("spatial_scale_h")};
  Tensor scales = b.builder().Constant(
      LiteralFromDoubles(regions.corners.dtype(), {1, 4}, {scale[0], scale[1], scale[0], scale[1]}));
  regions.corners = regions.corners * scales;
  b.Out("y", Pooled("roi_pool", x, regions, b.Int("pooled_h"), b.Int("pooled_w"), {}));
}

// Before opset 16 there was no half pixel.
void OnnxRoiAlign(OnnxNode& n) {
  const std::string mode = n.Str("coordinate_transformation_mode", n.opset() < 16 ? "output_half_pixel" : "half_pixel");
  if (mode != "half_pixel" && mode != "output_half_pixel") {
    n.Fail("attribute coordinate_transformation_mode is '" + mode + "'");
  }
  ModelEdge image = n.Emit("CastLike", {n.Emit("Reshape", {n.Input(2), n.ConstInts({-1, 1})}), n.Input(1)});
  n.Output(0, n.Emit("ROIAlign", {n.Input(0), n.Emit("ConcatD", {image, n.Input(1)}, {{"concat_dim", int64_t{1}}})},
                     {{"spatial_scale", n.Float("spatial_scale", 1)},
                      {"pooled_height", n.Int("output_height", 1)},
                      {"pooled_width", n.Int("output_width", 1)},
                      {"sample_num", n.Int("sampling_ratio", 0)},
                      {"roi_end_mode", int64_t{mode == "half_pixel" ? 2 : 0}},
                      {"pool_mode", n.Str("mode", "avg")}}));
}

void OnnxMaxRoiPool(OnnxNode& n) {
  const std::vector<int64_t> pooled = n.Ints("pooled_shape");
  if (pooled.size() != 2) n.Fail("attribute pooled_shape needs two entries");
  const double scale = n.Float("spatial_scale", 1);
  n.Output(0, n.Emit("ROIPooling", {n.Input(0), n.Input(1)},
                     {{"pooled_h", pooled[0]}, {"pooled_w", pooled[1]}, {"spatial_scale_h", scale},
                      {"spatial_scale_w", scale}}));
}

}  // namespace

BELAY_OP(ROIAlign) {
  op.FromOnnx("RoiAlign", 10, OnnxRoiAlign).Dtypes("features", kFloats).Computes(RoiAlignBody);
}

BELAY_OP(ROIPooling) {
  op.FromOnnx("MaxRoiPool", 1, OnnxMaxRoiPool).Dtypes("x", kFloats).Computes(RoiPoolingBody);
}

}  // namespace belay
