#!/usr/bin/env bash
# Records anew what OpenTofu prints in the cases of this folder, each in a folder of its own: `plan.jsonl` (plan -json),
# `show.json` (show -json of the plan file), `state.json` (state pull), `apply.jsonl` (apply -json of the plan file).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$here/../../../../../tests/tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tool() { "$tools/build.sh" "$1" | cut -d' ' -f2; }
tofu=$(tool tofu)
provider=$(tool terraform-provider-local)
version=${provider##*-v}
at=$work/mirror/registry.opentofu.org/hashicorp/local/$version/$(go env GOOS)_$(go env GOARCH)
mkdir -p "$at" "$work/folder"
cp "$provider" "$at/terraform-provider-local_v${version}_x4"
printf 'provider_installation {\n  filesystem_mirror { path = "%s" }\n}\n' "$work/mirror" >"$work/tofurc"
export TF_CLI_CONFIG_FILE=$work/tofurc CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1
cd "$work/folder"
cp "$here/main.tf" .

record() { # name
  mkdir -p "$here/$1"
  rm -f "$work/plan"
  "$tofu" plan -json -input=false -lock=false -out="$work/plan" >"$here/$1/plan.jsonl" || true
  [ ! -e "$work/plan" ] || "$tofu" show -json "$work/plan" >"$here/$1/show.json"
  "$tofu" state pull >"$here/$1/state.json" || true
}

record not-initialized
"$tofu" init -input=false >/dev/null
record new
"$tofu" apply -json -input=false "$work/plan" >"$here/new/apply.jsonl"
record same
echo 'somebody was here' >motd
sed -i 's/= "red"/= "blue"/; s/hunter2hunter2/hunter3hunter3/' main.tf
record drifted
rm motd && mkdir motd
record broken
