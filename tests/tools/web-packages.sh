#!/usr/bin/env bash
# Installs the dashboard's packages as package-lock.json pins them. A registry that fails in the middle is asked again, and
# what npm's own logs say is printed where all tries failed: its last line names only a file that nobody else can read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../web"
if [ -d node_modules ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
  exit 0
fi
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
for try in 1 2 3; do
  echo "web: installing packages (try $try of 3)" >&2
  npm ci --no-audit --no-fund --loglevel=error --fetch-retries=5 --logs-dir="$logs" >&2 && exit 0
done
echo "web: npm could not install the packages; what its logs say of it:" >&2
cat "$logs"/*.log | grep -E '^[0-9]+ (error|warn|http fetch .* attempt|verbose (stack|code|type))' | tail -n 40 >&2 || true
exit 1
