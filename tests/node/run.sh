#!/usr/bin/env bash
# Installs Heddle on a real node of this machine as people do, and follows a change to healthy Pods. Everything goes again.
#
# HEDDLE_IMAGES: the layout that `make images` wrote; the build folder's where it is left out. Whatever registry it was made for, its
# images are pushed to one of the node's that wants a login.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

layout=${HEDDLE_IMAGES:-$(tests/tools/target-dir.sh)/images}
[ -f "$layout/index.json" ] || { echo "node: there are no images in $layout; make them: make images" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "node: it takes root, for namespaces, cgroups and mounts" >&2; exit 1; }
cargo build --locked --package heddle-images
HEDDLE_NODE=$(mktemp -d /var/tmp/heddle-node.XXXXXX)
export HEDDLE_NODE
# PostgreSQL and containers run as users of their own.
chmod 0755 "$HEDDLE_NODE"
finish() {
  local ended=$?
  tests/node/node.sh down "$HEDDLE_NODE"
  if [ "$ended" = 0 ]; then rm -rf "$HEDDLE_NODE"; else echo "node: the logs are in $HEDDLE_NODE" >&2; fi
}
trap finish EXIT
tests/node/node.sh up "$HEDDLE_NODE"
# Where clusters pull Heddle's own images from wants a login.
"$(tests/tools/target-dir.sh)/debug/heddle-images" push --layout "$layout" --to 10.98.0.1:5001/heddle --plain-http \
  --username node --password-file "$HEDDLE_NODE/closed-password"
cargo test --locked --package heddle-tests --test node -- --nocapture "$@"
