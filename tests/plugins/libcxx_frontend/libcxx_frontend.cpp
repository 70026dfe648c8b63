// SPDX-License-Identifier: Apache-2.0
// A plugin built with clang and libc++: a frontend for a small text format, with its lowerings. A file:
//   toy 1
//   input x 2 3
//   neg x -> a
//   plus a x -> y
//   output y
#include <tenon/tenon.hpp>

#include <map>
#include <sstream>

namespace {

using namespace tenon;

tenon_error* TENON_CALL probe(tenon_ctx* c, const tenon_source* s, int32_t* score) noexcept {
  return guard(c, [&] {
    std::string_view head(reinterpret_cast<const char*>(s->head), s->head_len);
    *score = head.substr(0, 6) == "toy 1\n" ? 100 : 0;
  });
}

class Reader {
  Graph g_;
  std::map<std::string, tenon_value> values_;
  int line_ = 0;

  tenon_value find(const std::string& name) const {
    auto it = values_.find(name);
    if (it == values_.end()) throw invalid("a name is read before it was made").with("found", name).with("position", "line " + std::to_string(line_));
    return it->second;
  }

 public:
  Reader(tenon_ctx* c, tenon_graph* g) : g_(c, g) {}
  void line(const std::string& text) {
    ++line_;
    std::istringstream in(text);
    std::string word, name;
    if (!(in >> word) || word == "toy") return;
    if (word == "input") {
      in >> name;
      Dims dims;
      for (int64_t d; in >> d;) dims.push_back(d);
      values_[name] = g_.add_input(name, dt::f32, dims);
    } else if (word == "output") {
      in >> name;
      g_.set_outputs({find(name)}, {name});
    } else {
      Graph::New d;
      d.op = Graph::op("toy", word, 1);
      d.name = word + "@" + std::to_string(line_);
      while (in >> name && name != "->") d.in.push_back(find(name));
      in >> name;
      d.out_names = {name};
      values_[name] = g_.output(g_.add(d));
    }
  }
};

tenon_error* TENON_CALL load(tenon_ctx* c, const tenon_source* s, tenon_graph* g) noexcept {
  return guard(c, [&] {
    std::istringstream in(std::string(static_cast<const char*>(api().buffer->data(s->bytes)), s->size));
    Reader reader(c, g);
    for (std::string line; std::getline(in, line);) reader.line(line);
  });
}

constexpr tenon_frontend frontend = {{sizeof(tenon_frontend), TENON_KIND_FRONTEND, "toy"}, &probe, &load};
TENON_MANIFEST(R"({"kind":"frontend","id":"toy","formats":["toy"],"extensions":[".toy"]})");
TENON_REGISTER(&frontend.h);

void lower_neg(Lower& l) { l.to("Neg", {l.in(0)}); }
void lower_plus(Lower& l) { l.to("Add", {l.in(0), l.in(1)}); }
TENON_LOWERING("toy", "neg", 1, lower_neg);
TENON_LOWERING("toy", "plus", 1, lower_plus);

// Every kind of C++ exception must arrive at the host as an error.
uint64_t throw_something(const Ctx& ctx, Graph&) {
  auto kind = ctx.option("/kind", std::string("range"));
  if (kind == "range") return std::string("abc").at(99);
  if (kind == "int") throw 42;
  throw std::runtime_error(kind);
}
TENON_PASS("example.libcxx/throw", R"("class":"exact","options":{"type":"object","properties":{"kind":{"type":"string","default":"range"}},"additionalProperties":false})", throw_something);

}  // namespace

TENON_PLUGIN(R"("id":"example.libcxx","version":"1.0.0","vendor":"Example","license":"Apache-2.0")");
