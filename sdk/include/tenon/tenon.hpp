// SPDX-License-Identifier: Apache-2.0
// tenon.hpp - everything a plugin author includes.
#pragma once
#include "plugin.hpp"
