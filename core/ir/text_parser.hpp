// SPDX-License-Identifier: Apache-2.0
// text_parser.hpp - the parser of the text form, shared by its parts.
#pragma once
#include <map>

#include "owned_attr.hpp"
#include "text.hpp"
#include "text_lexer.hpp"

namespace tenon::core {

class TextParser {
 public:
  explicit TextParser(std::string_view text) : lex_(text), m_(std::make_unique<Model>()) {}
  Result<std::unique_ptr<Model>> run();

 private:
  /// Name and how many of that name came before; ("", n) is unnamed value n.
  using Key = std::pair<std::string, uint64_t>;
  struct Declared {
    Key key;
    size_t at = 0;
    bool absent = false;
    ValueType type;
    std::shared_ptr<const Quantization> quantization;
  };
  struct Listed {
    Key key;
    size_t at = 0;
    std::string name;
    bool named = false;
  };
  TextLexer lex_;
  std::unique_ptr<Model> m_;
  std::map<Key, tenon_value> values_;
  std::map<std::pair<std::string, std::string>, uint32_t> origins_;
  std::map<Key, tenon_graph*> shared_;

  bool file();
  bool constant();
  bool dense(const ValueType& t, uint64_t elements, std::vector<uint8_t>* bytes);
  bool dense_strings(std::vector<uint8_t>* bytes, uint64_t* count);
  bool contents(const ValueType& t, std::vector<uint8_t>* bytes);

  bool key(Key* out);
  bool define(const Declared& d, tenon_value v);
  bool use(tenon_graph& g, tenon_value* out);
  bool lookup(const Key& k, size_t at, tenon_graph& g, tenon_value* out);
  bool declared(Declared* out);
  bool type(ValueType* out);
  bool dims(ValueType* out);
  bool quantization(Declared* out);

  bool graph(tenon_graph* parent, int depth, tenon_graph** out);
  bool graph_body(tenon_graph& g, int depth);
  bool graph_key(Key* out);
  bool shared_graph();
  bool shared_reference(tenon_graph** out);
  bool graph_inputs(tenon_graph& g);
  bool graph_outputs(std::vector<Listed>* out);
  bool finish_outputs(tenon_graph& g, const std::vector<Listed>& listed);
  bool node(tenon_graph& g, int depth);
  bool node_outputs(std::vector<Declared>* out);
  bool operator_name(tenon_op* out);
  bool add_node(tenon_graph& g, size_t at, tenon_node_desc d, const std::vector<Declared>& outs, std::vector<uint32_t> origins);
  bool origins(std::vector<uint32_t>* out);
  bool attributes(tenon_graph& g, int depth, std::vector<OwnedAttr>* out);
  bool attribute(tenon_graph& g, int depth, OwnedAttr* a);
  bool list(tenon_graph& g, int depth, uint32_t kind, OwnedAttr* a);
  bool element(tenon_graph& g, int depth, uint32_t* kind, OwnedAttr* a);
  bool numeric(uint32_t* kind, OwnedAttr* a);

  /// One or more items up to `close`, which is taken; none at all is fine too.
  template <class F>
  bool separated(char close, F&& item) {
    if (lex_.accept(close)) return true;
    do {
      if (!item()) return false;
    } while (lex_.accept(','));
    return lex_.expect(close);
  }
};

}  // namespace tenon::core
