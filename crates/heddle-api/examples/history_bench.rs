//! What the API takes for a repository with a year or more behind it, on a real Postgres, over HTTP.
//!
//! `cargo run --release -p heddle-api --example history_bench`. Nothing is asserted: a number says what was seen.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, dead_code)]

use std::time::{Duration, Instant};

use chrono::Utc;
use heddle_client::PageQuery;
use heddle_wire::{
    agent::{AgentInfo, Report},
    automator::{Done, Work},
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

#[path = "../tests/it/loom.rs"]
mod loom;

use loom::Loom;

/// Each is asked so often.
const RUNS: usize = 50;

#[tokio::main]
async fn main() {
    println!("| Measured, p50 and p95 of {RUNS} | 10,000 changes | 100,000 changes | To reach |\n|---|---|---|---|");
    let (few, many) = (measure(10_000).await, measure(100_000).await);
    for (small, large) in few.iter().zip(&many) {
        println!("| {} | {} | {} | {} |", small.what, small.took, large.took, small.target);
    }
}

struct Row {
    what: &'static str,
    took: String,
    target: &'static str,
}

async fn measure(changes: i32) -> Vec<Row> {
    let loom = Loom::start().await;
    let mut owner = fill(&loom, changes).await;
    let mut rows = Vec::new();
    let mut row = |what, target, mut spans: Vec<Duration>| {
        spans.sort();
        let at = |percent: usize| spans[(spans.len() * percent).div_ceil(100) - 1].as_secs_f64() * 1_000.0;
        rows.push(Row { what, took: format!("{:.1} ms, {:.1} ms", at(50), at(95)), target });
    };
    row("lease of an update", "20 ms", updates(&loom, &mut owner).await);
    row("report of an agent without news", "5 ms", reports(&loom).await);
    let page = PageQuery::default();
    let organization = loom.organization;
    row(
        "page of changes",
        "p95 150 ms",
        runs(async || drop(loom.user.changes(organization, &page).await.unwrap())).await,
    );
    row(
        "page of workloads",
        "p95 150 ms",
        runs(async || drop(loom.user.workloads(organization, &page).await.unwrap())).await,
    );
    row("Overview's status", "p95 150 ms", runs(async || drop(loom.user.status(organization).await.unwrap())).await);
    row("clusters", "p95 150 ms", runs(async || drop(loom.user.clusters(organization).await.unwrap())).await);
    row("repositories", "p95 150 ms", runs(async || drop(loom.user.repositories(organization).await.unwrap())).await);
    rows
}

async fn fill(loom: &Loom, changes: i32) -> PgConnection {
    let mut owner = PgConnection::connect_with(&loom.database.options()).await.unwrap();
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut owner).await.unwrap();
    sqlx::raw_sql(include_str!("../../heddle-db/tests/it/year.sql")).execute(&mut owner).await.unwrap();
    let fill = "select fill_past(r.organization_id, r.id, c.id, 20, $1) from repositories r cross join clusters c";
    sqlx::query(fill).bind(changes).execute(&mut owner).await.unwrap();
    // 10,000 workloads, of which a page shows some.
    let workloads = "insert into workloads (cluster_id, organization_id, sync_namespace, sync_name, kind, namespace, name,
                                            health, since, images, reported_at)
                     select s.cluster_id, s.organization_id, s.namespace, s.name, 'Deployment', 'shop-' || n % 100, 'app-' || n,
                            'healthy', now(), jsonb_build_array(jsonb_build_object(
                                'container', 'app', 'image', 'ghcr.io/acme/image' || n % 20 + 1 || ':1.0.1')), now()
                     from syncs s cross join generate_series(1, 3333) n";
    sqlx::query(workloads).execute(&mut owner).await.unwrap();
    for statement in ["set session_replication_role = origin", "vacuum analyze"] {
        sqlx::raw_sql(statement).execute(&mut owner).await.unwrap();
    }
    owner
}

async fn runs(ask: impl AsyncFn()) -> Vec<Duration> {
    let mut spans = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let begun = Instant::now();
        ask().await;
        spans.push(begun.elapsed());
    }
    spans
}

async fn updates(loom: &Loom, owner: &mut PgConnection) -> Vec<Duration> {
    let request = "delete from work where kind <> 'update';
                   insert into work (organization_id, kind, subject_id, installation_id, due_at, asked_at)
                   select organization_id, 'update', id, installation_id, now(), now() from repositories
                   on conflict (kind, subject_id) do update set due_at = now(), asked_at = now()";
    let mut spans = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        sqlx::raw_sql(request).execute(&mut *owner).await.unwrap();
        let begun = Instant::now();
        let lease = loom.lease().await;
        spans.push(begun.elapsed());
        assert!(matches!(lease.work, Work::Update(_)));
        loom.automator.done(&lease, &Done::default()).await.unwrap();
    }
    spans
}

async fn reports(loom: &Loom) -> Vec<Duration> {
    let epoch = Uuid::now_v7();
    let mut spans = Vec::with_capacity(RUNS);
    for sequence in 1..=u64::try_from(RUNS).unwrap() {
        let report = Report {
            epoch,
            sequence,
            sent_at: Utc::now(),
            agent: AgentInfo {
                version: "0.1.0".to_owned().into(),
                kubernetes_version: "v1.34.1".to_owned().into(),
                started_at: Utc::now(),
            },
            syncs: Vec::new(),
            present: None,
            rejected: None,
            facts: Vec::new(),
        };
        // An agent may not report all the time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let begun = Instant::now();
        loom.agent.report(&report).await.unwrap();
        spans.push(begun.elapsed());
    }
    spans
}
