// SPDX-License-Identifier: Apache-2.0
#include <climits>
#include <memory>

#include "misc/image/image.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace tenon::ops {

Image decode_plain(Bytes file, const char* format) {
  if (file.size() > INT_MAX) throw bad_image(format, "it is too long");
  const int length = static_cast<int>(file.size());
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(file.data(), length, &width, &height, &channels)) throw bad_image(format, stbi_failure_reason());
  Image image = blank(height, width);
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load_from_memory(file.data(), length, &width, &height, &channels, 3), stbi_image_free);
  if (!pixels) throw bad_image(format, stbi_failure_reason());
  image.rgb.assign(pixels.get(), pixels.get() + image.rgb.size());
  return image;
}

}  // namespace tenon::ops
