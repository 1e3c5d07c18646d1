#!/bin/sh
# Plays what our callback wrote in one of the recorded runs ($PLAY), and writes down how it was asked ($ASKED).
set -eu
echo "$* callback=$ANSIBLE_STDOUT_CALLBACK log=${ANSIBLE_LOG_PATH-} token=${HEDDLE_TOKEN-}" >>"$ASKED"
folder=$ANSIBLE_CALLBACK_PLUGINS
stat -c %a "$folder" >>"$ASKED"
cat "$folder/allowed.json" >>"$ASKED"
test -s "$folder/heddle_drift.py"
if [ -e "$PLAY" ]; then
  cp "$PLAY" "$folder/events.jsonl"
else
  printf '[ERROR]: the playbook could not be read\nOrigin: site.yml:3:1\n\n3 password: hunter2\n' >&2
  exit 4
fi
