#!/bin/sh
# build.sh <outdir> - builds the fixture plugins:
#
#   <outdir>/<Name>.agentplugin                      the good ones, as bundles: <outdir> can serve as a plugin folder
#   <outdir>/single/<Name>.so                        the same as single files, with the section .agent_plugin
#   <outdir>/rogue/Rogue.agentplugin                 one that does what it must not when it is told to
#   <outdir>/bad/<Name>.agentplugin                  one for each way to be bad
#   <outdir>/versions/<name>.agentplugin             VersionC in many versions, good and bad ones
#   <outdir>/sandbox/SandboxC.agentplugin            tries to get out of its sandbox
#   <outdir>/bad/NoSection.so                        a single file without the section
#
# CC and CFLAGS are obeyed (for sanitizers). Builds nothing that is up to date.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
include=$here/../../Sources/PluginABI/include
mkdir -p "$1"
out=$(cd "$1" && pwd)
umask 022 # the host refuses what others may write to
chmod go-w "$out"
stamp=$out/.built

if [ -f "$stamp" ] && [ -z "$(find "$here" "$include" -newer "$stamp" -type f)" ]; then exit 0; fi
rm -rf "$out/EchoC.agentplugin" "$out/ToolsC.agentplugin" "$out/ScriptC.agentplugin" "$out/BenchC.agentplugin" "$out/KindsC.agentplugin"
rm -rf "$out/single" "$out/bad" "$out/versions" "$out/rogue" "$out/sandbox"
mkdir -p "$out/single" "$out/bad"

compile() { # <source> <library> [flags]
    source=$1 library=$2
    shift 2
    ${CC:-cc} -std=c11 -O1 -g -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -pthread ${CFLAGS:-} \
        -I"$include" "$@" -o "$library" "$source"
}

good() { # <Name>
    bundle=$out/$1.agentplugin
    mkdir -p "$bundle"
    compile "$here/$1/plugin.c" "$bundle/lib$1.so"
    cp "$here/$1/plugin.json" "$bundle/plugin.json"
    objcopy --add-section ".agent_plugin=$bundle/plugin.json" "$bundle/lib$1.so" "$out/single/$1.so"
}

id_of() { # <Name>
    echo "dev.agenthost.fixture.bad-$1" | tr 'A-Z' 'a-z'
}

manifest() { # <Name> [members]: a manifest that is fine as such
    printf '{"abi":1,"id":"%s","name":"bad","version":"1.0.0","library":"lib%s.so"%s}\n' "$(id_of "$1")" "$1" "${2:-}" \
        > "$out/bad/$1.agentplugin/plugin.json"
}

bad() { # <Name> [flags]: a library built with these flags, and a fine manifest
    name=$1
    shift
    mkdir -p "$out/bad/$name.agentplugin"
    compile "$here/Bad/plugin.c" "$out/bad/$name.agentplugin/lib$name.so" "-DBAD_ID=\"$(id_of "$name")\"" "$@"
    manifest "$name"
}

tool='{"name":"a_tool","description":"A tool.","input_schema":{"type":"object"}}'

good EchoC
good ToolsC
good ScriptC
good BenchC
good KindsC

# Not in the folder of the good ones.
mkdir -p "$out/rogue/Rogue.agentplugin"
compile "$here/Rogue/plugin.c" "$out/rogue/Rogue.agentplugin/libRogue.so"
cp "$here/Rogue/plugin.json" "$out/rogue/Rogue.agentplugin/plugin.json"
# It tries to get out: only for the tests of the sandbox, so it has a plugin folder of its own.
mkdir -p "$out/sandbox/SandboxC.agentplugin"
compile "$here/SandboxC/plugin.c" "$out/sandbox/SandboxC.agentplugin/libSandboxC.so"
cp -R "$here/SandboxC/plugin.json" "$here/SandboxC/assets" "$out/sandbox/SandboxC.agentplugin"

