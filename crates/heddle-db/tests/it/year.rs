//! A year of a busy team and its neighbors: 100,000 changes in 50 organizations. What is asked at each update, read and
//! report reads a bounded number of rows, and no plan goes through a table from end to end.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use heddle_core::{
    git::BranchName,
    id::{ClusterId, OrganizationId, RepositoryId},
    image::ImageRepository,
    name::SyncName,
};
use heddle_db::{
    Db, Tx,
    applied_revisions::{self, At},
    changes::{self, Filter},
    commits, images, occurrences, pushes, tags,
};
use heddle_testkit::postgres::Database;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// 20 images, 2 tags a day, 3 environments, 365 days.
const BUSY: i32 = 20 * 2 * 3 * 365;
/// Each of the 49 others, to 100,000 in all.
const OTHERS: i32 = (100_000 - BUSY) / 49;
/// 20 images in 3 environments.
const PLACES: i64 = 60;
/// Those of each repository.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
/// Tables that grow with time. No query goes through one of them.
const LARGE: [&str; 9] = [
    "changes",
    "facts",
    "change_rollouts",
    "revisions",
    "proposals",
    "tags",
    "intents",
    "applied_revisions",
    "commits",
];

pub const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));
pub const REPOSITORY: RepositoryId = RepositoryId(Uuid::from_u128(2));
const CLUSTER: ClusterId = ClusterId(Uuid::from_u128(3));

async fn filled() -> Db {
    static YEAR: OnceCell<Database> = OnceCell::const_new();
    let database = YEAR
        .get_or_init(async || {
            let database = Database::migrated().await.unwrap();
            let others = (0..49).map(|_| (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7(), OTHERS));
            let busy = (ORGANIZATION.0, REPOSITORY.0, CLUSTER.0, BUSY);
            fill(&database, &std::iter::once(busy).chain(others).collect::<Vec<_>>()).await;
            database
        })
        .await;
    Db::connect(database.options(), 1).await.unwrap()
}

/// Fills organizations, each with a repository, a cluster and so many changes of 20 images in three environments.
pub async fn fill(database: &Database, organizations: &[(Uuid, Uuid, Uuid, i32)]) {
    let mut owner = PgConnection::connect_with(&database.options()).await.unwrap();
    // Filling needs no checks of foreign keys; it takes a fifth of the time without.
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut owner).await.unwrap();
    sqlx::raw_sql(include_str!("year.sql")).execute(&mut owner).await.unwrap();
    for (organization, repository, cluster, changes) in organizations {
        sqlx::query("select from fill_year($1, $2, $3, 20, $4)")
            .bind(organization)
            .bind(repository)
            .bind(cluster)
            .bind(changes)
            .execute(&mut owner)
            .await
            .unwrap();
    }
    sqlx::raw_sql("analyze").execute(&mut owner).await.unwrap();
}

/// Rows that a transaction read from each table.
#[derive(Debug, Default)]
struct Reads {
    /// By going through the table.
    sequential: BTreeMap<String, i64>,
    /// By an index.
    fetched: BTreeMap<String, i64>,
}

impl Reads {
    async fn until_now(tx: &mut Tx) -> Self {
        let sql = "select relname::text, seq_tup_read, coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables";
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(sql).fetch_all(&mut **tx).await.unwrap();
        let mut reads = Self::default();
        for (table, sequential, fetched) in rows {
            reads.sequential.insert(table.clone(), sequential);
            reads.fetched.insert(table, fetched);
        }
        reads
    }

    async fn of(tx: &mut Tx, ask: impl AsyncFnOnce(&mut Tx)) -> Self {
        let before = Self::until_now(tx).await;
        ask(tx).await;
        let after = Self::until_now(tx).await;
        let less = |after: BTreeMap<String, i64>, before: &BTreeMap<String, i64>| {
            let left = |(table, rows): (String, i64)| {
                let left = rows - before.get(&table).copied().unwrap_or(0);
                (table, left)
            };
            after.into_iter().map(left).collect()
        };
        Self { sequential: less(after.sequential, &before.sequential), fetched: less(after.fetched, &before.fetched) }
    }

    fn check(&self, question: &str, most: &[(&str, i64)]) {
        for table in LARGE {
            assert_eq!(self.sequential.get(table).copied().unwrap_or(0), 0, "{question} goes through {table}");
            let fetched = self.fetched.get(table).copied().unwrap_or(0);
            let most = most.iter().find(|(name, _)| *name == table).map_or(0, |(_, most)| *most);
            assert!(fetched <= most, "{question} reads {fetched} rows of {table}, more than {most}");
        }
    }
}

