// Pictures in files: JPEG by libjpeg, whose smooth upsampling ONNX prescribes; PNG and BMP by stb; PNM.
#include <algorithm>
#include <cctype>
#include <climits>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <jpeglib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

#include "graph/library.h"

namespace belay {
namespace {

enum PixelFormat : int64_t { kRgb, kBgr, kGray };

struct Encoded {
  const uint8_t* data;
  int64_t size;

  bool StartsWith(const char* magic, int64_t length, int64_t at = 0) const {
    return size >= at + length && std::memcmp(data + at, magic, length) == 0;
  }
};

// The luma of ITU-R 601.
uint8_t Luma(const uint8_t* rgb) {
  return static_cast<uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 32768) >> 16);
}

struct JpegError {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};

void JpegFailed(j_common_ptr info) {
  auto* error = reinterpret_cast<JpegError*>(info->err);
  info->err->format_message(info, error->text);
  std::longjmp(error->back, 1);
}

struct Free {
  void operator()(uint8_t* memory) const { std::free(memory); }
};
struct Picture {
  int64_t height = 0, width = 0;
  std::unique_ptr<uint8_t[], Free> rgb;

  bool Allocate(int64_t h, int64_t w) {
    height = h;
    width = w;
    rgb.reset(static_cast<uint8_t*>(std::malloc(static_cast<size_t>(std::max<int64_t>(3 * h * w, 1)))));
    return rgb != nullptr;
  }
};
Status NoMemory(int64_t height, int64_t width) {
  return Status(Code::kOutOfMemory, fmt::format("no memory for a picture of {} by {} pixels", height, width));
}

// Nothing that this call makes has a destructor: errors of libjpeg jump back.
bool ReadJpeg(Encoded in, JpegError* error, Picture* picture) {
  jpeg_decompress_struct info;
  info.err = jpeg_std_error(&error->manager);
  error->manager.error_exit = JpegFailed;
  error->manager.output_message = [](j_common_ptr) {};
  if (setjmp(error->back)) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, in.data, static_cast<unsigned long>(in.size));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  jpeg_start_decompress(&info);
  const bool fits = picture->Allocate(info.output_height, info.output_width);
  for (int64_t row = 0; fits && row < picture->height; ++row) {
    JSAMPROW line = picture->rgb.get() + 3 * row * picture->width;
    jpeg_read_scanlines(&info, &line, 1);
  }
  if (fits) jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

Result<Picture> DecodeJpeg(Encoded in) {
  Picture picture;
  auto error = std::make_unique<JpegError>();
  if (!ReadJpeg(in, error.get(), &picture)) return InvalidArgument("the JPEG picture: {}", error->text);
  if (!picture.rgb) return NoMemory(picture.height, picture.width);
  return picture;
}

// The next number of a PNM header, behind blanks and comments; -1 when there is none.
int64_t PnmNumber(Encoded in, int64_t* at) {
  while (*at < in.size && !std::isdigit(in.data[*at])) {
    if (in.data[*at] == '#') {
      while (*at < in.size && in.data[*at] != '\n') ++*at;
    } else if (!std::isspace(in.data[(*at)++])) {
      return -1;
    }
  }
  int64_t value = -1;
  for (; *at < in.size && std::isdigit(in.data[*at]) && value < 1 << 24; ++*at) {
    value = std::max<int64_t>(value, 0) * 10 + in.data[*at] - '0';
  }
  return value;
}

// P5 (gray) and P6 (colour), of one or two bytes a sample.
Result<Picture> DecodePnm(Encoded in) {
  int64_t at = 2;
  const int64_t parts = in.data[1] == '6' ? 3 : 1;
  const int64_t width = PnmNumber(in, &at), height = PnmNumber(in, &at), largest = PnmNumber(in, &at);
  const int64_t bytes = largest > 255 ? 2 : 1, count = width * height;
  ++at;  // one blank
  if (width < 1 || height < 1 || largest < 1 || largest > 65535) return InvalidArgument("the PNM picture's header");
  if (count > (in.size - at) / (parts * bytes)) return InvalidArgument("the PNM picture ends early");
  Picture picture;
  if (!picture.Allocate(height, width)) return NoMemory(height, width);
  for (int64_t i = 0; i < 3 * count; ++i) {
    const uint8_t* sample = in.data + at + (parts == 3 ? i : i / 3) * bytes;
    const int64_t value = bytes == 2 ? sample[0] * 256 + sample[1] : sample[0];
    picture.rgb[i] = static_cast<uint8_t>(std::min(value, largest) * 255 / largest);
  }
  return picture;
}

Result<Picture> DecodeOther(Encoded in) {
  if (in.size > INT_MAX) return InvalidArgument("the picture has {} bytes", in.size);
  int width = 0, height = 0, channels = 0;
  stbi_uc* rgb = stbi_load_from_memory(in.data, static_cast<int>(in.size), &width, &height, &channels, 3);
  if (!rgb) return InvalidArgument("the picture: {}", stbi_failure_reason());
  Picture picture;
  picture.height = height;
  picture.width = width;
  picture.rgb.reset(rgb);
  return picture;
}

Result<Picture> Decode(Encoded in) {
  if (in.StartsWith("\xFF\xD8\xFF", 3)) return DecodeJpeg(in);
  if (in.StartsWith("II*\0", 4) || in.StartsWith("MM\0*", 4)) return NotSupported("TIFF pictures");
  if (in.StartsWith("RIFF", 4) && in.StartsWith("WEBP", 4, 8)) return NotSupported("WebP pictures");
  if (in.StartsWith("\0\0\0\x0CjP  ", 8) || in.StartsWith("\xFF\x4F\xFF\x51", 4)) {
    return NotSupported("JPEG 2000 pictures");
  }
  if (in.StartsWith("P5", 2) || in.StartsWith("P6", 2)) return DecodePnm(in);
  return DecodeOther(in);
}

}  // namespace

// The bytes of a file u8 [N] -> u8 [H, W, 3], or [H, W, 1] in gray; binds H and W. Attribute format: see PixelFormat.
Status LibraryDecodeImage(LibraryCall& call) {
  BELAY_TRY(Picture picture, Decode({call.inputs[0].as<uint8_t>(), call.inputs[0].NumElements()}));
  const int64_t format = call.Attr("format"), count = picture.height * picture.width;
  call.bound = {picture.height, picture.width};
  auto* y = static_cast<uint8_t*>(call.Allocate(0, {picture.height, picture.width, format == kGray ? 1 : 3}));
  if (!y) return OkStatus();  // the caller has the reason
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* rgb = picture.rgb.get() + 3 * i;
    if (format == kGray) y[i] = Luma(rgb);
    for (int c = 0; format != kGray && c < 3; ++c) y[3 * i + c] = rgb[format == kBgr ? 2 - c : c];
  }
  return OkStatus();
}

}  // namespace belay
