#!/usr/bin/env bash
# The walls of AgentHost: a room names only rooms above it. Each room is type-checked together with the rooms above it and nothing
# else, so a name from below is a compile error. A C library is imported by the one room that wraps it.
set -eu -o pipefail
cd "$(dirname "$0")/.."
rooms=(Platform JSON Logging Configuration Metrics ChatKit Identity Database Store HTTP Server Tools HTTPClient Models Agents Turns Plugins Endpoints)
source=Sources/AgentHost

for folder in "$source"/*/; do
  name=$(basename "$folder")
  [[ " ${rooms[*]} " == *" $name "* ]] || { echo "$folder is no room: add it to $0 at its place" >&2; exit 1; }
done

wall() { # module, rooms that may import it
  local module=$1 allowed=$2 found
  found=$(grep -rlE "^ *(@[a-z_]+ )?(internal |private |fileprivate |package |public )?import $module\b" "$source" | grep -vE "^$source/($allowed)/" || true)
  [ -z "$found" ] || { echo "only $allowed may import $module:" >&2; echo "$found" >&2; exit 1; }
}
wall PluginABI Plugins
wall PluginRuntime Plugins
wall CSQLite Database
wall CJSON JSON
wall CCurl HTTPClient
if grep -rnE "import Foundation" "$source" Sources/host-server; then echo "AgentHost does without Foundation" >&2; exit 1; fi
if grep -rnE "import AgentHost" Plugins Sources/AgentPluginKit; then echo "plugins never import AgentHost" >&2; exit 1; fi

flags=(-typecheck -module-name AgentHost -swift-version 6 -parse-as-library
  -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
  -enable-upcoming-feature MemberImportVisibility
  -I Sources/CSQLite -I Sources/CCrypto -I Sources/CCurl -I Sources/PluginABI/include -I Sources/PluginRuntime/include
  -I Sources/CPlatform/include -I Sources/CJSON/include)
files=()
for room in "${rooms[@]}"; do
  [ -d "$source/$room" ] || continue
  mapfile -t -O "${#files[@]}" files < <(find "$source/$room" -name '*.swift' | sort)
  [ "${#files[@]}" -gt 0 ] || continue
  swiftc "${flags[@]}" "${files[@]}" || { echo "room $room reaches below its floor" >&2; exit 1; }
done
echo "layers: ${#rooms[@]} rooms, walls hold"
