#!/usr/bin/env bash
# Looks for faults in the workflows and in the scripts that people run: actionlint, zizmor and shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

zizmor=1.32.0
cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}
if [ ! -x "$cache/zizmor-$zizmor/bin/zizmor" ]; then
  mkdir -p "$cache"
  rm -rf "$cache/zizmor-$zizmor"
  python3 -m venv "$cache/zizmor-$zizmor"
  "$cache/zizmor-$zizmor/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "zizmor==$zizmor"
fi
actionlint=$(tests/tools/build.sh actionlint | cut -d' ' -f2-)

"$actionlint" .github/workflows/*.yml
"$cache/zizmor-$zizmor/bin/zizmor" --offline --quiet .github/workflows
shellcheck --external-sources deploy/*.sh tests/node/*.sh tests/tools/workflows.sh tests/tools/definitions.sh
echo "workflows: no faults"
