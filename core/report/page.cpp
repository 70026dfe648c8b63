// SPDX-License-Identifier: Apache-2.0
#include "page.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <thread>

#include "page_files.hpp"

namespace tenon::core {
namespace {

/// The value of "key : value" in a file such as /proc/cpuinfo; empty when there is none.
std::string system_field(const char* path, const std::string& key) {
  std::ifstream f(path);
  for (std::string line; std::getline(f, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const size_t at = line.find_first_not_of(" \t", line.find(':') + 1);
    return at == std::string::npos ? std::string() : line.substr(at);
  }
  return {};
}

Json machine() {
  utsname u{};
  Json j{{"processor", system_field("/proc/cpuinfo", "model name")}, {"threads", std::thread::hardware_concurrency()}, {"memory", system_field("/proc/meminfo", "MemTotal")}};
  if (uname(&u) == 0) j["system"] = fmt::format("{} {} {}", u.sysname, u.release, u.machine);
  return j;
}

Json plugins(const Registry& r) {
  Json all = Json::array();
  for (const auto& m : r.manifests()) all.push_back(Json{{"id", m->id}, {"version", m->version}, {"vendor", m->vendor}, {"file", m->path}});
  return all;
}

std::string dump(const Json& j) { return j.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Calls f for each piece of text between marks "{{NAME}}", and for each mark's name.
template <class Text, class Mark>
Status split_template(std::string_view page, Text&& text, Mark&& mark) {
  for (size_t at = 0;;) {
    const size_t open = page.find("{{", at), close = page.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) return text(page.substr(at));
    TENON_TRY(text(page.substr(at, open - at)));
    TENON_TRY(mark(page.substr(open + 2, close - open - 2)));
    at = close + 2;
  }
}

}  // namespace

Json about_run(const Registry& r, const std::string& command) {
  return {{"tenon", TENON_VERSION}, {"command", command}, {"made", fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(std::time(nullptr)))}, {"machine", machine()}, {"plugins", plugins(r)}};
}

std::string script_safe(std::string_view json) {
  std::string s;
  s.reserve(json.size() + json.size() / 64);
  for (char c : json) {
    if (c == '<' || c == '>' || c == '&') s += fmt::format("\\u{:04x}", static_cast<int>(c));
    else s += c;
  }
  return s;
}

Status write_page(const Json& about, const Json& report, const std::string& graph, const std::function<Status(std::string_view)>& write) {
  const auto data = [&]() -> Status {
    TENON_TRY(write(script_safe("{\"about\":" + dump(about) + ",\n\"report\":" + dump(report) + ",\n\"graph\":")));
    TENON_TRY(write(script_safe(graph)));
    return write("}");
  };
  return split_template(page_files::html, write, [&](std::string_view mark) -> Status {
    if (mark == "style") return write(page_files::css);
    if (mark == "script") return write(page_files::js);
    if (mark == "data") return data();
    return fail(TENON_E_INTERNAL, "the report's page has an unknown mark " + std::string(mark));
  });
}

}  // namespace tenon::core
