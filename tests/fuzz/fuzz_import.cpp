// SPDX-License-Identifier: Apache-2.0
// Imports bytes as a model of one format: parsing, lowering, and inference where the operators' plugin is built too.
#include <core/exec/import.hpp>
#include <core/ir/verifier.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "heap_limit.hpp"

using namespace tenon::core;

namespace {

/// A file of its own in memory, named by a path.
class MemoryFile {
  int fd_ = memfd_create("model", MFD_CLOEXEC);

 public:
  void write(const uint8_t* data, size_t size) {
    if (ftruncate(fd_, 0) != 0 || pwrite(fd_, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
};

Session& session() {
  static Session* s = [] {
    auto* made = new Session;
    Discovery d;
    d.folders = {TENON_FUZZ_PLUGINS};
    d.defaults = false;
    Status found = made->registry.discover(d);
    auto frontend = made->registry.frontend(TENON_FUZZ_FRONTEND);
    if (!found || !frontend) {
      std::fprintf(stderr, "%s\n", to_text(found ? frontend.error() : found.error()).c_str());
      std::abort();
    }
    return made;
  }();
  return *s;
}

}  // namespace

// Plugins are never unloaded.
extern "C" const char* __lsan_default_suppressions() { return "leak:open_library"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static MemoryFile file;
  Session& s = session();
  file.write(data, size);
  HeapLimit heap(size);
  ImportRequest request;
  request.model = file.path();
  request.frontend = TENON_FUZZ_FRONTEND;
  auto imported = import_model(s, request);
  s.warnings.clear();
  if (imported) (void)verify(s, *imported->model);
  return 0;
}
