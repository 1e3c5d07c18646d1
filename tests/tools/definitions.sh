#!/usr/bin/env bash
# Prints the files with the definitions of kinds that others bring and Heddle's charts make: HTTPRoute, ServiceMonitor,
# PodMonitor. They come out of the Go modules pinned in `definitions/`, and are kept beside the tools (see build.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}
mkdir -p "$cache"

keep() { # module, file in it
  local version kept folder
  version=$(awk -v module="$1" '$1 == module { print $2 }' "$here/definitions/go.mod")
  kept=$cache/$(basename "$2" .yaml)-$version.yaml
  if [ ! -f "$kept" ]; then
    command -v go >/dev/null || { echo "tools: $2 of $1 is not kept yet, and Go, which fetches it, is not installed" >&2; exit 1; }
    folder=$(cd "$here/definitions" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local go mod download -json "$1" | awk -F '"' '$2 == "Dir" { print $4 }')
    install -m 0644 "$folder/$2" "$kept.$$" && mv "$kept.$$" "$kept"
  fi
  echo "$kept"
}

keep sigs.k8s.io/gateway-api config/crd/standard/gateway.networking.k8s.io_httproutes.yaml
keep github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml
keep github.com/prometheus-operator/prometheus-operator example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml
