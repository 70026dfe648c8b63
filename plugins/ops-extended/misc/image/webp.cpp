// SPDX-License-Identifier: Apache-2.0
#include <webp/decode.h>

#include "misc/image/image.hpp"

namespace tenon::ops {

Image decode_webp(Bytes file) {
  int width = 0, height = 0;
  if (!WebPGetInfo(file.data(), file.size(), &width, &height)) throw bad_image("WebP", "its header is damaged");
  Image image = blank(height, width);
  if (!WebPDecodeRGBInto(file.data(), file.size(), image.rgb.data(), image.rgb.size(), 3 * width)) throw bad_image("WebP", "its contents are damaged, or it is an animation");
  return image;
}

}  // namespace tenon::ops
