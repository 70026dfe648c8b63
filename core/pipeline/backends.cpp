// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "execute_stage.hpp"
#include "missing.hpp"
#include "options_schema.hpp"
#include "schema.hpp"

namespace tenon::core {
namespace {

Json options_for(const Registry& r, const std::string& backend, const Json& options, int64_t threads) {
  Json schema = options_of(r, "backend", backend), own = Json::object();
  for (const auto& [key, value] : options.items())
    if (schema["properties"].contains(key)) own[key] = value;
  if (threads > 0 && schema["properties"].contains("threads") && !own.contains("threads")) own["threads"] = threads;
  fill_defaults(schema, &own);
  return own;
}

}  // namespace

std::vector<std::string> backend_list(const Json& j) { return j.is_string() ? std::vector<std::string>{j.get<std::string>()} : j.get<std::vector<std::string>>(); }

std::string default_backend(const Registry& r) {
  std::string best = kReferenceBackend;
  int64_t most = INT64_MIN;
  for (const auto& id : r.ids("backend")) {
    const Provided* p = r.find_provided("backend", id);
    int64_t priority = p ? p->json.value("priority", int64_t{0}) : 0;
    if (priority > most) most = priority, best = id;
  }
  return best;
}

Result<Compiled> compile_for(Session& s, Model& m, const std::vector<std::string>& backends, const Json& options, int64_t threads) {
  TENON_TRY(require_operators(s, m));
  for (size_t i = 0; i < backends.size(); ++i) {
    Stopwatch watch;
    auto p = compile(s, m, backends[i], options_for(s.registry, backends[i], options, threads));
    if (p) return Compiled{std::move(*p), backends[i], watch.ms()};
    bool pass_on = p.error().code == TENON_E_UNSUPPORTED && i + 1 < backends.size();
    if (!pass_on) return fail(at_stage(std::move(p.error()), s.registry, "backend", backends[i]));
    s.log({3, "", "execute", "backend " + backends[i] + " does not take the graph, next is " + backends[i + 1] + ": " + p.error().message});
  }
  return fail(TENON_E_CONFIG, "no backend is given");
}

}  // namespace tenon::core
