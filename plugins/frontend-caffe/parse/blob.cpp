// SPDX-License-Identifier: Apache-2.0
#include "blob.hpp"

#include <algorithm>
#include <cmath>

namespace tenon::caffe {
namespace {

constexpr uint64_t kLarge = 1 << 20;  // bytes from which misaligned floats are used as they are

/// Contents of a blob in the file: one or more runs of elements, or numbers of a text file.
struct Source {
  const std::vector<Bytes>* runs = nullptr;
  const std::vector<double>* numbers = nullptr;
  std::string type;  ///< FLOAT, DOUBLE, FLOAT16
  uint64_t width() const { return type == "DOUBLE" ? 8 : type == "FLOAT16" ? 2 : 4; }
  uint64_t count() const {
    uint64_t n = numbers ? numbers->size() : 0;
    if (runs)
      for (const auto& r : *runs) n += r.n / width();
    return n;
  }
};

struct Reader {
  const Ctx& ctx;
  const File& file;
  const Message& m;
  const std::string& layer;

  Error bad(std::string text) const {
    return invalid(std::move(text)).with("file", file.path).with("position", "byte " + std::to_string(m.at)).with("node", layer);
  }

  Dims shape() const {
    if (const Message* s = m.message("shape")) return s->integers("dim");
    constexpr const char* legacy[] = {"num", "channels", "height", "width"};
    if (std::none_of(std::begin(legacy), std::end(legacy), [&](const char* d) { return m.has(d); })) return {};
    Dims d;
    for (const char* name : legacy) d.push_back(m.integer(name));
    return d;
  }
  uint64_t count_of_shape(const Dims& dims) const {
    uint64_t n = 1;
    for (int64_t d : dims)
      if (d < 0 || __builtin_mul_overflow(n, static_cast<uint64_t>(d), &n) || n > UINT64_MAX / 16) throw bad("a blob has a dimension that is negative or too large").with("found", std::to_string(d));
    return n;
  }

  Source contents() const {
    std::vector<Source> all;
    auto add = [&](const char* field, std::string type) {
      const Field* f = m.find(field);
      if (f && (!f->runs.empty() || !f->floats.empty())) all.push_back({f->runs.empty() ? nullptr : &f->runs, f->floats.empty() ? nullptr : &f->floats, std::move(type)});
    };
    add("data", "FLOAT");
    add("double_data", "DOUBLE");
    add("raw_data", m.text("raw_data_type", "FLOAT"));
    if (all.size() > 1) throw bad("a blob has contents in more than one place");
    if (all.empty()) return {};
    if (all[0].type != "FLOAT" && all[0].type != "DOUBLE" && all[0].type != "FLOAT16")
      throw unsupported("raw_data of type " + all[0].type + " is not supported").with("file", file.path).with("node", layer).with("expected", "FLOAT, DOUBLE or FLOAT16");
    if (all[0].runs)
      for (const auto& r : *all[0].runs)
        if (r.n % all[0].width()) throw bad("a blob ends in the middle of a number");
    return all[0];
  }

  /// One run of f32: a part of the file, where it is aligned or large.
  bool in_place(const Source& s, Blob* b) const {
    if (s.type != "FLOAT" || !s.runs || s.runs->size() != 1) return false;
    const Bytes& run = (*s.runs)[0];
    if (reinterpret_cast<uintptr_t>(run.p) % 4 && run.n < kLarge) return false;
    b->buffer = file.buffer;
    b->offset = file.position(run.p);
    return true;
  }
  static float half(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    float v = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24) : exponent == 31 ? (mantissa ? NAN : INFINITY) : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
    return h & 0x8000 ? -v : v;
  }
  static float element(const Source& s, const uint8_t* p) {
    if (s.type == "FLOAT16") {
      uint16_t h;
      std::memcpy(&h, p, 2);
      return half(h);
    }
    double d;
    float f;
    if (s.type == "DOUBLE") return std::memcpy(&d, p, 8), static_cast<float>(d);
    return std::memcpy(&f, p, 4), f;
  }
  void copy(const Source& s, uint64_t n, Blob* b) const {
    b->buffer = Buffer::alloc(ctx.raw(), n * 4);
    auto* to = static_cast<float*>(b->buffer.writable());
    if (s.runs)
      for (const auto& run : *s.runs)
        for (uint64_t i = 0; i < run.n; i += s.width()) *to++ = element(s, run.p + i);
    if (s.numbers)
      for (double v : *s.numbers) *to++ = static_cast<float>(v);
    ctx.metric("copied_bytes", static_cast<double>(n * 4));
  }

  Blob read() const {
    Blob b;
    b.dims = shape();
    uint64_t n = count_of_shape(b.dims);
    Source s = contents();
    if (s.count() != n) throw bad("a blob's elements do not fit its shape").with("expected", std::to_string(n)).with("found", std::to_string(s.count()));
    if (!in_place(s, &b)) copy(s, n, &b);
    return b;
  }
};

}  // namespace

Blob read_blob(const Ctx& ctx, const File& file, const Message& m, const std::string& layer) { return Reader{ctx, file, m, layer}.read(); }

}  // namespace tenon::caffe
