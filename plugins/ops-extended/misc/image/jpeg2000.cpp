// SPDX-License-Identifier: Apache-2.0
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "misc/image/image.hpp"

namespace tenon::ops {
namespace {

/// A file in memory, as OpenJPEG reads it.
struct Stream {
  Bytes file;
  size_t at = 0;
};
constexpr auto kEnd = static_cast<OPJ_SIZE_T>(-1);

OPJ_SIZE_T read_some(void* to, OPJ_SIZE_T n, void* user) {
  auto& s = *static_cast<Stream*>(user);
  const size_t count = std::min<size_t>(n, s.file.size() - s.at);
  if (count == 0) return kEnd;
  std::memcpy(to, s.file.data() + s.at, count);
  s.at += count;
  return count;
}
OPJ_OFF_T skip(OPJ_OFF_T n, void* user) {
  auto& s = *static_cast<Stream*>(user);
  if (n < 0) return -1;
  const size_t count = std::min<size_t>(static_cast<size_t>(n), s.file.size() - s.at);
  s.at += count;
  return static_cast<OPJ_OFF_T>(count);
}
OPJ_BOOL seek(OPJ_OFF_T to, void* user) {
  auto& s = *static_cast<Stream*>(user);
  if (to < 0 || static_cast<size_t>(to) > s.file.size()) return OPJ_FALSE;
  s.at = static_cast<size_t>(to);
  return OPJ_TRUE;
}
void quiet(const char*, void*) {}

using Codec = std::unique_ptr<opj_codec_t, void (*)(opj_codec_t*)>;
using Picture = std::unique_ptr<opj_image_t, void (*)(opj_image_t*)>;

Picture read_picture(Bytes file) {
  Stream s{file};
  const std::unique_ptr<opj_stream_t, void (*)(opj_stream_t*)> in(opj_stream_default_create(OPJ_TRUE), opj_stream_destroy);
  const Codec codec(opj_create_decompress(file[0] == 0xff ? OPJ_CODEC_J2K : OPJ_CODEC_JP2), opj_destroy_codec);
  if (!in || !codec) throw Error(TENON_E_NO_MEMORY, "no JPEG 2000 decoder could be made");
  opj_stream_set_user_data(in.get(), &s, nullptr);
  opj_stream_set_user_data_length(in.get(), file.size());
  opj_stream_set_read_function(in.get(), read_some);
  opj_stream_set_skip_function(in.get(), skip);
  opj_stream_set_seek_function(in.get(), seek);
  opj_set_error_handler(codec.get(), quiet, nullptr);
  opj_set_warning_handler(codec.get(), quiet, nullptr);
  opj_set_info_handler(codec.get(), quiet, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* raw = nullptr;
  const bool head = opj_setup_decoder(codec.get(), &parameters) && opj_read_header(in.get(), codec.get(), &raw);
  Picture picture(raw, opj_image_destroy);
  if (!head || !picture) throw bad_image("JPEG 2000", "its header is damaged");
  blank(int64_t{picture->y1} - picture->y0, int64_t{picture->x1} - picture->x0);
  if (!opj_decode(codec.get(), in.get(), picture.get()) || !opj_end_decompress(codec.get(), in.get())) throw bad_image("JPEG 2000", "its contents are damaged");
  return picture;
}

/// A sample as 8 bits.
uint8_t sample(const opj_image_comp_t& c, size_t i) {
  const int64_t v = c.data[i] + (c.sgnd ? int64_t{1} << (c.prec - 1) : 0);
  return static_cast<uint8_t>(std::clamp<int64_t>(c.prec > 8 ? v >> (c.prec - 8) : v << (8 - c.prec), 0, 255));
}

}  // namespace

Image decode_jpeg2000(Bytes file) {
  const Picture picture = read_picture(file);
  if (picture->color_space == OPJ_CLRSPC_SYCC || picture->color_space == OPJ_CLRSPC_EYCC || picture->color_space == OPJ_CLRSPC_CMYK)
    throw unsupported("JPEG 2000 images of this colour space are not decoded").with("expected", "RGB or grey");
  if (picture->numcomps < 1) throw bad_image("JPEG 2000", "it has no components");
  const opj_image_comp_t* first = picture->comps;
  const uint32_t colours = picture->numcomps >= 3 ? 3 : 1;
  Image image = blank(first->h, first->w);
  for (uint32_t k = 0; k < 3; ++k) {
    const opj_image_comp_t& c = first[colours == 3 ? k : 0];
    if (c.w != first->w || c.h != first->h || !c.data) throw unsupported("JPEG 2000 images with components of different sizes are not decoded");
    for (size_t i = 0; i < image.rgb.size() / 3; ++i) image.rgb[3 * i + k] = sample(c, i);
  }
  return image;
}

}  // namespace tenon::ops
