# SPDX-License-Identifier: Apache-2.0
# tenon_add_plugin(<name> [SOURCES file...] [LIBRARIES target...] [STATIC_RUNTIME])
#
# A shared library that exports nothing but the plugin entry. SOURCES defaults to every .c and .cpp file below the current
# folder, in sorted order, but *.test.cpp: registration needs no list. Output: lib<name>.so in ${TENON_PLUGIN_OUTPUT}.
# STATIC_RUNTIME links libstdc++ and libgcc statically, for plugins shipped to machines with an older one.
set(TENON_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/plugin.map")

function(tenon_add_plugin name)
  cmake_parse_arguments(arg "STATIC_RUNTIME" "OUTPUT" "SOURCES;LIBRARIES" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB_RECURSE arg_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c" "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    list(FILTER arg_SOURCES EXCLUDE REGEX "\\.test\\.cpp$")
    list(SORT arg_SOURCES)
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  target_compile_features(${name} PRIVATE c_std_11 cxx_std_20)
  set_target_properties(${name} PROPERTIES
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON CXX_EXTENSIONS OFF C_EXTENSIONS OFF)
  target_link_libraries(${name} PRIVATE Tenon::sdk ${arg_LIBRARIES})
  target_link_options(${name} PRIVATE "LINKER:--version-script=${TENON_PLUGIN_MAP}" "LINKER:--exclude-libs,ALL")
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${TENON_PLUGIN_MAP}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  if(arg_STATIC_RUNTIME)
    target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  if(arg_OUTPUT)
    set(output "${arg_OUTPUT}")
  elseif(TENON_PLUGIN_OUTPUT)
    set(output "${TENON_PLUGIN_OUTPUT}")
    install(TARGETS ${name} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/tenon")
  else()
    set(output "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${output}")
endfunction()
