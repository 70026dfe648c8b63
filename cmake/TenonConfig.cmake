# SPDX-License-Identifier: Apache-2.0
include("${CMAKE_CURRENT_LIST_DIR}/TenonTargets.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/TenonPlugin.cmake")
