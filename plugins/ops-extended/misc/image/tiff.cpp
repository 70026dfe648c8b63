// SPDX-License-Identifier: Apache-2.0
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <memory>

#include "misc/image/image.hpp"

namespace tenon::ops {
namespace {

/// A file in memory, as libtiff reads it.
struct Stream {
  Bytes file;
  uint64_t at = 0;
};
Stream& stream(thandle_t h) { return *static_cast<Stream*>(h); }

tmsize_t read_some(thandle_t h, void* to, tmsize_t n) {
  Stream& s = stream(h);
  const uint64_t left = s.at < s.file.size() ? s.file.size() - s.at : 0, count = std::min<uint64_t>(left, n < 0 ? 0 : static_cast<uint64_t>(n));
  if (count) std::memcpy(to, s.file.data() + s.at, count);
  s.at += count;
  return static_cast<tmsize_t>(count);
}
tmsize_t write_none(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t h, toff_t offset, int whence) {
  Stream& s = stream(h);
  s.at = (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? s.at : s.file.size()) + offset;
  return s.at;
}
int close(thandle_t) { return 0; }
toff_t size(thandle_t h) { return stream(h).file.size(); }
int no_map(thandle_t, void**, toff_t*) { return 0; }
void no_unmap(thandle_t, void*, toff_t) {}

}  // namespace

Image decode_tiff(Bytes file) {
  // A library does not print: what went wrong is the decoder's result.
  TIFFSetErrorHandler(nullptr);
  TIFFSetWarningHandler(nullptr);
  Stream s{file};
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(TIFFClientOpen("memory", "rm", &s, read_some, write_none, seek, close, size, no_map, no_unmap), TIFFClose);
  if (!tiff) throw bad_image("TIFF", "its header is damaged");
  uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height)) throw bad_image("TIFF", "it does not say its size");
  Image image = blank(height, width);
  std::vector<uint32_t> pixels(image.rgb.size() / 3);
  if (!TIFFReadRGBAImageOriented(tiff.get(), width, height, pixels.data(), ORIENTATION_TOPLEFT, 1)) throw bad_image("TIFF", "its contents are damaged, or of a kind that is not read");
  for (size_t i = 0; i < pixels.size(); ++i) {
    image.rgb[3 * i] = static_cast<uint8_t>(TIFFGetR(pixels[i]));
    image.rgb[3 * i + 1] = static_cast<uint8_t>(TIFFGetG(pixels[i]));
    image.rgb[3 * i + 2] = static_cast<uint8_t>(TIFFGetB(pixels[i]));
  }
  return image;
}

}  // namespace tenon::ops
