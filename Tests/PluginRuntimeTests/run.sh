#!/bin/sh
# run.sh [plain|address|thread|all] [name of a test] - builds and runs the tests of the plugin runtime.
#
#   plain    (default) in process and in the worker program
#   address  in process, with AddressSanitizer and UndefinedBehaviorSanitizer in runtime, plugins and tests; then the worker
#   thread   in process, with ThreadSanitizer in runtime, plugins and tests
#   all      one after the other
#
# Needs only a C compiler, objcopy and libseccomp. The products lie in .build/plugin-runtime-tests.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
mode=${1:-plain}
test=${2:-}

if [ "$mode" = all ]; then
    for each in plain address thread; do "$0" "$each"; done
    exit 0
fi

case $mode in
    plain) flags="-O2" ;;
    address) flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DSANITIZED" ;;
    thread) flags="-O1 -g -fsanitize=thread -DSANITIZED" ;;
    *) echo "run.sh: unknown mode $mode" >&2; exit 2 ;;
esac

out=$root/.build/plugin-runtime-tests/$mode
mkdir -p "$out"
includes="-I$root/Sources/PluginABI/include -I$root/Sources/PluginRuntime/include -I$root/Sources/CPlatform/include"
warnings="-std=c11 -Wall -Wextra -Werror -pthread"
short="-DAPR_POOL_IDLE_MS=100" # so that a test can wait for it
wrap="-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc" # so that a test can let memory run out

tests=$(find "$here" -name '*.c' ! -name probe.c)
sanitizer=
[ "$mode" = plain ] || sanitizer=${flags#* }
CFLAGS="$sanitizer" "$root/Tests/Fixtures/build.sh" "$out/fixtures"
${CC:-cc} $warnings $flags $includes -fPIC -shared -fvisibility=hidden -o "$out/probe.so" "$here/probe.c"
${CC:-cc} $warnings $flags $includes $short $wrap -o "$out/runtime-tests" $tests \
    "$root"/Sources/PluginRuntime/*.c -ldl
"$root/Sources/plugin-worker/build.sh" "$out/plugin-worker" $flags $short

# A plugin that crashes on purpose dies of its signal, as without a sanitizer.
ASAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0
TSAN_OPTIONS=handle_segv=0:handle_abort=0:handle_sigbus=0:halt_on_error=1
export ASAN_OPTIONS TSAN_OPTIONS

exec "$out/runtime-tests" "$out/fixtures" "$out/probe.so" "$out/plugin-worker" $test
