#!/bin/sh
# Installs `heddle`, the command line, on Linux: curl -fsSL https://github.com/heddle-dev/heddle/releases/latest/download/install.sh | sh
#
#   HEDDLE_VERSION    which release; the latest where it is left out
#   HEDDLE_BIN        where to; ~/.local/bin where it is left out
#   HEDDLE_RELEASES   where releases are
#
# The archive is held against the release's SHA256SUMS; where `cosign` is installed, these against their signature too.
set -eu

repository=https://github.com/heddle-dev/heddle
releases=${HEDDLE_RELEASES:-$repository/releases}
folder=${HEDDLE_BIN:-$HOME/.local/bin}

fail() { echo "install: $*" >&2; exit 1; }

fetch() { # address, file
  # Nothing but HTTPS, also behind a redirect; a server on this machine is for trying it.
  case $1 in
    https://*) curl --proto '=https' --tlsv1.2 -fsSL --retry 3 --max-filesize 268435456 -o "$2" "$1" ;;
    http://127.0.0.1:*) curl -fsS -o "$2" "$1" ;;
    *) fail "\`$1\` is no https address" ;;
  esac || fail "$1 cannot be fetched"
}

main() {
  for needed in curl tar sha256sum; do
    command -v "$needed" >/dev/null || fail "$needed is not installed"
  done
  [ "$(uname -s)" = Linux ] || fail "releases are for Linux; elsewhere build it from the sources: cargo build --release --package heddle-cli"
  case $(uname -m) in
    x86_64 | amd64) architecture=amd64 ;;
    aarch64 | arm64) architecture=arm64 ;;
    *) fail "there is no release for $(uname -m); build it from the sources: cargo build --release --package heddle-cli" ;;
  esac

  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT INT TERM
  version=${HEDDLE_VERSION:-}
  if [ -z "$version" ]; then
    fetch "$releases/latest/download/VERSION" "$scratch/VERSION"
    version=$(cat "$scratch/VERSION")
  fi
  case $version in
    *[!0-9A-Za-z.+-]* | '') fail "\`$version\` is no version" ;;
  esac
  version=${version#v}

  at=$releases/download/v$version
  archive=heddle-$version-linux-$architecture.tar.gz
  fetch "$at/SHA256SUMS" "$scratch/SHA256SUMS"
  fetch "$at/$archive" "$scratch/$archive"
  if command -v cosign >/dev/null; then
    fetch "$at/SHA256SUMS.sigstore.json" "$scratch/SHA256SUMS.sigstore.json"
    cosign verify-blob --bundle "$scratch/SHA256SUMS.sigstore.json" \
      --certificate-identity "$repository/.github/workflows/release.yml@refs/tags/v$version" \
      --certificate-oidc-issuer https://token.actions.githubusercontent.com "$scratch/SHA256SUMS" >&2 \
      || fail "the signature of $at/SHA256SUMS is not that of this release; nothing was installed"
  fi
  (cd "$scratch" && grep "  $archive\$" SHA256SUMS >wanted && sha256sum -c wanted >/dev/null 2>&1) \
    || fail "$archive is not what SHA256SUMS says; nothing was installed"

  tar -xzf "$scratch/$archive" -C "$scratch" ./heddle
  mkdir -p "$folder"
  # In one step, so that a running one goes on.
  cp "$scratch/heddle" "$folder/.heddle.new" && chmod 0755 "$folder/.heddle.new" && mv "$folder/.heddle.new" "$folder/heddle"
  echo "installed $("$folder/heddle" --version) as $folder/heddle"
  case :$PATH: in *:"$folder":*) ;; *) echo "$folder is not in PATH" >&2 ;; esac
}

# Read whole before it begins: half a script does nothing.
main
