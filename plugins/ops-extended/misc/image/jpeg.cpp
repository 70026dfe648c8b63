// SPDX-License-Identifier: Apache-2.0
#include <turbojpeg.h>

#include <memory>

#include "misc/image/image.hpp"

namespace tenon::ops {

Image decode_jpeg(Bytes file) {
  const std::unique_ptr<void, int (*)(void*)> handle(tjInitDecompress(), tjDestroy);
  if (!handle) throw Error(TENON_E_NO_MEMORY, "no JPEG decoder could be made");
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle.get(), file.data(), file.size(), &width, &height, &subsampling, &colours)) throw bad_image("JPEG", tjGetErrorStr2(handle.get()));
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) throw unsupported("JPEG images of print colours (CMYK) are not decoded");
  Image image = blank(height, width);
  const int failed = tjDecompress2(handle.get(), file.data(), file.size(), image.rgb.data(), width, 0, height, TJPF_RGB, TJFLAG_ACCURATEDCT);
  if (failed && tjGetErrorCode(handle.get()) != TJERR_WARNING) throw bad_image("JPEG", tjGetErrorStr2(handle.get()));
  return image;
}

}  // namespace tenon::ops
