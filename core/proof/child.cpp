// SPDX-License-Identifier: Apache-2.0
#include "child.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "../report/run_report.hpp"

namespace tenon::core {
namespace {

Json to_json(const Error& e) {
  Json j{{"code", e.code}, {"message", e.message}, {"details", e.details}, {"causes", Json::array()}};
  for (const auto& c : e.causes) j["causes"].push_back(to_json(c));
  return j;
}
Error from_json(const Json& j) {
  Error e(j["code"], j["message"]);
  for (const auto& d : j["details"]) e.with(d[0], d[1]);
  for (const auto& c : j["causes"]) e.causes.push_back(from_json(c));
  return e;
}

void write_all(int fd, const void* data, size_t n) {
  const auto* p = static_cast<const char*>(data);
  while (n) {
    const ssize_t k = ::write(fd, p, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) _exit(1);
    p += k;
    n -= static_cast<size_t>(k);
  }
}

/// A record is a letter, the number of bytes and the bytes: 'D' for what was emitted, 'S' for the status at the end.
void write_record(int fd, char kind, std::string_view bytes) {
  const uint64_t n = bytes.size();
  write_all(fd, &kind, 1);
  write_all(fd, &n, sizeof n);
  write_all(fd, bytes.data(), bytes.size());
}

[[noreturn]] void be_child(int fd, const std::function<Status(const Emit&)>& work) {
  signal(SIGINT, SIG_DFL);
  Status s;
  try {
    s = work([fd](std::string_view bytes) { write_record(fd, 'D', bytes); });
  } catch (const std::bad_alloc&) {
    s = fail(TENON_E_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    s = fail(TENON_E_INTERNAL, e.what());
  }
  write_record(fd, 'S', s ? std::string("null") : to_json(s.error()).dump(-1, ' ', false, Json::error_handler_t::replace));
  _exit(0);
}

/// False when the time is up.
bool read_until_end(int fd, double seconds, std::string* all) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::vector<char> part(1 << 16);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd p{fd, POLLIN, 0};
    const int ready = poll(&p, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready <= 0) continue;
    const ssize_t n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return true;
    all->append(part.data(), static_cast<size_t>(n));
  }
}

ChildEnd decode(const std::string& raw) {
  ChildEnd end{{}, fail(TENON_E_CRASH, "the process ended too early")};
  for (size_t at = 0; at + 9 <= raw.size();) {
    uint64_t n = 0;
    std::memcpy(&n, raw.data() + at + 1, sizeof n);
    if (n > raw.size() - at - 9) break;
    const std::string_view bytes(raw.data() + at + 9, n);
    if (raw[at] == 'D') end.out += bytes;
    if (raw[at] == 'S') {
      const Json j = Json::parse(bytes);
      end.status = j.is_null() ? Status() : fail(from_json(j));
    }
    at += 9 + n;
  }
  return end;
}

void put(std::string* s, const void* data, size_t n) { s->append(static_cast<const char*>(data), n); }
template <class T> void put(std::string* s, T v) { put(s, &v, sizeof v); }
void put_text(std::string* s, std::string_view t) {
  put<uint64_t>(s, t.size());
  *s += t;
}
void put_tensor(std::string* s, const Tensor& t) {
  put(s, t.type);
  put<uint8_t>(s, t.present);
  put<uint64_t>(s, t.dims.size());
  for (int64_t d : t.dims) put(s, d);
  put<uint8_t>(s, t.strings ? 2 : t.items ? 3 : t.buffer ? 1 : 0);
  if (t.strings)
    for (const auto& x : *t.strings) put_text(s, x);
  else if (t.items)
    for (const auto& x : *t.items) put_tensor(s, x);
  else if (t.buffer)
    put_text(s, {reinterpret_cast<const char*>(t.buffer.data()), bytes_of(t.type, static_cast<uint64_t>(t.count()))});
}

/// Reads what put_tensor wrote; throws std::runtime_error when it is cut off.
class TensorReader {
 public:
  explicit TensorReader(std::string_view s) : s_(s) {}
  bool end() const { return s_.empty(); }
  Tensor tensor() {
    Tensor t;
    t.type = get<tenon_dtype>();
    t.present = get<uint8_t>() != 0;
    t.dims.resize(get<uint64_t>());
    for (auto& d : t.dims) d = get<int64_t>();
    const auto kind = get<uint8_t>();
    if (kind == 1) t.buffer = dense();
    if (kind == 2) {
      t.strings = std::make_shared<std::vector<std::string>>();
      for (int64_t k = 0; k < t.count(); ++k) t.strings->emplace_back(text());
    }
    if (kind == 3) {
      t.items = std::make_shared<std::vector<Tensor>>();
      for (int64_t k = 0; k < t.dims.at(0); ++k) t.items->push_back(tensor());
    }
    return t;
  }

