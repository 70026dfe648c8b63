// SPDX-License-Identifier: Apache-2.0
// ImageDecoder: an image file (BMP, JPEG, JPEG 2000, PNG, PNM, TIFF, WebP) as pixels [height, width, channels].
#include "common/infer.hpp"
#include "misc/image/image.hpp"

namespace tenon::ops {

Image blank(int64_t height, int64_t width) {
  constexpr int64_t kMostPixels = int64_t{1} << 28;
  if (height < 1 || width < 1 || height > kMostPixels / width)
    fail("the image has an impossible size", "at most " + std::to_string(kMostPixels) + " pixels", std::to_string(width) + " x " + std::to_string(height));
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width))};
}

Error bad_image(const char* format, const std::string& why) { return invalid("the " + std::string(format) + " image cannot be decoded: " + why); }

namespace {

bool starts(Bytes file, std::string_view magic, size_t at = 0) {
  return file.size() >= at + magic.size() && std::memcmp(file.data() + at, magic.data(), magic.size()) == 0;
}

Image decode(Bytes file) {
  using namespace std::string_view_literals;
  if (starts(file, "\xff\xd8\xff"sv)) return decode_jpeg(file);
  if (starts(file, "\x89PNG\r\n\x1a\n"sv)) return decode_plain(file, "PNG");
  if (starts(file, "BM"sv)) return decode_plain(file, "BMP");
  if (starts(file, "P5"sv) || starts(file, "P6"sv)) return decode_plain(file, "PNM");
  if (starts(file, "II*\0"sv) || starts(file, "MM\0*"sv) || starts(file, "II+\0"sv) || starts(file, "MM\0+"sv)) return decode_tiff(file);
  if (starts(file, "RIFF"sv) && starts(file, "WEBP"sv, 8)) return decode_webp(file);
  if (starts(file, "\0\0\0\x0cjP  \r\n\x87\n"sv) || starts(file, "\xff\x4f\xff\x51"sv)) return decode_jpeg2000(file);
  throw unsupported("the image is of no known format").with("expected", "BMP, JPEG, JPEG 2000, PNG, binary PNM, TIFF or WebP");
}

/// Luma of ITU-R BT.601 in 16-bit fixed point, as Pillow computes it.
uint8_t luma(const uint8_t* p) { return static_cast<uint8_t>((p[0] * 19595u + p[1] * 38470u + p[2] * 7471u + 0x8000u) >> 16); }

int64_t channels(const Node& node) {
  const std::string format = node.s("pixel_format", "RGB");
  if (format != "RGB" && format != "BGR" && format != "Grayscale") fail("unknown pixel_format", "RGB, BGR or Grayscale", format);
  return format == "Grayscale" ? 1 : 3;
}

void infer(const Node& node) {
  expect_rank(node.in(0), 1, "the encoded image");
  node.set_out(0, dt::u8, Dims{node.fresh_symbol(), node.fresh_symbol(), channels(node)});
}

void run(const Node& node) {
  const Image image = decode({node.in(0).data<uint8_t>(), static_cast<size_t>(node.in(0).count())});
  const bool swap = node.s("pixel_format", "RGB") == "BGR", grey = channels(node) == 1;
  auto* y = node.alloc_out<uint8_t>(0, dt::u8, Dims{image.height, image.width, channels(node)});
  for (size_t i = 0; i < image.rgb.size(); i += 3) {
    const uint8_t* p = image.rgb.data() + i;
    if (grey) *y++ = luma(p);
    else
      for (int k = 0; k < 3; ++k) *y++ = p[swap ? 2 - k : k];
  }
}

}  // namespace

TENON_OPERATOR("tenon", "ImageDecoder", 1, 0, "(encoded_stream: u8) -> (image: u8) {pixel_format?: string}", infer, run);
}  // namespace tenon::ops
