#!/usr/bin/env bash
# Records anew what our callback writes in runs of ansible-core, in the cases of this folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
playbook=$("$here/../../../../../tests/tools/ansible.sh" newest)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/callback" "$work/play/house"
cp "$here/../../../src/ansible/heddle_drift.py" "$work/callback/"
echo '[]' >"$work/callback/allowed.json"
cp "$here"/*.yml "$work/play/"
cd "$work/play"
home="home ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}' house=$work/play/house"
away="away ansible_host=127.0.0.1 ansible_port=1 house=/nowhere"

record() { # name, playbook, hosts...
  rm -f "$work/callback/events.jsonl"
  printf '%s\n' "${@:3}" >hosts
  ANSIBLE_STDOUT_CALLBACK=heddle_drift ANSIBLE_CALLBACK_PLUGINS=$work/callback ANSIBLE_LOCAL_TEMP=$work/tmp \
    "$playbook" --check --diff -i hosts "$2" || true
  sed "s|$work||g" "$work/callback/events.jsonl" >"$here/$1.jsonl"
}

record new house.yml "$home"
"$playbook" -i hosts house.yml >/dev/null
record same house.yml "$home"
echo 'somebody was here' >house/motd
record drifted house.yml "$home"
record unreachable house.yml "$home" "$away"
record refused runs.yml "$home"
record unchecked rings.yml "$home"
