//! What is forgotten, and what never.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::id::{OrganizationId, RepositoryId};
use heddle_db::{
    Db, changes,
    retention::{self, Age, Ages, KEPT, MOST_UNLISTED_TAGS, RULES},
};
use heddle_testkit::postgres::Database;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::year;

async fn owner(database: &Database) -> PgConnection {
    PgConnection::connect_with(&database.options()).await.unwrap()
}

async fn count(owner: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(owner).await.unwrap()
}

#[tokio::test]
async fn every_table_has_a_rule_or_a_reason_to_be_kept() {
    let database = Database::migrated().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&mut owner(&database).await)
        .await
        .unwrap();
    let tables: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let ruled: BTreeSet<&str> = RULES.iter().map(|rule| rule.table).collect();
    let kept: BTreeSet<&str> = KEPT.iter().map(|(table, _)| *table).collect();
    let told: BTreeSet<&str> = ruled.union(&kept).copied().collect();
    assert_eq!(tables, told, "say in heddle_db::retention what of a table is forgotten, or why nothing is");
    assert!(ruled.is_disjoint(&kept));
}

#[test]
fn the_page_tells_the_rules() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/retention.md");
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        std::fs::write(file, retention::page()).unwrap();
    } else {
        let page = std::fs::read_to_string(file).unwrap();
        assert!(page == retention::page(), "run `HEDDLE_UPDATE=1 cargo test -p heddle-db retention`");
    }
}

/// An organization with 4,800 changes of a year, 80 of each image in each environment, and three of tags more.
async fn filled() -> (Database, Db) {
    let database = Database::migrated().await.unwrap();
    year::fill(&database, &[(year::ORGANIZATION.0, year::REPOSITORY.0, Uuid::from_u128(3), 4_800)]).await;
    let db = Db::connect(database.options(), 2).await.unwrap();
    (database, db)
}

async fn prune(db: &Db, ages: &Ages, now: DateTime<Utc>) -> Vec<(&'static str, u64)> {
    let forgotten = retention::prune(db, ages, now).await.unwrap();
    assert_eq!(forgotten.failures, 0);
    forgotten.rows
}

#[tokio::test]
async fn a_past_is_forgotten_but_for_what_answers_still_need() {
    let (database, db) = filled().await;
    let mut owner = owner(&database).await;
    let questions = async || {
        let mut tx = db.organization(year::ORGANIZATION).await.unwrap();
        let tracked = changes::list_tracked(&mut *tx, year::ORGANIZATION, year::REPOSITORY).await.unwrap();
        let past = changes::list_past(&mut *tx, year::ORGANIZATION, year::REPOSITORY).await.unwrap();
        (tracked, heddle_core::observe::barred(&past))
    };
    let before = questions().await;
    assert!(!before.1.is_empty(), "something is barred");
    // In a hundred years everything is old.
    let later = Utc::now() + TimeDelta::days(36_500);
    let forgotten = prune(&db, &Ages::default(), later).await;
    assert!(forgotten.contains(&("clusters", 0)), "{forgotten:?}");
    assert_eq!(questions().await, before);
    let left = count(&mut owner, "select count(*) from changes").await;
    assert!((60..=200).contains(&left), "{left} changes are left");
    let orphans = "select count(*) from facts where change_id not in (select id from changes)";
    assert_eq!(count(&mut owner, orphans).await, 0);
    assert_eq!(count(&mut owner, "select count(*) from revisions").await, 20, "the head, and those of what rolls out");
    let again = prune(&db, &Ages::default(), later).await;
    assert!(again.iter().all(|(_, rows)| *rows == 0), "a second time forgets more: {again:?}");
}

#[tokio::test]
async fn a_rule_that_fails_keeps_no_other_back() {
    let (database, db) = filled().await;
    let mut owner = owner(&database).await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$
                  begin raise exception 'not this one'; end $$";
    let when = "create trigger refuse before delete on revisions for each statement execute function refuse()";
    for sql in [refuse, when] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    }
    let later = Utc::now() + TimeDelta::days(36_500);
    let forgotten = retention::prune(&db, &Ages::default(), later).await.unwrap();
    let rules = RULES.iter().filter(|rule| rule.table == "revisions").count();
    assert_eq!(forgotten.failures, rules);
    let followed: BTreeSet<&str> = forgotten.rows.iter().map(|(table, _)| *table).collect();
    let others: BTreeSet<&str> = RULES.iter().map(|rule| rule.table).filter(|table| *table != "revisions").collect();
    assert_eq!(followed, others);
}

#[tokio::test]
async fn nothing_young_is_forgotten() {
    let (_database, db) = filled().await;
    let ages = Ages::default().with(Age::History, 3_000).with(Age::Intents, 3_000).with(Age::Reports, 3_000);
    let forgotten = prune(&db, &ages, Utc::now()).await;
    assert!(forgotten.iter().all(|(_, rows)| *rows == 0), "{forgotten:?}");
}

