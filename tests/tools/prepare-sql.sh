#!/usr/bin/env bash
# Writes `.sqlx`, from which checked queries compile without a database. Starts a throw-away Postgres, migrates it and
# lets the compiler ask it. Run it after each change of a query or a migration, and commit what it wrote.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v postgres)") || { echo "postgres is not installed" >&2; exit 1; }
work=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then
    chown postgres "$work"
    as=(runuser -u postgres --)
fi
stop() {
    "${as[@]}" "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop EXIT

"${as[@]}" "$bin/initdb" -D "$work/data" -U heddle --auth=trust -E UTF8 --locale=C >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$work/data" -w -l "$work/log" -o "-c listen_addresses='' -k $work -c fsync=off" start >/dev/null
for migration in migrations/*.sql; do
    psql -h "$work" -U heddle -d postgres -q -v ON_ERROR_STOP=1 -f "$migration"
done

mkdir "$work/queries"
chmod 755 "$work"
touch crates/heddle-db/src/lib.rs # A cached expansion writes nothing.
SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$work/queries" DATABASE_URL="postgres://heddle@localhost/postgres?host=$work" \
    cargo check -p heddle-db
rm -rf .sqlx
cp -r "$work/queries" .sqlx
echo "$(find .sqlx -type f | wc -l) queries in .sqlx"
