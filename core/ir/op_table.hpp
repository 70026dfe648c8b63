// SPDX-License-Identifier: Apache-2.0
// op_table.hpp - interned operators: (domain, name, version) <-> number, for the whole process.
#pragma once
#include <tenon/abi.h>

#include <string_view>

namespace tenon::core {

struct OpName {
  std::string_view domain, name;  ///< live as long as the process
  int32_t version = 0;
};
/// Never 0; thread-safe.
tenon_op intern_op(std::string_view domain, std::string_view name, int32_t version);
OpName op_name(tenon_op op);

}  // namespace tenon::core
