// SPDX-License-Identifier: Apache-2.0
// image.hpp - decoding of image files in memory to 8-bit RGB. An alpha channel is left out.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <tenon/node.hpp>

namespace tenon::ops {

using Bytes = std::span<const uint8_t>;

struct Image {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> rgb;
};

/// An image of this size, zeroed; sizes that no image has are an error.
Image blank(int64_t height, int64_t width);
/// The error of a file that is damaged.
Error bad_image(const char* format, const std::string& why);

Image decode_jpeg(Bytes file);
Image decode_jpeg2000(Bytes file);
Image decode_tiff(Bytes file);
Image decode_webp(Bytes file);
/// PNG, BMP and binary PNM.
Image decode_plain(Bytes file, const char* format);

}  // namespace tenon::ops
