#!/usr/bin/env bash
# Finds or builds the tools that tests and the demo run: a Kubernetes control plane with kwok, kubectl, kustomize, helm, sops with age-keygen; and
# those that one rung alone needs, where they are named: OpenTofu and its provider of local files; kubelet and kube-proxy; actionlint.
#
# Usage: build.sh [NAME ...]      prints one line "NAME PATH" for each (those of everyday when none is named)
#
# Order for each: KUBEBUILDER_ASSETS, this cache, else built from the Go modules pinned beside this file. The cache
# is keyed by version and lies outside the build folder: HEDDLE_TOOLS, else XDG_CACHE_HOME/heddle/tools.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}
mkdir -p "$cache"

# name -> "module folder, package, module whose version names the build"
declare -A from=(
  [kube-apiserver]="kubernetes k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes"
  [kube-controller-manager]="kubernetes k8s.io/kubernetes/cmd/kube-controller-manager k8s.io/kubernetes"
  [kube-scheduler]="kubernetes k8s.io/kubernetes/cmd/kube-scheduler k8s.io/kubernetes"
  [kubectl]="kubernetes k8s.io/kubernetes/cmd/kubectl k8s.io/kubernetes"
  [actionlint]="actionlint github.com/rhysd/actionlint/cmd/actionlint github.com/rhysd/actionlint"
  [kubelet]="kubernetes k8s.io/kubernetes/cmd/kubelet k8s.io/kubernetes"
  [kube-proxy]="kubernetes k8s.io/kubernetes/cmd/kube-proxy k8s.io/kubernetes"
  [etcd]="etcd go.etcd.io/etcd/server/v3 go.etcd.io/etcd/server/v3"
  [kwok]="kwok sigs.k8s.io/kwok/cmd/kwok sigs.k8s.io/kwok"
  [kustomize]="kustomize sigs.k8s.io/kustomize/kustomize/v5 sigs.k8s.io/kustomize/kustomize/v5"
  [helm]="helm helm.sh/helm/v4/cmd/helm helm.sh/helm/v4"
  [sops]="sops github.com/getsops/sops/v3/cmd/sops github.com/getsops/sops/v3"
  [age-keygen]="sops filippo.io/age/cmd/age-keygen filippo.io/age"
  [tofu]="opentofu github.com/opentofu/opentofu/cmd/tofu github.com/opentofu/opentofu"
  [terraform-provider-local]="provider-local github.com/terraform-providers/terraform-provider-local github.com/terraform-providers/terraform-provider-local"
)
order=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kwok kustomize helm sops age-keygen)

version_of() { # folder, module
  awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit } $2 == module && $3 ~ /^v/ { print $3; exit }' "$here/$1/go.mod"
}

stamps() { # folder, version: what the program says of its own version; clients trip over an unstamped API server
  case $1 in
    kubernetes) ;;
    opentofu) echo "-s -w -X github.com/opentofu/opentofu/version.dev=no"; return ;;
    *) echo "-s -w"; return ;;
  esac
  local major minor rest
  IFS=. read -r major minor rest <<<"${2#v}"
  local at=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
  echo "-s -w -X $at.gitVersion=$2 -X $at.gitMajor=$major -X $at.gitMinor=$minor -X $client.gitVersion=$2 -X $client.gitMajor=$major -X $client.gitMinor=$minor"
}

build() { # name, folder, package, version, target
  # One builds at a time; whoever waited finds what it waited for. Whoever needs no build waits for nobody.
  exec 9>"$cache/.lock"
  flock 9
  [ ! -x "$5" ] || return 0
  command -v go >/dev/null || { echo "tools: $1 is neither in KUBEBUILDER_ASSETS nor built yet, and Go, which builds it, is not installed (Go 1.26 or newer)" >&2; exit 1; }
  echo "tools: building $1 $4 (once; kept in $cache)" >&2
  (cd "$here/$2" && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local \
    nice go build -buildvcs=false -trimpath -ldflags "$(stamps "$2" "$4")" -o "$5.part" "$3" >&2 9>&-)
  mv "$5.part" "$5"
  exec 9>&-
}

names=("$@")
[ ${#names[@]} -gt 0 ] || names=("${order[@]}")
for name in "${names[@]}"; do
  [ -n "${from[$name]:-}" ] || { echo "tools: no tool is called '$name'; there are: ${!from[*]}" >&2; exit 2; }
  if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$name" ]; then
    echo "$name $KUBEBUILDER_ASSETS/$name"
    continue
  fi
  read -r folder package module <<<"${from[$name]}"
  version=$(version_of "$folder" "$module")
  target=$cache/$name-$version
  [ -x "$target" ] || build "$name" "$folder" "$package" "$version" "$target"
  echo "$name $target"
done