 private:
  std::string_view take(uint64_t n) {
    if (n > s_.size()) throw std::runtime_error("tensors from a child are cut off");
    const std::string_view r = s_.substr(0, n);
    s_.remove_prefix(n);
    return r;
  }
  template <class T> T get() {
    T v;
    std::memcpy(&v, take(sizeof v).data(), sizeof v);
    return v;
  }
  std::string_view text() { return take(get<uint64_t>()); }
  BufferRef dense() {
    const std::string_view bytes = text();
    auto b = alloc_buffer(bytes.empty() ? 1 : bytes.size());
    if (!b) throw std::bad_alloc();
    if (!bytes.empty()) std::memcpy(b->writable(), bytes.data(), bytes.size());
    return std::move(*b);
  }
  std::string_view s_;
};

}  // namespace

ChildEnd in_child(const std::function<Status(const Emit&)>& work, double seconds) {
  int fds[2];
  if (pipe(fds) != 0) return {{}, fail(TENON_E_IO, std::string("no pipe to a child: ") + std::strerror(errno))};
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) return {{}, fail(TENON_E_IO, std::string("no child process: ") + std::strerror(errno))};
  if (pid == 0) {
    close(fds[0]);
    be_child(fds[1], work);
  }
  close(fds[1]);
  std::string raw;
  const bool in_time = read_until_end(fds[0], seconds, &raw);
  close(fds[0]);
  if (!in_time) kill(pid, SIGKILL);
  int how = 0;
  while (waitpid(pid, &how, 0) < 0 && errno == EINTR) {
  }
  ChildEnd end = decode(raw);
  if (!in_time) end.status = fail(Error(TENON_E_CRASH, fmt::format("it did not come to an end within {:g} s", seconds)).with("hint", "--seconds gives it more time"));
  else if (WIFSIGNALED(how)) end.status = fail(TENON_E_CRASH, fmt::format("it crashed: killed by signal {} ({})", WTERMSIG(how), strsignal(WTERMSIG(how))));
  return end;
}

GraphRunner isolated_runner(double seconds) {
  return [seconds](Session& s, Model& m, const std::string& backend, const TensorSet& inputs, int runs) -> Result<Outputs> {
    const ChildEnd end = in_child(
        [&](const Emit& emit) -> Status {
          auto out = run_graph(s, m, backend, inputs, runs);
          if (!out) return fail(std::move(out.error()));
          emit(tensor_bytes(*out));
          return {};
        },
        seconds);
    if (!end.status) return fail(end.status.error());
    return tensors_from(end.out);
  };
}

std::string tensor_bytes(const Outputs& all) {
  std::string s;
  for (const auto& t : all) put_tensor(&s, t);
  return s;
}

Result<Outputs> tensors_from(std::string_view bytes) {
  try {
    Outputs all;
    for (TensorReader r(bytes); !r.end();) all.push_back(r.tensor());
    return all;
  } catch (const std::runtime_error& e) {
    return fail(TENON_E_INTERNAL, e.what());
  }
}

}  // namespace tenon::core
