#!/usr/bin/env bash
# Writes .sqlx: what the query macros know of the schema, so that a build needs no database. Starts a Postgres for it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
folder=$(mktemp -d /tmp/heddle-sqlx.XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as=(setpriv --reuid postgres --regid postgres --init-groups --)
fi
stop() { "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"; }
trap stop EXIT
cd /
"${as[@]}" "$bin/initdb" -D "$folder/data" --auth=trust -U heddle -E UTF8 --locale=C --no-sync >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-c listen_addresses='' -c fsync=off -k $folder" start >/dev/null
psql() { "$bin/psql" -q -v ON_ERROR_STOP=1 -h "$folder" -U heddle "$@"; }
psql postgres -c 'create database heddle'
for migration in "$root"/migrations/*.sql; do
  psql heddle -f "$migration" 2>&1 | grep -v NOTICE || true
done
cd "$root"
rm -rf .sqlx && mkdir .sqlx
# Cached expansions write nothing.
touch crates/heddle-db/src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$root/.sqlx" DATABASE_URL="postgres://heddle@${folder//\//%2F}/heddle" \
  cargo check --quiet -p heddle-db --all-targets
echo "$(ls .sqlx | wc -l) queries in .sqlx"
