#!/usr/bin/env bash
# Each SDK header stands alone and compiles without a warning: C11, C++17, gcc, clang with libc++.
set -euo pipefail
include=$1
flags=(-Wall -Wextra -Wpedantic -Werror -fsyntax-only "-I$include")
for header in "$include"/tenon/*.h; do
  name=tenon/$(basename "$header")
  echo "#include <$name>" | gcc -std=c11 -Wpadded "${flags[@]}" -x c -
  echo "#include <$name>" | clang -std=c11 "${flags[@]}" -x c -
done
for header in "$include"/tenon/*.h*; do
  name=tenon/$(basename "$header")
  echo "#include <$name>" | g++ -std=c++17 "${flags[@]}" -x c++ -
  echo "#include <$name>" | clang++ -std=c++17 -stdlib=libc++ "${flags[@]}" -x c++ -
done
echo "all headers compile"
