#!/usr/bin/env bash
# check-docs.sh [folder of the programs] - does what docs/plugin-abi.md, docs/writing-a-plugin.md, docs/extensions and docs/models.md tell their readers to do,
# to the letter: writes their files, runs their commands in a new folder and compares what they print. And every link inside the documentation leads to a file, and the page of the
# differences from the reference lists those that the differential test knows.
set -eu -o pipefail
cd "$(dirname "$0")/.."
export AGENTHOST=$PWD
programs=$(cd "${1:-.build/debug}" && pwd)
page=$AGENTHOST/docs/plugin-abi.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fenced blocks by their info string: "c tally.c" and "json plugin.json" name a file, "sh" is run, "text" is what is printed.
awk -v work="$work" '
  BEGIN { file["sh"] = "commands"; file["text"] = "expected" }
  /^## `plugin.json`/ { exit }
  /^```./ { split(substr($0, 4), info, " "); into = work "/" (info[2] ? info[2] : info[1] in file ? file[info[1]] : "other"); next }
  /^```/ { into = ""; next }
  into { print >into }
' "$page"
for file in plugin.json tally.c commands expected; do
  [ -s "$work/$file" ] || { echo "$page has no block for $file" >&2; exit 1; }
done

(cd "$work" && PATH=$programs:$PATH AGENTHOST_CACHE=$work/cache CHATKIT_DB_URL=sqlite:///./chatkit.db bash -eu commands >printed 2>errors) ||
  { cat "$work/errors" >&2; echo "the commands of $page fail" >&2; exit 1; }
[ ! -s "$work/errors" ] || { cat "$work/errors" >&2; echo "the commands of $page complain" >&2; exit 1; }
diff -u "$work/expected" "$work/printed" || { echo "the commands of $page print something else than it says" >&2; exit 1; }

# The other pages for authors: their commands run with installed headers and these programs, each page in a folder of its own.
make -s install-headers "PREFIX=$work/installed"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed "s/8123/$port/g" docs/writing-a-plugin.md >"$work/writing-a-plugin.md"
PATH=$programs:$PATH PKG_CONFIG_PATH=$work/installed/lib/pkgconfig python3 -B scripts/follow_page.py "$work/writing-a-plugin.md" docs/extensions/[a-z]*.md

# The same for the page of language models, on a free port.
page=$AGENTHOST/docs/models.md
mkdir "$work/models"
awk -v work="$work/models" '/^```sh/ { into = work "/commands"; next } /^```text/ { into = work "/expected"; next } /^```/ { into = ""; next } into { print >into }' "$page"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/9100/$port/g" "$work/models/commands"
(cd "$work/models" && PATH=$programs:$PATH AGENTHOST_CACHE=$work/cache CHATKIT_DB_URL=sqlite:///./chatkit.db bash -eu commands >printed 2>errors) ||
  { cat "$work/models/errors" >&2; echo "the commands of $page fail" >&2; exit 1; }
diff -u "$work/models/expected" "$work/models/printed" || { echo "the commands of $page print something else than it says" >&2; exit 1; }

python3 -B Tests/ChatKitDifferential/check_page.py

broken=0
# Each extension has its page.
for id in $(sed -nE 's/^#define AP_(EXT|HOST)_[A-Z_]+ "([^"]+)".*/\2/p' Sources/PluginABI/include/agent_plugin/*.h); do
  grep -qs "^# \`$id\`: " docs/extensions/*.md || { echo "docs/extensions has no page for $id" >&2; broken=1; }
done
for file in README.md CONTRIBUTING.md docs/*.md docs/extensions/*.md; do
  while read -r target; do
    [ -e "$(dirname "$file")/$target" ] || { echo "$file: $target does not exist" >&2; broken=1; }
  done < <(grep -oE '\]\([^)#]+' "$file" | cut -c3- | grep -vE '^[a-z]+:' || true)
done
[ "$broken" -eq 0 ] || exit 1
echo "docs: the pages for authors and the first model work as described, every link leads somewhere"
