//! What reports cost: rows read, not time.

use chrono::{TimeDelta, Utc};
use heddle_core::{id::ClusterId, name::SyncName};
use heddle_db::{
    Db, Tx,
    deploys::{self, Deploy},
    facts, revisions,
};
use heddle_testkit::postgres::Database;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::year::{self, ORGANIZATION, REPOSITORY};

const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(3));

/// 4,800 changes of a year, of which 60 are on their way, and 20,000 deployments over all revisions.
async fn filled() -> (Database, Db) {
    let database = Database::migrated().await.unwrap();
    year::fill(&database, &[(ORGANIZATION.0, REPOSITORY.0, CLUSTER.0, 4_800)]).await;
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    sqlx::raw_sql(
        "insert into deploys (organization_id, cluster_id, sync_namespace, sync_name, repository_url, branch, revision,
                              at, what, ordinal)
         select r.organization_id, c.id, 'heddle-system', (array['dev', 'staging', 'prod'])[n % 3 + 1], r.url, 'main',
                lpad(to_hex(n % 1600 + 1), 40, '0'), now() - n * interval '1 minute', '{\"what\": \"applied\", \"images\": []}',
                n % 1600 + 1
         from generate_series(1, 20000) n, repositories r, clusters c;
         analyze deploys",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let db = Db::connect(database.options(), 1).await.unwrap();
    (database, db)
}

/// Rows of `deploys` that the transaction read: by going through the table, and by an index.
async fn reads(tx: &mut Tx) -> (i64, i64) {
    let sql = "select seq_tup_read, coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'deploys'";
    sqlx::query_as(sql).fetch_one(&mut **tx).await.unwrap()
}

fn deploy(branch: &str, number: u32) -> Deploy {
    Deploy {
        sync: SyncName { namespace: "heddle-system".into(), name: "prod".into() },
        repository_url: format!("github.com/acme/{}", REPOSITORY.0).parse().unwrap(),
        branch: branch.parse().unwrap(),
        revision: format!("{number:040x}").parse().unwrap(),
        at: Utc::now() + TimeDelta::milliseconds(number.into()),
        what: serde_json::json!({ "what": "applied", "images": [] }),
    }
}

#[tokio::test]
async fn what_concerns_the_changes_on_their_way_is_one_range_of_each_sync() {
    let (_database, db) = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let concerning = deploys::list_concerning(&mut *tx, REPOSITORY).await.unwrap();
    assert!(!concerning.is_empty() && concerning.iter().all(|one| one.ordinal >= 1580), "{}", concerning.len());
    assert!(facts::list_left(&mut *tx, REPOSITORY).await.unwrap().is_empty());
    let (sequential, fetched) = reads(&mut tx).await;
    assert_eq!(sequential, 0, "it goes through all deployments");
    assert!(fetched <= 1000, "{fetched} deployments were read for {}", concerning.len());
}

#[tokio::test]
async fn deployments_get_the_number_of_their_own_branch_at_once_or_when_a_read_places_them() {
    let (_database, db) = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let told = [deploy("main", 7), deploy("release", 7), deploy("main", 5000)];
    let placed = deploys::record_all(&mut *tx, ORGANIZATION, CLUSTER, &told).await.unwrap();
    assert_eq!(placed.iter().map(|one| (one.branch.as_str(), one.ordinal)).collect::<Vec<_>>(), [("main", 7)]);
    assert!(deploys::record_all(&mut *tx, ORGANIZATION, CLUSTER, &told).await.unwrap().is_empty(), "each once");

    assert_eq!(revisions::note_unknown(&mut *tx, ORGANIZATION, &told).await.unwrap(), [REPOSITORY].into());
    assert!(revisions::note_unknown(&mut *tx, ORGANIZATION, &told).await.unwrap().is_empty());
    let unknown = revisions::list_unknown(&mut *tx, REPOSITORY).await.unwrap();
    let mut names: Vec<&str> = unknown.iter().map(|one| one.branch.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["main", "release"]);

    let main = "main".parse().unwrap();
    let contains = "0000000000000000000000000000000000000640".parse().unwrap();
    revisions::place(&mut tx, ORGANIZATION, REPOSITORY, &main, &told[2].revision, Some(&contains)).await.unwrap();
    deploys::place(&mut *tx, REPOSITORY, &[told[2].revision.to_string()]).await.unwrap();
    revisions::forget_unknown(&mut *tx, REPOSITORY, &unknown).await.unwrap();
    assert!(revisions::list_unknown(&mut *tx, REPOSITORY).await.unwrap().is_empty());
    let concerning = deploys::list_concerning(&mut *tx, REPOSITORY).await.unwrap();
    assert!(concerning.iter().any(|one| one.revision == told[2].revision && one.ordinal == 0x640));
}
