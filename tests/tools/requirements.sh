#!/usr/bin/env bash
# Checks what a build and the tests need of the machine: one line for each thing that is missing. Debian packages are
# installed when root asks, else the one command is printed.
set -euo pipefail

missing=0
need() { # program, least version, version found, how to get it
  if [ -z "$3" ]; then
    echo "missing: $1 $2 or newer ($4)" >&2
    missing=1
  elif [ "$(printf '%s\n' "$2" "$3" | sort -V | head -1)" != "$2" ]; then
    echo "too old: $1 $3, it takes $2 or newer ($4)" >&2
    missing=1
  fi
}

version() { # program, arguments...
  command -v "$1" >/dev/null && "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -1 || true
}

need git 2.30 "$(version git --version)" "apt-get install git"
need rustc 1.94 "$(version rustc --version)" "https://rustup.rs"
need cargo 1.94 "$(version cargo --version)" "https://rustup.rs"
need node 20.19 "$(version node --version)" "https://nodejs.org"
need npm 10 "$(version npm --version)" "https://nodejs.org"
need setpriv 2.33 "$(version setpriv --version)" "apt-get install util-linux"
cc --version >/dev/null 2>&1 || { echo "missing: a C compiler (apt-get install gcc)" >&2; missing=1; }
# Go builds the control plane once; where that is there already, no Go is needed.
if ! command -v go >/dev/null && ! GOFLAGS=-mod=mod "$(dirname "$0")/build.sh" >/dev/null 2>&1; then
  need go 1.24 "" "https://go.dev/dl"
fi

packages=()
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || packages+=(postgresql)
[ -x /usr/bin/docker-registry ] || packages+=(docker-registry)
for package in "$@"; do
  dpkg -s "$package" >/dev/null 2>&1 || packages+=("$package")
done
if [ ${#packages[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}" >&2
    # Neither is to run as a service of the machine: Heddle starts its own.
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}" >/dev/null \
      || { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "${packages[@]}" >/dev/null; }
  else
    echo "missing Debian packages; run: sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
    missing=1
  fi
fi
exit $missing
