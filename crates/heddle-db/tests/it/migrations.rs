//! What migrations do with rows that are there.

use heddle_testkit::postgres::Database;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use uuid::Uuid;

/// Migrates from one version to another, both included.
async fn migrate(connection: &mut PgConnection, from: i64, to: i64) {
    let mut all = sqlx::migrate!("../../migrations");
    all.migrations.to_mut().retain(|migration| (from..=to).contains(&migration.version));
    all.set_ignore_missing(true).run(connection).await.unwrap();
}

/// A connection of an owner that row security binds. Roles are of the whole server: each test names its own.
async fn plain_owner(database: &Database, superuser: &mut PgConnection, role: &str) -> PgConnection {
    let sql = format!(
        "create role {role} login nosuperuser nobypassrls createrole password 'plain';
         grant all on schema public to {role}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(superuser).await.unwrap();
    database.options().username(role).password("plain").connect().await.unwrap()
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_carries_approvals_over() {
    let database = Database::create().await.unwrap();
    let mut superuser = database.options().connect().await.unwrap();
    let mut owner = plain_owner(&database, &mut superuser, "owner_of_approvals").await;
    migrate(&mut owner, 1, 13).await;
    let rows = "insert into organizations (id, name) values ($1, 'acme')";
    let id = Uuid::now_v7();
    sqlx::query(rows).bind(id).execute(&mut superuser).await.unwrap();
    for sql in [
        "insert into clusters (id, organization_id, name, first_sync) values ($1, $1, 'prod', '{}')",
        "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
         values ($1, $1, 1, 'acme/config', 'https://github.com/acme/config', 'main', true)",
        "insert into syncs (cluster_id, organization_id, namespace, name, repository_url, repository_id, branch, path,
             suspended, health, objects, conditions, errors, drifts, reported_at)
         values ($1, $1, 'heddle', 'prod', 'https://github.com/acme/config', $1, 'main', '.', false, 'healthy', 1, '[]',
             '[]', '[]', now())",
    ] {
        sqlx::query(sql).bind(id).execute(&mut superuser).await.unwrap();
    }
    migrate(&mut owner, 14, 14).await;
    let approved = "select repository_id from cluster_repositories where cluster_id = $1 and approved_at is not null";
    let approved: Vec<Uuid> = sqlx::query_scalar(approved).bind(id).fetch_all(&mut superuser).await.unwrap();
    assert_eq!(approved, [id]);
}

#[tokio::test]
async fn of_what_was_numbered_over_rewrites_only_the_newest_is_part_of_what_came_later() {
    let database = Database::create().await.unwrap();
    let mut superuser = database.options().connect().await.unwrap();
    let mut owner = plain_owner(&database, &mut superuser, "owner_of_heads").await;
    migrate(&mut owner, 1, 27).await;
    let id = Uuid::now_v7();
    sqlx::query("insert into organizations (id, name) values ($1, 'acme')")
        .bind(id)
        .execute(&mut superuser)
        .await
        .unwrap();
    for sql in [
        "insert into clusters (id, organization_id, name, first_sync) values ($1, $1, 'prod', '{}')",
        "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
         values ($1, $1, 1, 'acme/config', 'github.com/acme/config', 'main', true)",
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, first_parent, committed_at, author,
                                subject)
         select $1, $1, 'main', 'head-' || n, n, true, now(), 'ada', 'a commit' from generate_series(1, 3) n",
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, first_parent)
         values ($1, $1, 'main', 'placed', 2, false), ($1, $1, 'main', 'elsewhere', null, false)",
    ] {
        sqlx::query(sql).bind(id).execute(&mut superuser).await.unwrap();
    }
    migrate(&mut owner, 28, 28).await;
    for sql in [
        "insert into image_sets (organization_id, hash, images) values ($1, '\\x00', '[]')",
        "insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch, path,
                                        revision, ordinal, lineage, applied_at, images_hash, healthy_at)
         select $1, $1, 'heddle', 'prod', 'github.com/acme/config', 'main', '.', 'head-' || n, n, 0, now(), '\\x00',
                case n when 1 then now() end
         from generate_series(1, 3) n",
        // What came later is told by reads that see rewrites.
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, lineage, first_parent,
                                committed_at, author, subject, seen_at)
         values ($1, $1, 'main', 'head-4', 4, 0, true, now(), 'ada', 'a commit', now())",
    ] {
        sqlx::query(sql).bind(id).execute(&mut superuser).await.unwrap();
    }
    migrate(&mut owner, 29, 29).await;
    let lineages: Vec<(String, i64)> = sqlx::query_as("select revision, lineage from revisions order by revision")
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    let lineages: Vec<(&str, i64)> = lineages.iter().map(|(revision, lineage)| (revision.as_str(), *lineage)).collect();
    assert_eq!(
        lineages,
        [("elsewhere", 0), ("head-1", -2), ("head-2", -1), ("head-3", 0), ("head-4", 0), ("placed", -1)]
    );
    let applied = "select lineage, health_kept from applied_revisions order by revision";
    let applied: Vec<(i64, bool)> = sqlx::query_as(applied).fetch_all(&mut superuser).await.unwrap();
    assert_eq!(applied, [(-2, true), (-1, false), (0, false)], "what was seen healthy was kept");
}
