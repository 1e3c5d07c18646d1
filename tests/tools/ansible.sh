#!/usr/bin/env bash
# Installs ansible-core from PyPI into the tools cache, pinned, and prints where its `ansible-playbook` is.
#
# Usage: ansible.sh oldest|newest
#
# The oldest is that of Debian 12. The newest is the newest that a Python of this machine runs. The cache lies outside the build
# folder: HEDDLE_TOOLS, else XDG_CACHE_HOME/heddle/tools.
set -euo pipefail

cache=${HEDDLE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/heddle/tools}

# "version, first and last minor version of Python 3 that runs it", the best first
oldest=("2.14.18 9 11")
newest=("2.21.5 12 14" "2.19.14 11 13")

pythons() { # every Python 3 of this machine, each as "minor program"
  local program minor
  for program in /usr/bin/python3 /usr/bin/python3.[0-9]* "$HOME"/.pyenv/versions/3.*/bin/python3 $(type -ap python3 | sort -u); do
    minor=$("$program" -c 'import ensurepip, sys, venv; print(sys.version_info[1])' 2>/dev/null) && echo "$minor $program" || true
  done
}

find_python() { # first and last minor version
  pythons | awk -v first="$1" -v last="$2" '$1 >= first && $1 <= last { print $2; exit }'
}

case ${1:-} in
  oldest) wanted=("${oldest[@]}") ;;
  newest) wanted=("${newest[@]}") ;;
  *) echo "usage: ansible.sh oldest|newest" >&2; exit 2 ;;
esac
mkdir -p "$cache"
exec 9>"$cache/.ansible.lock"
flock 9
for choice in "${wanted[@]}"; do
  read -r version first last <<<"$choice"
  target=$cache/ansible-core-$version
  if [ ! -x "$target/bin/ansible-playbook" ]; then
    python=$(find_python "$first" "$last")
    [ -n "$python" ] || continue
    echo "tools: installing ansible-core $version (once; kept in $cache)" >&2
    rm -rf "$target"
    "$python" -m venv "$target"
    "$target/bin/pip" install --quiet --disable-pip-version-check "ansible-core==$version" >&2 || { rm -rf "$target"; exit 1; }
  fi
  echo "$target/bin/ansible-playbook"
  exit 0
done
echo "tools: no Python of this machine runs ansible-core ${wanted[*]%% *}: it takes Python 3.$first to 3.$last with venv" >&2
exit 1
