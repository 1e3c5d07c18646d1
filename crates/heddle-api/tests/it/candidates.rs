//! Many images of many tags, of which few can be chosen.

use std::collections::BTreeSet;

use chrono::Utc;
use heddle_api::flow::candidates::{Choice, Found, Wanted, find};
use heddle_core::policy::TagPolicy;
use heddle_wire::automator::{Done, Lease, UpdateWork, Work};
use sqlx::PgConnection;

use crate::{loom::Loom, steps::read, told::read_report};

/// Images of the organization.
const IMAGES: usize = 1_000;
/// Tags of each when the test begins; the last of them stands at its place.
const TAGS: i32 = 50;
/// The most that a lease holds, in bytes.
const MOST_BYTES: usize = 200_000;

fn image(number: usize) -> String {
    format!("registry.example.com/acme/app-{number:04}")
}

fn semver() -> TagPolicy {
    TagPolicy { semver: Some("*".to_owned()), ..TagPolicy::default() }
}

/// A repository in which each image stands once, with the newest of its tags.
async fn filled(loom: &Loom) -> PgConnection {
    let mut report = read_report(&[1], &format!("1.0.{TAGS}"));
    let place = report.occurrences.remove(0);
    report.occurrences = (0..IMAGES)
        .map(|number| {
            let mut one = place.clone();
            one.image = format!("{}:1.0.{TAGS}", image(number)).parse().unwrap();
            one.place.field = format!("images[name={number}].newTag");
            one.rules[0].policy = Some(semver());
            one
        })
        .collect();
    read(loom, report).await;
    let mut owner = loom.owner().await;
    sqlx::query("update images set complete = true, scanned_at = now()").execute(&mut owner).await.unwrap();
    add_tags(&mut owner, 1, TAGS).await;
    owner
}

/// Tags `1.0.first` to `1.0.last` of every image, as a scan stores them.
async fn add_tags(owner: &mut PgConnection, first: i32, last: i32) {
    let sql = "insert into tags (organization_id, image_id, tag, first_seen_at, listed)
               select organization_id, id, '1.0.' || n, now(), true from images cross join generate_series($1, $2) n";
    sqlx::query(sql).bind(first).bind(last).execute(owner).await.unwrap();
}

async fn add_tag(owner: &mut PgConnection, image: &str, tag: &str) {
    let sql = "insert into tags (organization_id, image_id, tag, first_seen_at, listed)
               select organization_id, id, $2, now(), true from images where image = $1";
    sqlx::query(sql).bind(image).bind(tag).execute(owner).await.unwrap();
}

/// The lease of an update that something asked for just now.
async fn update(loom: &Loom, owner: &mut PgConnection) -> (Lease, UpdateWork) {
    let request = "delete from work where kind <> 'update';
                   insert into work (organization_id, kind, subject_id, installation_id, due_at, asked_at)
                   select organization_id, 'update', id, installation_id, now(), now() from repositories
                   on conflict (kind, subject_id) do update set due_at = now(), asked_at = now(), not_before = null";
    sqlx::raw_sql(request).execute(owner).await.unwrap();
    let lease = loom.lease().await;
    let Work::Update(work) = lease.work.clone() else { panic!("{:?}", lease.work) };
    (lease, work)
}

#[tokio::test]
async fn an_update_of_a_thousand_images_carries_the_one_with_a_new_tag() {
    let loom = Loom::start().await;
    let mut owner = filled(&loom).await;
    let (lease, work) = update(&loom, &mut owner).await;
    assert_eq!((work.images.len(), work.settled.len()), (0, IMAGES), "nothing is newer than what stands");
    loom.automator.done(&lease, &Done::default()).await.unwrap();

    let newer = format!("1.0.{}", TAGS + 1);
    add_tag(&mut owner, &image(7), &newer).await;
    let (lease, work) = update(&loom, &mut owner).await;
    let bytes = serde_json::to_vec(&lease).unwrap().len();
    assert!(bytes <= MOST_BYTES, "the lease holds {bytes} bytes");
    assert_eq!(work.settled.len(), IMAGES - 1);
    let [one] = &work.images[..] else { panic!("{} images", work.images.len()) };
    let tags: Vec<&str> = one.list.as_ref().unwrap().tags.iter().map(|info| info.tag.as_str()).collect();
    assert_eq!((one.image.as_str(), tags), (image(7).as_str(), vec!["1.0.50", "1.0.51"]));
}

#[tokio::test]
async fn what_is_read_for_an_update_does_not_grow_with_tags_that_cannot_be_chosen() {
    let loom = Loom::start().await;
    let mut owner = filled(&loom).await;
    let few = rows_read(&loom).await;
    // Below what stands, so that none of them is ever chosen.
    let sql = "insert into tags (organization_id, image_id, tag, first_seen_at, listed)
               select organization_id, id, '0.9.' || n, now(), true from images cross join generate_series(1, 100) n";
    sqlx::query(sql).execute(&mut owner).await.unwrap();
    let many = rows_read(&loom).await;
    assert_eq!(few, many, "rows of tags and of what is kept of them");
    assert_eq!(many.0, 0, "no tag is read");
}

/// Rows of `tags` and of `candidates` that are read for an update once scans have found out what choices depend on.
async fn rows_read(loom: &Loom) -> (i64, i64) {
    let choice = |number| {
        Choice::new(image(number).parse().unwrap(), &semver(), Some(format!("1.0.{TAGS}").parse().unwrap()), None)
    };
    let choices: Vec<Choice> = (0..IMAGES).map(choice).collect();
    let ask = async |tx: &mut heddle_db::Tx| -> Found {
        let none = BTreeSet::new();
        find(&loom.app, tx, loom.organization, &choices, Wanted::Unsettled(&none), Utc::now()).await.unwrap()
    };
    let mut tx = loom.app.db.organization(loom.organization).await.unwrap();
    ask(&mut tx).await;
    tx.commit().await.unwrap();
    let mut tx = loom.app.db.organization(loom.organization).await.unwrap();
    let found = ask(&mut tx).await;
    assert_eq!(found.settled.len(), IMAGES);
    let sql = "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint from pg_stat_xact_user_tables
               where relname = $1";
    let mut rows = Vec::new();
    for table in ["tags", "candidates"] {
        rows.push(sqlx::query_scalar(sql).bind(table).fetch_one(&mut *tx).await.unwrap());
    }
    (rows[0], rows[1])
}
