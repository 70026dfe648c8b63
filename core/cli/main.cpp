// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

int main(int argc, char** argv) { return tenon::core::cli::run_command(argc, argv); }
