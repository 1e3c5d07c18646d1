#!/bin/sh
# Plays what OpenTofu printed in one of the recorded cases ($PLAY), and writes down how it was asked ($ASKED).
set -eu
case=$PLAY
echo "$* cwd=$(basename "$PWD") token=${HEDDLE_TOKEN-} log=${TF_LOG-} profile=${AWS_PROFILE-}" >>"$ASKED"
last=$(for argument in "$@"; do echo "$argument"; done | tail -n 1)
case $1 in
plan)
  out=${last#-out=}
  cat "$case/plan.jsonl"
  if [ -e "$case/show.json" ]; then
    cp "$case/show.json" "$out"
    # The folder stays to be seen by another name of its file.
    stat -c %a "$(dirname "$out")" >>"$ASKED"
    ln "$out" "$ASKED.plan" 2>/dev/null || true
  fi
  ! grep -q '"@level":"error"' "$case/plan.jsonl"
  ;;
show) cat "$last" ;;
state) cat "$case/state.json" ;;
workspace) echo "${TF_WORKSPACE-default}" ;;
apply) cat "$case/apply.jsonl" ;;
esac
