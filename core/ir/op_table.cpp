// SPDX-License-Identifier: Apache-2.0
#include "op_table.hpp"

#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <tuple>

namespace tenon::core {
namespace {

struct Table {
  std::shared_mutex mutex;
  struct Entry {
    std::string domain, name;
    int32_t version;
  };
  std::deque<Entry> entries;  // addresses stay
  std::map<std::tuple<std::string_view, std::string_view, int32_t>, tenon_op> index;
};
Table& table() {
  static Table* t = new Table;  // outlives every plugin's static destructors
  return *t;
}

}  // namespace

tenon_op intern_op(std::string_view domain, std::string_view name, int32_t version) {
  Table& t = table();
  auto key = std::make_tuple(domain, name, version);
  {
    std::shared_lock lock(t.mutex);
    if (auto it = t.index.find(key); it != t.index.end()) return it->second;
  }
  std::unique_lock lock(t.mutex);
  if (auto it = t.index.find(key); it != t.index.end()) return it->second;
  auto& e = t.entries.emplace_back(Table::Entry{std::string(domain), std::string(name), version});
  auto op = static_cast<tenon_op>(t.entries.size());
  t.index.emplace(std::make_tuple(std::string_view(e.domain), std::string_view(e.name), version), op);
  return op;
}

OpName op_name(tenon_op op) {
  Table& t = table();
  std::shared_lock lock(t.mutex);
  if (op == 0 || op > t.entries.size()) return {"?", "?", 0};
  const auto& e = t.entries[op - 1];
  return {e.domain, e.name, e.version};
}

}  // namespace tenon::core