#[tokio::test]
async fn unlisted_tags_go_but_never_those_that_stand_are_open_or_barred() {
    let (database, db) = filled().await;
    let mut owner = owner(&database).await;
    let now = Utc::now();
    sqlx::query("update tags set listed = false, unlisted_at = $1")
        .bind(now - TimeDelta::days(31))
        .execute(&mut owner)
        .await
        .unwrap();
    prune(&db, &Ages::default(), now).await;
    let needed = "select i.image, t.tag from images i join (
                      select image, tag from occurrences
                      union select image, unnest(array[from_tag, to_tag]) from changes where ended is null
                      union select c.image, c.to_tag from changes c join facts f on f.change_id = c.id
                            where f.key in ('reverted', 'declined')) t using (image)";
    let left = "select i.image, t.tag from tags t join images i on i.id = t.image_id";
    let known = format!("select count(*) from ({left} except {needed}) as too_many");
    let too_many: i64 = sqlx::query_scalar(AssertSqlSafe(known)).fetch_one(&mut owner).await.unwrap();
    assert_eq!(too_many, 0, "old ones are still there");
    assert!(count(&mut owner, "select count(*) from tags where not listed").await >= 20, "what stands is forgotten");

    let image: Uuid = sqlx::query_scalar("select id from images limit 1").fetch_one(&mut owner).await.unwrap();
    sqlx::query("delete from tags").execute(&mut owner).await.unwrap();
    sqlx::query(
        "insert into tags (organization_id, image_id, tag, first_seen_at, listed, unlisted_at)
         select $1, $2, 'nightly-' || n, $3, false, $3 - n * interval '1 second' from generate_series(1, $4) n",
    )
    .bind(year::ORGANIZATION.0)
    .bind(image)
    .bind(now)
    .bind(MOST_UNLISTED_TAGS + 1_500)
    .execute(&mut owner)
    .await
    .unwrap();
    let forgotten = prune(&db, &Ages::default(), now).await;
    assert!(forgotten.contains(&("tags", 1_500)), "{forgotten:?}");
    assert_eq!(count(&mut owner, "select count(*) from tags where tag = 'nightly-1'").await, 1, "the last ones stay");
}

#[tokio::test]
async fn a_deleted_organization_leaves_nothing() {
    let (database, _db) = filled().await;
    let mut owner = owner(&database).await;
    let (other, repository) = (OrganizationId(Uuid::from_u128(11)), RepositoryId(Uuid::from_u128(12)));
    year::fill(&database, &[(other.0, repository.0, Uuid::from_u128(13), 600)]).await;
    let sql = "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'public' and c.relkind in ('r', 'p') and c.relname <> 'organizations'
                   and exists (select from pg_attribute a
                               where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped)
                   and not exists (select from pg_constraint f
                                   where f.conrelid = c.oid and f.contype = 'f' and f.confdeltype = 'c'
                                       and f.confrelid = 'organizations'::regclass)";
    let stay: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut owner).await.unwrap();
    assert_eq!(
        stay,
        ["github_sign_ins"],
        "rows of these tables outlive their organization; a sign-in lives ten minutes"
    );

    sqlx::query("delete from organizations where id = $1").bind(other.0).execute(&mut owner).await.unwrap();
    for (table, rows) in database.dump().await.unwrap() {
        for id in [other.0, repository.0, Uuid::from_u128(13)] {
            let left = rows.iter().filter(|row| row.to_string().contains(&id.to_string())).count();
            assert_eq!(left, 0, "{table} still holds rows of the organization");
        }
        assert!(!["changes", "facts", "tags", "occurrences"].contains(&table.as_str()) || !rows.is_empty(), "{table}");
    }
}

#[tokio::test]
async fn what_a_sync_applied_is_kept_until_what_came_after_it_is_as_old() {
    let (database, db) = filled().await;
    let mut owner = owner(&database).await;
    sqlx::query("delete from applied_revisions").execute(&mut owner).await.unwrap();
    // Applied so many days ago: what changes rarely, beside what changes often.
    let rows = "insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                               path, revision, applied_at, images_hash)
                select $1, $2, 'heddle-system', n.sync, 'u', 'main', 'p', n.days::text, now() - n.days * interval '1 day', '\\x00'
                from (values ('rare', 900), ('rare', 500), ('rare', 10), ('often', 450), ('often', 410), ('often', 1))
                    as n (sync, days)";
    sqlx::query(rows).bind(year::ORGANIZATION.0).bind(Uuid::from_u128(3)).execute(&mut owner).await.unwrap();
    let gone =
        "insert into applied_revisions (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch,
                                               path, revision, applied_at, images_hash, ended_at)
                select $1, $2, 'heddle-system', n.sync, 'u', 'main', 'p', n.sync, now() - interval '700 days', '\\x00',
                       now() - n.ended * interval '1 day'
                from (values ('long-gone', 650), ('gone', 100)) as n (sync, ended)";
    sqlx::query(gone).bind(year::ORGANIZATION.0).bind(Uuid::from_u128(3)).execute(&mut owner).await.unwrap();
    prune(&db, &Ages::default(), Utc::now()).await;
    let left: Vec<(String, String)> =
        sqlx::query_as("select sync_name, revision from applied_revisions order by applied_at")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    let left: Vec<(&str, &str)> = left.iter().map(|(sync, days)| (sync.as_str(), days.as_str())).collect();
    assert_eq!(left, [("gone", "gone"), ("rare", "500"), ("often", "410"), ("rare", "10"), ("often", "1")]);
}
