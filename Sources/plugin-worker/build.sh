#!/bin/sh
# build.sh <program> [flag ...] - builds the worker. CC is obeyed, and may be another compiler than that of the system, as the flags
# of sanitizers want it. What the filters are compiled with (libseccomp) is needed here only, not where the worker runs.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sources=$(dirname "$here")
program=$1
shift
parts=$program.parts
mkdir -p "$parts"
cc -std=c11 -O1 -Wall -Wextra -Werror -o "$parts/filters" "$here/filters/rules.c" -lseccomp
"$parts/filters" > "$parts/seccomp_filters.h"
${CC:-cc} -std=c11 -O2 -g -Wall -Wextra -Werror -pthread -I"$parts" -I"$sources/PluginABI/include" \
    -I"$sources/PluginRuntime/include" -I"$sources/CPlatform/include" "$@" -o "$program" "$here"/*.c "$sources"/PluginRuntime/*.c -ldl