version() { # <label> <folder> [flags]
    label=$1
    bundle=$out/versions/$2.agentplugin
    shift 2
    mkdir -p "$bundle"
    compile "$here/VersionC/plugin.c" "$bundle/libVersionC.so" "-DLABEL=\"$label\"" "$@"
    sed "s/LABEL/$label/" "$here/VersionC/plugin.json" > "$bundle/plugin.json"
}
for label in 1 2 3 4; do version "$label" "good-$label"; done
version 5 create-fails -DFLAW_CREATE_FAILS
version 6 create-crashes -DFLAW_CREATE_CRASHES
version 7 sick -DFLAW_SICK
version 8 refuses-state -DFLAW_REFUSES_STATE
version 9 crashes -DFLAW_CRASHES

# The file is no library for this machine.
mkdir -p "$out/bad/NotELF.agentplugin" "$out/bad/EmptyFile.agentplugin" "$out/bad/MissingLibrary.agentplugin"
manifest NotELF
printf 'This is a text, not a library.\n' > "$out/bad/NotELF.agentplugin/libNotELF.so"
manifest EmptyFile
: > "$out/bad/EmptyFile.agentplugin/libEmptyFile.so"
manifest MissingLibrary
bad Truncated
head -c 4096 "$out/bad/Truncated.agentplugin/libTruncated.so" > "$out/bad/part"
mv "$out/bad/part" "$out/bad/Truncated.agentplugin/libTruncated.so"
bad WrongArchitecture # e_machine, two bytes at 18, becomes 243: RISC-V
printf '\363\000' | dd of="$out/bad/WrongArchitecture.agentplugin/libWrongArchitecture.so" bs=1 seek=18 conv=notrunc status=none

# What the library says about itself is wrong.
bad MissingSymbol -DBAD_NO_SYMBOL
bad OtherDraft -DBAD_DRAFT
bad WrongStructSize -DBAD_STRUCT_SIZE
bad EntryNull -DBAD_ENTRY_NULL
bad NullCreate -DBAD_NULL_CREATE
bad NullCallBegin -DBAD_NULL_CALL_BEGIN
manifest NullCallBegin ",\"tools\":[$tool]"
bad WrongTableSize -DBAD_TABLE_SIZE
manifest WrongTableSize ",\"tools\":[$tool]"
bad ToolsWithoutTable
manifest ToolsWithoutTable ",\"tools\":[$tool]"
bad IdMismatch -DBAD_ID_MISMATCH
bad VersionMismatch -DBAD_VERSION_MISMATCH

# Making the instance goes wrong.
bad CreateFails -DBAD_CREATE_FAILS
bad NotGranted -DBAD_NOT_GRANTED
bad NullInstance -DBAD_NULL_INSTANCE
bad CreateHangs -DBAD_CREATE_HANGS
bad CrashesInConstructor -DBAD_CRASHES_IN_CONSTRUCTOR
bad CrashesInCreate -DBAD_CRASHES_IN_CREATE
bad ExitsInCreate -DBAD_EXITS_IN_CREATE

# The manifest is wrong.
bad ManifestNotJSON
printf '{"abi":1,"id":' > "$out/bad/ManifestNotJSON.agentplugin/plugin.json"
bad ManifestWithoutId
printf '{"abi":1,"name":"bad","version":"1.0.0","library":"libManifestWithoutId.so"}\n' \
    > "$out/bad/ManifestWithoutId.agentplugin/plugin.json"
bad BadToolName
manifest BadToolName ',"tools":[{"name":"not.a name","description":"A tool.","input_schema":{"type":"object"}}]'
bad NoSection
mv "$out/bad/NoSection.agentplugin/libNoSection.so" "$out/bad/NoSection.so"
rm -r "$out/bad/NoSection.agentplugin"

# A good plugin, but its id is taken by EchoC.
mkdir -p "$out/bad/DuplicateOfEchoC.agentplugin"
compile "$here/EchoC/plugin.c" "$out/bad/DuplicateOfEchoC.agentplugin/libDuplicateOfEchoC.so"
sed 's/libEchoC.so/libDuplicateOfEchoC.so/; s/"name": "echoc"/"name": "echoc2"/' "$here/EchoC/plugin.json" \
    > "$out/bad/DuplicateOfEchoC.agentplugin/plugin.json"

touch "$stamp"