#[tokio::test]
async fn what_an_update_asks_does_not_grow_with_history() {
    let db = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let mut past = Vec::new();
    let reads =
        Reads::of(&mut tx, async |tx| past = changes::list_past(&mut **tx, ORGANIZATION, REPOSITORY).await.unwrap())
            .await;
    reads.check("what is barred", &[("changes", 4 * PLACES), ("facts", PLACES), ("proposals", PLACES)]);
    assert!(past.len() < 20, "{} changes decide what is barred", past.len());

    let mut healthy = Vec::new();
    let reads = Reads::of(&mut tx, async |tx| {
        let followed = ENVIRONMENTS.map(|name| (name.parse().unwrap(), 0));
        healthy = changes::list_healthy(&mut **tx, ORGANIZATION, REPOSITORY, &followed).await.unwrap();
    })
    .await;
    assert_eq!(i64::try_from(healthy.len()).unwrap(), 20 * PLACES);
    reads.check("what is healthy", &[("changes", (2 * 20 + 5) * PLACES)]);
    check_plans(&mut tx).await;
}

#[tokio::test]
async fn what_a_read_and_a_report_ask_does_not_grow_with_history() {
    let db = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let mut tracked = Vec::new();
    let reads = Reads::of(&mut tx, async |tx| {
        tracked = changes::list_tracked(&mut **tx, ORGANIZATION, REPOSITORY).await.unwrap();
    })
    .await;
    assert!(i64::try_from(tracked.len()).unwrap() <= 2 * PLACES, "{}", tracked.len());
    let most = [("changes", 5 * PLACES), ("proposals", 2 * PLACES), ("revisions", 2 * PLACES)];
    reads.check("what a read may say something about", &most);
    let reads = Reads::of(&mut tx, async |tx| {
        assert!(!changes::list_rolling(&mut **tx, ORGANIZATION, &[REPOSITORY.0]).await.unwrap().is_empty());
    })
    .await;
    reads.check("what rolls out", &most);
    check_plans(&mut tx).await;
}

#[tokio::test]
async fn pages_and_work_read_no_more_than_they_show() {
    let db = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    for (filter, environment) in [
        (Filter::All, None),
        (Filter::All, Some("prod")),
        (Filter::InFlight, None),
        (Filter::InFlight, Some("prod")),
        (Filter::Ended, None),
        (Filter::Ended, Some("prod")),
    ] {
        let reads = Reads::of(&mut tx, async |tx| {
            let page = changes::list_page(&mut **tx, ORGANIZATION, filter, environment, None, 50).await.unwrap();
            assert!(!page.is_empty());
        })
        .await;
        let question = format!("a page of {filter:?} in {environment:?}");
        reads.check(&question, &[("changes", 4 * PLACES), ("proposals", PLACES), ("revisions", PLACES)]);
    }
    let image: ImageRepository = "ghcr.io/acme/image7".parse().unwrap();
    let since = Utc::now() - TimeDelta::hours(24);
    let day = 40 * 3;
    let names = [image.to_string()];
    let reads = Reads::of(&mut tx, async |tx| {
        changes::count(&mut **tx, ORGANIZATION, since).await.unwrap();
    })
    .await;
    reads.check("how many changes there are", &[("changes", day + PLACES)]);
    let reads = Reads::of(&mut tx, async |tx| {
        assert!(!changes::list_open_of_images(&mut **tx, ORGANIZATION, &names).await.unwrap().is_empty());
    })
    .await;
    reads.check("what is open of images", &[("changes", PLACES), ("proposals", PLACES), ("revisions", PLACES)]);
    let reads = Reads::of(&mut tx, async |tx| {
        pushes::list_waiting(&mut **tx, ORGANIZATION, since, 50).await.unwrap();
    })
    .await;
    reads.check("which pushes wait", &[("changes", day), ("tags", day)]);
    let reads = Reads::of(&mut tx, async |tx| {
        assert_eq!(occurrences::list_repositories_of(&mut **tx, ORGANIZATION, &image).await.unwrap(), [REPOSITORY.0]);
        assert!(images::unwatch_unused(&mut **tx, ORGANIZATION).await.unwrap().is_empty());
        tags::find_pushed_at(&mut **tx, ORGANIZATION, &image, &"1.0.7".parse().unwrap(), None).await.unwrap();
    })
    .await;
    reads.check("where an image stands", &[("tags", 20)]);
    check_plans(&mut tx).await;
}

