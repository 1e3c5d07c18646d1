//! Uses of logins, which each scan tells of.

use chrono::{TimeDelta, Utc};
use heddle_core::{
    id::OrganizationId,
    registry::{LoginKind, Reach},
};
use heddle_db::{
    Db,
    registry_logins::{self, NewLogin, Use},
};
use heddle_testkit::postgres::Database;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));

/// A login in an organization: its id and version.
async fn login(database: &Database, db: &Db) -> (Uuid, Uuid) {
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    sqlx::query("insert into organizations (id, name) values ($1, 'acme')")
        .bind(ORGANIZATION.0)
        .execute(&mut owner)
        .await
        .unwrap();
    let (id, version) = (Uuid::from_u128(2), Uuid::from_u128(3));
    let reach = Reach::new("ghcr.io".parse().unwrap(), "").unwrap();
    let new = NewLogin {
        reach: &reach,
        kind: LoginKind::Basic,
        user_name: "bot",
        last_four: "",
        auth_host: None,
        sealed: b"sealed",
        sealed_with: b"key",
        version,
        added_by: "ada@example.com",
    };
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    assert!(registry_logins::insert(&mut *tx, ORGANIZATION, id, &new).await.unwrap());
    assert_eq!(registry_logins::count(&mut *tx, ORGANIZATION).await.unwrap(), 1);
    tx.commit().await.unwrap();
    (id, version)
}

#[tokio::test]
async fn a_use_that_ended_as_the_one_a_moment_before_waits_for_nobody() {
    let database = Database::migrated().await.unwrap();
    let db = Db::connect(database.options(), 3).await.unwrap();
    let key = login(&database, &db).await;
    let now = Utc::now();
    let note = async |state: &str, after: TimeDelta| {
        let mut tx = db.organization(ORGANIZATION).await.unwrap();
        let used = Use { at: now + after, state: state.to_owned(), reason: None };
        let different = registry_logins::note_use(&mut *tx, ORGANIZATION, key, &used, None).await;
        tx.commit().await.unwrap();
        different
    };
    assert!(note("works", TimeDelta::zero()).await.unwrap(), "the first one");
    // Another scan's report holds the row, and is not done.
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    let mut held = owner.begin().await.unwrap();
    sqlx::query("select 1 from registry_logins where id = $1 for update")
        .bind(key.0)
        .execute(&mut *held)
        .await
        .unwrap();
    assert!(!note("works", TimeDelta::seconds(30)).await.unwrap(), "nothing is said that is not known");
    held.rollback().await.unwrap();
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let used = async |tx: &mut heddle_db::Tx| {
        registry_logins::find(&mut **tx, ORGANIZATION, key.0).await.unwrap().unwrap().used.unwrap()
    };
    assert_eq!(used(&mut tx).await.at.timestamp(), now.timestamp());
    assert!(!note("works", TimeDelta::seconds(61)).await.unwrap());
    assert_eq!(used(&mut tx).await.at.timestamp(), now.timestamp() + 61, "once a minute it is");
    assert!(note("refused", TimeDelta::seconds(62)).await.unwrap(), "another end is said at once");
    assert_eq!(used(&mut tx).await.state, "refused");
}
