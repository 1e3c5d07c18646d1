#!/usr/bin/env bash
# Looks with the real tools: OpenTofu and its provider of local files, the oldest and the newest ansible-core. Builds or
# installs what is missing; what cannot be is a failure.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tool() { "$here/build.sh" "$1" | cut -d' ' -f2; }
HEDDLE_TOFU=$(tool tofu)
HEDDLE_PROVIDER_LOCAL=$(tool terraform-provider-local)
HEDDLE_ANSIBLE_OLDEST=$("$here/ansible.sh" oldest)
HEDDLE_ANSIBLE_NEWEST=$("$here/ansible.sh" newest)
export HEDDLE_TOFU HEDDLE_PROVIDER_LOCAL HEDDLE_ANSIBLE_OLDEST HEDDLE_ANSIBLE_NEWEST
cargo test --locked --package heddle-cli --test drift "$@"
