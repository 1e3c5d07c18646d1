//! What migrations do with rows that are there.

use heddle_testkit::postgres::Database;
use sqlx::{ConnectOptions, PgConnection};
use uuid::Uuid;

/// Migrates from one version to another, both included.
async fn migrate(connection: &mut PgConnection, from: i64, to: i64) {
    let mut all = sqlx::migrate!("../../migrations");
    all.migrations.to_mut().retain(|migration| (from..=to).contains(&migration.version));
    all.set_ignore_missing(true).run(connection).await.unwrap();
}

#[tokio::test]
async fn an_owner_that_is_no_superuser_carries_approvals_over() {
    let database = Database::create().await.unwrap();
    let mut superuser = database.options().connect().await.unwrap();
    let role = "create role plain_owner login nosuperuser nobypassrls createrole password 'plain';
                grant all on schema public to plain_owner";
    sqlx::raw_sql(role).execute(&mut superuser).await.unwrap();
    let mut owner = database.options().username("plain_owner").password("plain").connect().await.unwrap();
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