#[tokio::test]
async fn where_a_commit_is_and_what_ran_is_answered_without_the_rest_of_history() {
    let db = filled().await;
    let mut tx = db.organization(ORGANIZATION).await.unwrap();
    let (url, branch): (String, BranchName) = {
        let sql = "select url from repositories where id = $1";
        let url = sqlx::query_scalar(sql).bind(REPOSITORY.0).fetch_one(&mut *tx).await.unwrap();
        (url, "main".parse().unwrap())
    };
    let id = |number: i64| format!("{number:040x}");
    for (beginning, carried_by) in [(id(40), id(40)), (format!("c{}", &id(40)[1..]), id(40))] {
        let reads = Reads::of(&mut tx, async |tx| {
            let found = commits::find(&mut **tx, ORGANIZATION, None, &beginning).await.unwrap();
            assert_eq!(found[0].carried_by.as_str(), carried_by);
        })
        .await;
        reads.check("which commit it is", &[("revisions", 8), ("commits", 4)]);
    }
    let (revision, url) = (id(40).parse().unwrap(), url.parse().unwrap());
    let at = At { repository_url: &url, branch: &branch, revision: &revision, ordinal: 40, lineage: 0 };
    let reads = Reads::of(&mut tx, async |tx| {
        let reached = applied_revisions::list_reached(&mut **tx, ORGANIZATION, &at).await.unwrap();
        assert!(reached.len() == 3 && reached.iter().all(|one| one.healthy_at.is_some()), "{reached:?}");
    })
    .await;
    reads.check("how Syncs came to a revision", &[("applied_revisions", 33)]);
    let reads = Reads::of(&mut tx, async |tx| {
        assert!(applied_revisions::list_unplaced(&mut **tx, ORGANIZATION, "0000000").await.unwrap().is_empty());
    })
    .await;
    reads.check("what was applied that no read placed", &[("applied_revisions", 3)]);
    let reads = Reads::of(&mut tx, async |tx| {
        let then = Utc::now() - TimeDelta::days(200);
        assert_eq!(applied_revisions::list_at(&mut **tx, ORGANIZATION, then, None, 50).await.unwrap().ran.len(), 3);
        applied_revisions::find_first(&mut **tx, ORGANIZATION).await.unwrap();
    })
    .await;
    reads.check("what ran then", &[("applied_revisions", 30), ("revisions", 6)]);
    let syncs = ENVIRONMENTS.map(|name| SyncName { namespace: "heddle-system".into(), name: name.into() });
    let reads = Reads::of(&mut tx, async |tx| {
        applied_revisions::note_healthy(&mut **tx, CLUSTER, &syncs, Utc::now()).await.unwrap();
    })
    .await;
    reads.check("what is healthy by now", &[("applied_revisions", 12)]);
    check_plans(&mut tx).await;
}

/// Looks at the plan, without known values, of each statement that the connection has prepared.
async fn check_plans(tx: &mut Tx) {
    let sql = "select name, statement, cardinality(parameter_types) from pg_prepared_statements
               where not from_sql and statement !~ '^(select relname|explain|set|begin|commit|rollback)'";
    let prepared: Vec<(String, String, i32)> = sqlx::query_as(sql).fetch_all(&mut **tx).await.unwrap();
    assert!(!prepared.is_empty());
    sqlx::raw_sql("set local plan_cache_mode = force_generic_plan").execute(&mut **tx).await.unwrap();
    for (name, statement, parameters) in prepared {
        if statement.contains("pg_prepared_statements") {
            continue;
        }
        let nulls = vec!["null"; usize::try_from(parameters).unwrap()].join(", ");
        let arguments = if nulls.is_empty() { String::new() } else { format!("({nulls})") };
        let sql = sqlx::AssertSqlSafe(format!("explain (format json) execute {name}{arguments}"));
        let plan: Value = sqlx::query_scalar(sql).fetch_one(&mut **tx).await.unwrap();
        let mut scanned = Vec::new();
        find_scans(&plan, &mut scanned);
        assert_eq!(scanned, Vec::<String>::new(), "goes through a large table:\n{statement}\n{plan:#}");
    }
}

fn find_scans(plan: &Value, scanned: &mut Vec<String>) {
    match plan {
        Value::Array(items) => items.iter().for_each(|item| find_scans(item, scanned)),
        Value::Object(node) => {
            let relation = node.get("Relation Name").and_then(Value::as_str).unwrap_or_default();
            if node.get("Node Type").and_then(Value::as_str) == Some("Seq Scan") && LARGE.contains(&relation) {
                scanned.push(relation.to_owned());
            }
            node.values().for_each(|value| find_scans(value, scanned));
        }
        _ => {}
    }
}
