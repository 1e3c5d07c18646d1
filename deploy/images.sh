#!/usr/bin/env bash
# Makes the images of a release, without a container engine: builds the programs, the dashboard, kustomize, helm and sops, and
# writes an OCI image layout to the folder `images` of the build folder.
#
# Usage: images.sh build               HEDDLE_REGISTRY: host and path under which they are going to be pushed
#        images.sh push [ARGUMENTS]    pushes what was made there; `--help` tells which
#        images.sh check               makes them twice, compares, and starts each program on its own files alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. deploy/names.sh
registry=$HEDDLE_REGISTRY
target=$(tests/tools/target-dir.sh)
programs=$target/release

inputs=(--programs "$programs" --dashboard web/dist)
prepare() {
  SQLX_OFFLINE=true cargo build --release --locked \
    --bin heddle-api --bin heddle-automator --bin heddle-synchronizer --bin heddle --bin heddle-images
  tests/tools/web.sh
  inputs+=(--kustomize "$(tests/tools/build.sh kustomize | cut -d' ' -f2-)")
  inputs+=(--helm "$(tests/tools/build.sh helm | cut -d' ' -f2-)")
  inputs+=(--sops "$(tests/tools/build.sh sops | cut -d' ' -f2-)")
}

build() { # folder
  local revision created
  # What is not committed has no revision that others could build.
  revision=$(git rev-parse HEAD)
  [ -z "$(git status --porcelain --untracked-files=no)" ] || revision+=-changed
  created=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
  "$programs/heddle-images" build "${inputs[@]}" --out "$1" --registry "$registry" --revision "$revision" --created "$created"
}

# A program starts with what its image holds and nothing else, as the user that it has there.
start() { # folder, program
  if [ "$(id -u)" = 0 ]; then
    chroot --userspec=65532:65532 "$1" "/usr/local/bin/$2" "${@:3}"
  else
    unshare --user --map-root-user chroot "$1" "/usr/local/bin/$2" "${@:3}"
  fi
}

check() {
  # The trap runs after this function.
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  build "$scratch/first"
  build "$scratch/second" >/dev/null
  cmp "$scratch/first/index.json" "$scratch/second/index.json"
  diff -r "$scratch/first" "$scratch/second"
  echo "images: made twice, byte for byte the same"
  "$programs/heddle-images" roots "${inputs[@]}" --out "$scratch/roots"
  start "$scratch/roots/heddle-api" heddle-api --version
  start "$scratch/roots/heddle-automator" heddle-automator --version
  start "$scratch/roots/heddle-synchronizer" heddle-synchronizer --version
  start "$scratch/roots/heddle-synchronizer" kustomize version
  start "$scratch/roots/heddle-synchronizer" helm version
  start "$scratch/roots/heddle-synchronizer" sops --version --disable-version-check
  start "$scratch/roots/heddle-cli" heddle --version
}

case ${1:-} in
  build) prepare; build "$target/images" ;;
  push) shift; exec "$programs/heddle-images" push --layout "$target/images" --to "$registry" "$@" ;;
  check) prepare; check ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
