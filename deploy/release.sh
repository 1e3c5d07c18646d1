#!/usr/bin/env bash
# Makes what a release consists of beside its images (images.sh): the same bytes for the same commit and program.
#
# Usage: release.sh version TAG                    says the version that TAG names; it must be that of the sources
#        release.sh registry                       where images and charts go, as registries write it
#        release.sh rank                           what `gh release create` is told of this version; the tags of other releases on input
#        release.sh notes                          the version's part of the changelog
#        release.sh archive PROGRAM ARCH FOLDER    the command line as a tar file (ARCH: amd64 or arm64)
#        release.sh package PROGRAM ARCH FOLDER    and as a Debian package
#        release.sh charts FOLDER                  the Helm charts, with the registry of this release
#        release.sh finish FOLDER                  what names the rest: install.sh, the formula, VERSION and SHA256SUMS
#
# Where things are found is in names.sh; times are those of the commit (SOURCE_DATE_EPOCH).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/names.sh

version=$(awk -F '"' '/^\[/ { part = $0 } part == "[workspace.package]" && $1 == "version = " { print $2 }' Cargo.toml)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { echo "release: $*" >&2; exit 1; }

check_tag() { # tag
  [ "$1" = "v$version" ] || fail "the tag is \`$1\` and the sources are $version; tag v$version, or change workspace.package.version in Cargo.toml"
  notes >/dev/null
  echo "$version"
}

registry() {
  # Names of repositories are lower case; those of their owners need not be.
  local name=${HEDDLE_REGISTRY,,}
  [[ $name =~ ^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$ ]] \
    || fail "HEDDLE_REGISTRY is \`$HEDDLE_REGISTRY\`, which is no host with a path; write it like ghcr.io/acme"
  echo "$name"
}

# Who asks for the newest release gets no candidate, and no patch of an older line.
rank() {
  case $version in *-*) echo --prerelease; return ;; esac
  local tag
  while read -r tag; do
    case $tag in *-* | [!v]* | '') continue ;; esac
    [ "$(printf '%s\n' "$version" "${tag#v}" | sort --version-sort | tail -n 1)" = "$version" ] || { echo --latest=false; return; }
  done
  echo --latest
}

notes() {
  local text
  text=$(awk -v version="$version" '/^## / { wanted = ($2 == version || $2 == "[" version "]") ; next } wanted' CHANGELOG.md)
  [ -n "${text//[[:space:]]/}" ] || fail "CHANGELOG.md has no part \`## $version\`; name that of this release so"
  echo "$text"
}

known_architecture() { # architecture
  case $1 in amd64 | arm64) ;; *) fail "\`$1\` is no architecture of a release; there are amd64 and arm64" ;; esac
}

lay_out() { # program, folder: what archive and package have in common
  install -D -m 0755 "$1" "$2/heddle"
  install -D -m 0644 LICENSE "$2/LICENSE"
  local shell
  for shell in bash zsh fish; do
    mkdir -p "$2/completions"
    "$2/heddle" completions "$shell" >"$2/completions/$shell"
  done
}

pack() { # folder, file
  tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" -C "$1" -cf - . | gzip -9n >"$2"
}

archive() { # program, architecture, folder
  known_architecture "$2"
  lay_out "$1" "$scratch/archive"
  mkdir -p "$3"
  pack "$scratch/archive" "$3/heddle-$version-linux-$2.tar.gz"
}

package() { # program, architecture, folder
  known_architecture "$2"
  local root=$scratch/package files=$scratch/files
  lay_out "$1" "$files"
  install -D -m 0755 "$files/heddle" "$root/usr/bin/heddle"
  install -D -m 0644 "$files/LICENSE" "$root/usr/share/doc/heddle/copyright"
  install -D -m 0644 "$files/completions/bash" "$root/usr/share/bash-completion/completions/heddle"
  install -D -m 0644 "$files/completions/zsh" "$root/usr/share/zsh/vendor-completions/_heddle"
  install -D -m 0644 "$files/completions/fish" "$root/usr/share/fish/vendor_completions.d/heddle.fish"
  mkdir -p "$root/DEBIAN" "$3"
  # Of 1.0.0-rc.1 Debian would say that it comes after 1.0.0; of 1.0.0~rc.1 it does not.
  # The oldest C library is that of the Debian on which releases are built.
  cat >"$root/DEBIAN/control" <<END
Package: heddle
Version: ${version/-/\~}
Architecture: $2
Maintainer: The Heddle Authors <security@heddle.dev>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: libc6 (>= 2.36), libgcc-s1, ca-certificates
Section: admin
Priority: optional
Homepage: $HEDDLE_REPOSITORY
Description: command line of Heddle
 Shows where each new image is on its way from the registry through Git into
 Kubernetes, and releases, holds and rolls back. Renders, compares and edits
 local files without a server.
END
  find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$root" "$3/heddle_${version}_$2.deb" >/dev/null
}

charts() { # folder
  local helm chart copy
  helm=$(tests/tools/build.sh helm | cut -d' ' -f2-)
  mkdir -p "$1"
  for chart in heddle heddle-agent; do
    copy=$scratch/$chart
    cp -R "deploy/helm/$chart" "$copy"
    sed -i -E "s#^(  registry: |  repository: )ghcr\.io/heddle-dev#\1$HEDDLE_REGISTRY#" "$copy/values.yaml"
    grep -qF ": $HEDDLE_REGISTRY" "$copy/values.yaml" || fail "deploy/helm/$chart/values.yaml names no registry that could be replaced"
    find "$copy" -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
    "$helm" package "$copy" --destination "$1" >/dev/null
  done
}

sum_of() { # folder, file
  [ -f "$1/$2" ] || fail "$1/$2 is not there; \`release.sh archive\` makes it"
  sha256sum "$1/$2" | cut -d' ' -f1
}

formula() { # folder
  local at=$HEDDLE_REPOSITORY/releases/download/v$version
  cat <<END
class Heddle < Formula
  desc "Follows each new image from the registry through Git into Kubernetes"
  homepage "$HEDDLE_REPOSITORY"
  version "$version"
  license "Apache-2.0"

  depends_on :linux

  on_intel do
    url "$at/heddle-$version-linux-amd64.tar.gz"
    sha256 "$(sum_of "$1" "heddle-$version-linux-amd64.tar.gz")"
  end
  on_arm do
    url "$at/heddle-$version-linux-arm64.tar.gz"
    sha256 "$(sum_of "$1" "heddle-$version-linux-arm64.tar.gz")"
  end

  def install
    bin.install "heddle"
    bash_completion.install "completions/bash" => "heddle"
    zsh_completion.install "completions/zsh" => "_heddle"
    fish_completion.install "completions/fish" => "heddle.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/heddle --version")
  end
end
END
}

finish() { # folder
  sed "s#https://github.com/heddle-dev/heddle#$HEDDLE_REPOSITORY#" deploy/install.sh >"$1/install.sh"
  formula "$1" >"$1/heddle.rb"
  echo "$version" >"$1/VERSION"
  (cd "$1" && rm -f SHA256SUMS && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >"$scratch/sums" && mv "$scratch/sums" SHA256SUMS)
}

case ${1:-} in
  version) check_tag "${2:?which tag}" ;;
  notes | registry | rank) "$1" ;;
  archive | package) "$1" "${2:?which program}" "${3:?which architecture}" "${4:?which folder}" ;;
  charts | finish) "$1" "${2:?which folder}" ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
