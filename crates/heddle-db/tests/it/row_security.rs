use heddle_core::id::{ClusterId, OrganizationId, UserId};
use heddle_db::{
    Db, clusters,
    login::{self, LoginError},
    organizations, users,
};
use heddle_testkit::postgres::Database;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

async fn connect() -> (Database, Db) {
    let database = Database::migrated().await.unwrap();
    let db = Db::connect(database.options(), 2).await.unwrap();
    (database, db)
}

async fn settle(db: &Db, email: &str) -> (UserId, OrganizationId) {
    let (user, organization) = (UserId(Uuid::now_v7()), OrganizationId(Uuid::now_v7()));
    let mut tx = db.member(organization, user).await.unwrap();
    users::insert(&mut *tx, user, email, "name", "hash").await.unwrap();
    organizations::insert(&mut tx, organization, "acme", user).await.unwrap();
    tx.commit().await.unwrap();
    (user, organization)
}

/// Tables that hold nothing of any organization, each with its reason.
const SHARED: [&str; 1] = ["_sqlx_migrations"];

#[tokio::test]
async fn every_table_forces_row_security_and_has_a_policy() {
    let (database, _) = connect().await;
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    let open: Vec<String> = sqlx::query_scalar(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> all($1)
             and exists (select from pg_attribute a
                         where a.attrelid = c.oid and a.attname in ('organization_id', 'user_id') and not a.attisdropped)
             and not (c.relrowsecurity and c.relforcerowsecurity
                      and exists (select from pg_policy p where p.polrelid = c.oid))",
    )
    .bind(SHARED)
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new(), "these tables are open to every organization");
}

#[tokio::test]
async fn the_application_role_owns_nothing_and_passes_no_policy() {
    let (_database, db) = connect().await;
    let mut tx = db.routing().await.unwrap();
    let (role, strong): (String, bool) = sqlx::query_as(
        "select current_user::text, rolsuper or rolbypassrls from pg_roles where rolname = current_user",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!((role.as_str(), strong), ("heddle_app", false));
    let owned: i64 = sqlx::query_scalar(
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = 'heddle_app'",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(owned, 0);
}

#[tokio::test]
async fn without_an_organization_no_table_shows_a_row() {
    let (_database, db) = connect().await;
    let (_, organization) = settle(&db, "ada@example.com").await;
    let mut tx = db.organization(organization).await.unwrap();
    let id = ClusterId(Uuid::now_v7());
    clusters::insert(&mut *tx, organization, id, "prod", &serde_json::json!({})).await.unwrap();
    assert_eq!(clusters::list(&mut *tx, organization).await.unwrap().len(), 1);
    tx.commit().await.unwrap();

    let mut tx = db.routing().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relrowsecurity
             and has_table_privilege(c.oid, 'select') order by 1",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert!(tables.len() > 14, "{tables:?}");
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let rows: i64 = sqlx::query_scalar(sql).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn an_organization_neither_sees_nor_writes_the_rows_of_another() {
    let (_database, db) = connect().await;
    let (_, hers) = settle(&db, "ada@example.com").await;
    let (eve, own) = settle(&db, "eve@example.com").await;
    let id = ClusterId(Uuid::now_v7());
    let mut tx = db.organization(hers).await.unwrap();
    clusters::insert(&mut *tx, hers, id, "prod", &serde_json::json!({})).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.member(own, eve).await.unwrap();
    // Even when a query names the other organization.
    assert!(clusters::list(&mut *tx, hers).await.unwrap().is_empty());
    assert!(clusters::find(&mut *tx, hers, id).await.unwrap().is_none());
    clusters::revoke(&mut tx, id).await.unwrap();
    assert!(users::find_login(&mut *tx, "ada@example.com").await.unwrap().is_some(), "the login function works");
    let others: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(others, 1, "only oneself");
    let forged = clusters::insert(&mut *tx, hers, ClusterId(Uuid::now_v7()), "x", &serde_json::json!({})).await;
    assert!(forged.is_err(), "a row for another organization was taken");
    drop(tx);

    let mut tx = db.organization(hers).await.unwrap();
    let cluster = clusters::find(&mut *tx, hers, id).await.unwrap().unwrap();
    assert!(cluster.revoked_at.is_none(), "another organization revoked it");
}

#[tokio::test]
async fn a_setting_ends_with_its_transaction() {
    let (_database, db) = connect().await;
    let (_, organization) = settle(&db, "ada@example.com").await;
    for _ in 0..4 {
        db.organization(organization).await.unwrap().commit().await.unwrap();
        let mut tx = db.routing().await.unwrap();
        let left: Option<Uuid> = sqlx::query_scalar("select heddle_organization()").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(left, None);
    }
}

/// With a person's transaction alone nobody becomes a member, gives themselves a token or renames an organization.
#[tokio::test]
async fn a_person_reads_their_memberships_and_writes_none() {
    let (_database, db) = connect().await;
    let (_, hers) = settle(&db, "ada@example.com").await;
    let (eve, own) = settle(&db, "eve@example.com").await;
    for (sql, organization) in [
        ("insert into memberships (organization_id, user_id, role) values ($1, $2, 'owner')", hers),
        (
            "insert into tokens (id, secret_hash, user_id, organization_id, role, name, expires_at)
             values (gen_random_uuid(), '\\x00', $2, $1, 'owner', 'x', now())",
            hers,
        ),
        ("insert into memberships (organization_id, user_id, role) values ($1, $2, 'owner')", own),
    ] {
        let mut tx = db.user(eve).await.unwrap();
        assert!(sqlx::query(sql).bind(organization.0).bind(eve.0).execute(&mut *tx).await.is_err(), "{sql}");
    }
    let mut tx = db.user(eve).await.unwrap();
    assert_eq!(organizations::list_of(&mut *tx, eve).await.unwrap().len(), 1);
    for sql in ["update memberships set role = 'viewer'", "update organizations set name = 'x'", "delete from audit"] {
        assert_eq!(sqlx::query(sql).execute(&mut *tx).await.unwrap().rows_affected(), 0, "{sql}");
    }
}

#[tokio::test]
async fn a_login_that_owns_nothing_is_let_in_and_stays_weak_without_its_role() {
    let (database, _) = connect().await;
    let owner = database.options();
    // Roles belong to the server, on which other tests have databases too.
    let login = format!("weak_{}", Uuid::now_v7().simple());
    login::make(&owner, &login).await.unwrap();
    login::make(&owner, &login).await.unwrap();
    login::admit(&owner, &login).await.unwrap();
    login::admit(&owner, &login).await.unwrap();
    let db = Db::connect(owner.clone().username(&login), 1).await.unwrap();
    let mut tx = db.routing().await.unwrap();
    sqlx::query("set role none").execute(&mut *tx).await.unwrap();
    let refused = sqlx::query("select from users").execute(&mut *tx).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}

#[tokio::test]
async fn a_login_that_could_pass_every_policy_is_refused() {
    let (database, _) = connect().await;
    let owner = database.options();
    let strong = login::admit(&owner, owner.get_username()).await.unwrap_err();
    assert!(matches!(strong, LoginError::Strong(_)), "{strong}");
    let missing = login::admit(&owner, "nobody").await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no role `nobody`");
}
