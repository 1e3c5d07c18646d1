//! Lists of tags as registries give them, also long ones.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    id::OrganizationId,
    image::Tag,
    policy::{SignatureCheck, Signed, SignerId, TagInfo},
    registry::polling::Watched,
};
use heddle_db::{Db, Tx, images, pushes, tags};
use heddle_testkit::postgres::Database;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));

async fn watched() -> (Database, Db, Uuid) {
    let database = Database::migrated().await.unwrap();
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    let insert = "insert into organizations (id, name) values ($1, 'acme')";
    sqlx::query(insert).bind(ORGANIZATION.0).execute(&mut owner).await.unwrap();
    let db = Db::connect(database.options(), 2).await.unwrap();
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let image = images::watch(&mut *tx, ORGANIZATION, &["ghcr.io/acme/api".to_owned()]).await.unwrap()[0];
    tx.commit().await.unwrap();
    (database, db, image)
}

fn list(numbers: std::ops::Range<u32>) -> Vec<Tag> {
    numbers.map(|number| format!("1.0.{number}").parse().unwrap()).collect()
}

/// Rows of tags that a transaction wrote until now.
async fn written(tx: &mut Tx) -> i64 {
    let sql = "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_xact_user_tables
               where relname = 'tags'";
    sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap()
}

#[tokio::test]
async fn a_list_of_60_000_tags_is_stored_once_and_then_only_what_differs() {
    let (_database, db, image) = watched().await;
    let (many, now) = (list(0..60_000), Utc::now());
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let replace = async |tx: &mut Tx, tags: &[Tag], at: DateTime<Utc>| {
        let before = written(tx).await;
        let different = tags::replace(tx, ORGANIZATION, image, tags, at).await.unwrap();
        (different, written(tx).await - before)
    };
    assert_eq!(replace(&mut tx, &many, now).await, (true, 60_000));
    assert_eq!(replace(&mut tx, &many, now).await, (false, 0), "the same list writes nothing");
    assert_eq!(replace(&mut tx, &many[1..], now).await, (true, 1));
    assert_eq!(replace(&mut tx, &many, now + TimeDelta::days(1)).await, (true, 1));
    let back: (bool, bool) =
        sqlx::query_as("select unlisted_at is null, first_seen_at = $1 from tags where tag = '1.0.0'")
            .bind(now)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(back, (true, true), "it came back, and was first seen when it was");
}

#[tokio::test]
async fn a_tag_that_left_the_list_is_known_at_a_place_in_an_open_change_and_in_a_bar() {
    let (_database, db, image) = watched().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(0..4), Utc::now()).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(2..4), Utc::now()).await.unwrap();
    let repository = Uuid::from_u128(7);
    let bind = "insert into repositories (id, organization_id, installation_id, url, name, default_branch, private)
                values ($1, $2, 1, 'github.com/acme/config', 'acme/config', 'main', true)";
    sqlx::query(bind).bind(repository).bind(ORGANIZATION.0).execute(&mut *tx).await.unwrap();
    let place =
        "insert into occurrences (organization_id, repository_id, branch, file, line, object, field, image, tag)
                 values ($1, $2, 'main', 'a.yaml', 1, 'Deployment a', 'image', 'ghcr.io/acme/api', '1.0.1')";
    for _ in 0..2 {
        sqlx::query(place).bind(ORGANIZATION.0).bind(repository).execute(&mut *tx).await.unwrap();
    }
    let found = images::find(&mut *tx, image).await.unwrap().unwrap();
    let known = tags::list(&mut *tx, &found).await.unwrap();
    let names = |tags: &[TagInfo]| tags.iter().map(|one| one.tag.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&known.tags), ["1.0.2", "1.0.3"]);
    assert_eq!(names(&known.dropped), ["1.0.1"], "1.0.0 stands nowhere");

    let change =
        "insert into changes (id, organization_id, repository_id, branch, environment, image, from_tag, to_tag, mode,
                                       places, place_key, diff, why, ended)
                  values ($1, $2, $3, 'main', 'prod', 'ghcr.io/acme/api', '1.0.1', $4, 'commit', '[]', '', '', '', $5)";
    for (id, to, ended) in [(1, "1.0.0", None), (2, "1.0.4", Some("healthy")), (3, "1.0.5", Some("reverted"))] {
        let row = sqlx::query(change).bind(Uuid::from_u128(id)).bind(ORGANIZATION.0).bind(repository).bind(to);
        row.bind(ended).execute(&mut *tx).await.unwrap();
    }
    let fact = "insert into facts (organization_id, change_id, key, body, at, seen_at)
                values ($1, $2, 'reverted', '{}', now(), now())";
    sqlx::query(fact).bind(ORGANIZATION.0).bind(Uuid::from_u128(3)).execute(&mut *tx).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(2..6), Utc::now()).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(2..4), Utc::now()).await.unwrap();
    let known = tags::list(&mut *tx, &found).await.unwrap();
    let expected = ["1.0.0", "1.0.1", "1.0.5"];
    assert_eq!(names(&known.dropped), expected, "1.0.4 is a change that ended; the others are open and taken back");
}

