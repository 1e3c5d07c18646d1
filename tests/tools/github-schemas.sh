#!/usr/bin/env bash
# Fetches GitHub's published descriptions of its own API, against which the stand-in's answers are checked.
#
# Usage: github-schemas.sh        prints the folder that holds openapi.json, graphql.json and webhooks.json
#
# The npm packages are pinned; one file of each is kept (the first unpacks to 400 MB). The cache is keyed by version and
# lies outside the build folder: HEDDLE_TOOLS, else XDG_CACHE_HOME/heddle/tools.
set -euo pipefail

openapi=23.0.2 graphql=15.26.1 webhooks=7.6.1

cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}
target=$cache/github-schemas-$openapi-$graphql-$webhooks
mkdir -p "$cache"
exec 9>"$cache/.github-schemas.lock"
flock 9
[ ! -d "$target" ] || { echo "$target"; exit; }

command -v npm >/dev/null || { echo "tools: npm, which fetches GitHub's descriptions of its API, is not installed (Node 20 or newer)" >&2; exit 1; }
part=$(mktemp -d "$cache/github-schemas.XXXXXX")
trap 'rm -rf "$part"' EXIT

take() { # package, version, file inside, name here
  echo "tools: fetching @octokit/$1 $2 (once; kept in $cache)" >&2
  (cd "$part" && npm pack --silent --ignore-scripts "@octokit/$1@$2" >/dev/null)
  tar -xzOf "$part/octokit-$1-$2.tgz" "package/$3" >"$part/out/$4"
}

mkdir "$part/out"
take openapi "$openapi" generated/api.github.com.json openapi.json
take graphql-schema "$graphql" schema.json graphql.json
take webhooks-schemas "$webhooks" schema.json webhooks.json
mv "$part/out" "$target"
echo "$target"
