// SPDX-License-Identifier: Apache-2.0
// fmt.cpp - fmt's functions, compiled once: the package brings them as a shared library, which the host does without, and compiled in each
// file that formats they take four seconds a file.
#include <fmt/format-inl.h>

namespace fmt::detail {

template std::locale locale_ref::get<std::locale>() const;
template thousands_sep_result<char> thousands_sep_impl(locale_ref);
template char decimal_point_impl(locale_ref);

}  // namespace fmt::detail