#[tokio::test]
async fn it_is_known_since_when_an_image_is_watched_also_when_its_first_tags_are_forgotten() {
    let (_database, db, image) = watched().await;
    let now = Utc::now();
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let pushed = now - TimeDelta::days(3);
    pushes::note(&mut tx, ORGANIZATION, image, &"1.0.0".parse().unwrap(), None, pushed).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(1..3), now).await.unwrap();
    sqlx::query("delete from tags where tag = '1.0.0'").execute(&mut *tx).await.unwrap();
    let found = images::find(&mut *tx, image).await.unwrap().unwrap();
    let known = tags::list(&mut *tx, &found).await.unwrap();
    assert_eq!(known.tags.len(), 2);
    assert_eq!(known.watched_since.unwrap().timestamp_micros(), pushed.timestamp_micros());
}

#[tokio::test]
async fn a_rule_that_comes_back_finds_what_was_known_of_the_tags() {
    let (_database, db, image) = watched().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    tags::replace(&mut tx, ORGANIZATION, image, &list(0..3), Utc::now() - TimeDelta::days(9)).await.unwrap();
    assert_eq!(images::unwatch_unused(&mut *tx, ORGANIZATION).await.unwrap(), [image]);
    assert!(images::find(&mut *tx, image).await.unwrap().is_none(), "nobody scans it");
    let name = ["ghcr.io/acme/api".to_owned()];
    assert!(images::list_named(&mut *tx, ORGANIZATION, &name).await.unwrap().is_empty());
    assert_eq!(images::watch(&mut *tx, ORGANIZATION, &name).await.unwrap(), [image], "it is to be scanned again");
    let found = images::find(&mut *tx, image).await.unwrap().unwrap();
    assert_eq!(tags::list(&mut *tx, &found).await.unwrap().tags.len(), 3);
}

#[tokio::test]
async fn when_an_image_moved_is_known_from_its_second_list_on() {
    let (_database, db, image) = watched().await;
    let begun: DateTime<Utc> = "2026-11-28T00:00:00Z".parse().unwrap();
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let scan = async |tx: &mut Tx, upto: u32, at: DateTime<Utc>| {
        let moved = tags::replace(tx, ORGANIZATION, image, &list(0..upto), at).await.unwrap();
        images::record_complete(&mut **tx, image, None, None, moved, at).await.unwrap();
        images::find_watched(&mut **tx, image).await.unwrap().unwrap().1
    };
    let at = |hours| begun + TimeDelta::hours(hours);
    let seen = |watched: Watched| watched.moved_at.map(|at| (at - begun).num_hours());
    assert_eq!(images::find_watched(&mut *tx, image).await.unwrap().unwrap().1, Watched::default());
    assert_eq!(seen(scan(&mut tx, 3, at(0)).await), Some(0), "since then it is watched");
    assert_eq!(seen(scan(&mut tx, 3, at(1)).await), Some(0));
    assert_eq!(seen(scan(&mut tx, 4, at(2)).await), Some(2));
    assert_eq!(seen(scan(&mut tx, 3, at(3)).await), Some(3), "a tag went");
    let push = at(4);
    pushes::note(&mut tx, ORGANIZATION, image, &"9.0.0".parse().unwrap(), None, push).await.unwrap();
    let told = images::find_watched(&mut *tx, image).await.unwrap().unwrap().1;
    assert_eq!((seen(told), told.told_at.map(|at| (at - begun).num_hours())), (Some(3), Some(4)));
}

#[tokio::test]
async fn what_is_known_of_signatures_is_of_the_digest_that_was_looked_at() {
    let (_database, db, image) = watched().await;
    let (mut tx, now) = (db.organization(ORGANIZATION).await.unwrap(), Utc::now());
    tags::replace(&mut tx, ORGANIZATION, image, &list(0..1), now).await.unwrap();
    let found = images::find(&mut *tx, image).await.unwrap().unwrap();
    let check = |outcome| SignatureCheck { signer: SignerId::of_key("4b825dc"), outcome };
    let described = |digit: char, check: Option<&SignatureCheck>| tags::Description {
        tag: "1.0.0".parse().unwrap(),
        digest: format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap(),
        created_at: None,
        platforms: Vec::new(),
        signatures: check.cloned().into_iter().collect(),
    };
    // Whether anything differs, whether choices are made anew, and what is known then.
    let describe = async |tx: &mut Tx, description: tags::Description| {
        let version = images::find(&mut **tx, image).await.unwrap().unwrap().tags_version;
        let different = tags::describe(&mut **tx, image, &[description], now).await.unwrap().different;
        let anew = images::find(&mut **tx, image).await.unwrap().unwrap().tags_version > version;
        let known = tags::list(&mut **tx, &found).await.unwrap().tags.remove(0).signatures;
        (different, anew, known)
    };
    let (yes, no) = (check(Signed::Yes), check(Signed::No));
    assert_eq!(describe(&mut tx, described('1', None)).await, (true, true, Vec::new()));
    assert_eq!(describe(&mut tx, described('1', Some(&no))).await, (true, true, vec![no]));
    assert_eq!(describe(&mut tx, described('1', Some(&yes))).await, (true, true, vec![yes.clone()]));
    assert_eq!(describe(&mut tx, described('1', Some(&yes))).await, (false, false, vec![yes.clone()]));
    assert_eq!(describe(&mut tx, described('1', None)).await, (false, false, vec![yes]), "nobody looked again");
    assert_eq!(describe(&mut tx, described('2', None)).await, (true, true, Vec::new()), "the tag moved");
}
