#!/usr/bin/env bash
# Calls every route of a running API with bodies and parameters made from its own OpenAPI document, good and bad ones, and
# fails on a 5xx or an answer that the document does not allow. Bounded: HEDDLE_SCHEMA_SECONDS (60), always the same seed.
#
# Schemathesis is installed once, pinned, into the tools cache, which lies outside the build folder: HEDDLE_TOOLS, else
# XDG_CACHE_HOME/heddle/tools.
set -euo pipefail

version=4.32.5
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}
target=$cache/schemathesis-$version

command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null \
  || { echo "tools: Python with venv, which runs Schemathesis, is not installed (apt-get install python3-venv)" >&2; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/.schemathesis.lock"
flock 9
if [ ! -x "$target/bin/st" ]; then
  echo "tools: installing Schemathesis $version (once; kept in $cache)" >&2
  rm -rf "$target"
  python3 -m venv "$target"
  "$target/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >&2 || { rm -rf "$target"; exit 1; }
fi
flock -u 9

exec "$target/bin/python" "$here/schema_fuzz.py" "$target/bin/st" "$("$here/target-dir.sh")/debug/heddle-api"
