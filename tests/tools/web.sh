#!/usr/bin/env bash
# Builds the dashboard into web/dist when its sources are newer.
set -euo pipefail
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$tools/web-packages.sh"
cd "$tools/../../web"
if [ ! -f dist/index.html ] || [ -n "$(find src public index.html package-lock.json vite.config.ts -newer dist/index.html -print -quit)" ]; then
  echo "web: building the dashboard" >&2
  npm run --silent build >&2
fi
