#!/usr/bin/env bash
# Builds the dashboard into web/dist when its sources are newer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../web"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "web: installing packages" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
if [ ! -f dist/index.html ] || [ -n "$(find src public index.html package-lock.json vite.config.ts -newer dist/index.html -print -quit)" ]; then
  echo "web: building the dashboard" >&2
  npm run --silent build >&2
fi
