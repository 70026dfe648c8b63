# SPDX-License-Identifier: Apache-2.0
# cmake -DOUTPUT=header -DNAMESPACE=name -DFILES=a;b -P TenonEmbed.cmake
#
# A header with one text for each kind of file, called after its extension: all files of that kind one after another, in the order given.
set(header "#pragma once\n#include <string_view>\nnamespace ${NAMESPACE} {\n")
set(kinds "")
foreach(path IN LISTS FILES)
  get_filename_component(kind "${path}" LAST_EXT)
  string(SUBSTRING "${kind}" 1 -1 kind)
  list(APPEND kinds "${kind}")
  file(READ "${path}" hex HEX)
  string(APPEND text_${kind} "${hex}")
endforeach()
list(REMOVE_DUPLICATES kinds)
foreach(kind IN LISTS kinds)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${text_${kind}}")
  string(REGEX REPLACE "(0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],0x[0-9a-f][0-9a-f],)" "\\1\n" bytes "${bytes}")
  string(APPEND header "inline constexpr unsigned char ${kind}_bytes[] = {\n${bytes}};\n"
    "inline const std::string_view ${kind}(reinterpret_cast<const char*>(${kind}_bytes), sizeof ${kind}_bytes);\n")
endforeach()
string(APPEND header "}\n")
file(WRITE "${OUTPUT}" "${header}")
