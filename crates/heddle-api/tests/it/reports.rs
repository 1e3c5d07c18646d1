//! Reports of agents: what is taken, what is refused, what it costs, what is shown of it.

use std::cell::Cell;

use heddle_client::ClientError;
use heddle_core::{health::HealthStatus, pipeline::End};
use heddle_wire::{
    agent::{Deploy, DeployFact, Follows, Report, SyncReport},
    automator::Work,
    view::{ClusterView, SyncView},
};
use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::{
    loom::{Loom, at, revision},
    steps::{lease_read, merge_one, one_change, read_heads},
    told::{agent_report, applied, healthy, sync},
};

async fn cluster(loom: &Loom) -> ClusterView {
    loom.user.clusters(loom.organization).await.unwrap().remove(0)
}

async fn shown(loom: &Loom) -> SyncView {
    cluster(loom).await.syncs.remove(0)
}

/// The report with its one Sync changed.
fn with(report: Report, change: impl FnOnce(&mut SyncReport)) -> Report {
    let mut report = report;
    change(&mut report.syncs[0]);
    report
}

fn follow(branch: &str) -> impl FnOnce(&mut SyncReport) {
    move |sync| {
        if let Follows::Readable(source) = &mut sync.follows {
            source.branch = branch.parse().unwrap();
        }
    }
}

#[tokio::test]
async fn two_outboxes_that_take_turns_replay_nothing() {
    let loom = Loom::start().await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let old = with(agent_report(&loom, first, 57, vec![]), |sync| sync.suspended = true);
    loom.agent.report(&old).await.unwrap();
    loom.agent.report(&agent_report(&loom, second, 1, vec![])).await.unwrap();
    assert_eq!(loom.agent.report(&old).await.unwrap().acknowledged, 57);
    assert!(!shown(&loom).await.suspended);
}

#[tokio::test]
async fn what_was_not_seen_stays_and_says_so() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    let before = cluster(&loom).await;
    assert_eq!((before.syncs[0].unseen_since, before.workloads), (None, 1));
    loom.agent.report(&with(agent_report(&loom, epoch, 2, vec![]), |sync| sync.observed = None)).await.unwrap();
    let after = cluster(&loom).await;
    let sync = &after.syncs[0];
    assert_eq!((sync.health, sync.objects, after.workloads), (HealthStatus::Healthy, 3, 1));
    assert!(sync.unseen_since.is_some());
    loom.agent.report(&agent_report(&loom, epoch, 3, vec![])).await.unwrap();
    assert_eq!(shown(&loom).await.unseen_since, None);
}

#[tokio::test]
async fn a_sync_that_was_never_seen_is_not_called_healthy() {
    let loom = Loom::start().await;
    let report = with(agent_report(&loom, Uuid::new_v4(), 1, vec![]), |sync| sync.observed = None);
    loom.agent.report(&report).await.unwrap();
    let sync = shown(&loom).await;
    assert_eq!((sync.health, sync.objects, sync.unseen_since.is_some()), (HealthStatus::Unknown, 0, true));
}

#[tokio::test]
async fn a_read_is_told_which_syncs_follow_a_path() {
    let loom = Loom::start().await;
    let mut report = agent_report(&loom, Uuid::new_v4(), 1, vec![]);
    let mut second = report.syncs[0].clone();
    second.sync.name = "by-hand".into();
    report.present = Some(vec![report.syncs[0].sync.clone(), second.sync.clone()]);
    report.syncs.push(second);
    loom.agent.report(&report).await.unwrap();
    let lease = lease_read(&loom).await;
    let Work::Read(work) = lease.work else { panic!("no read") };
    let told: Vec<_> = work.sync_paths.iter().map(|one| (one.path.as_str(), one.syncs.len())).collect();
    assert_eq!(told, [("clusters/prod", 2)]);
    assert!(work.sync_paths[0].syncs.contains(&"by-hand".to_owned()), "{:?}", work.sync_paths);
}

#[tokio::test]
async fn a_sync_with_a_faulty_spec_is_shown_and_keeps_what_was_known_of_it() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    let faulty = |sequence| {
        with(agent_report(&loom, epoch, sequence, vec![]), |sync| {
            sync.follows = Follows::Faulty { message: "`spec.branch`: it contains `..`".into() };
            sync.observed = None;
        })
    };
    // From the start.
    loom.agent.report(&faulty(1)).await.unwrap();
    let seen = cluster(&loom).await;
    assert_eq!((seen.syncs.len(), seen.faulty_syncs.len()), (0, 1));
    assert_eq!(seen.faulty_syncs[0].message, "`spec.branch`: it contains `..`");
    // Mended, and broken again.
    loom.agent.report(&agent_report(&loom, epoch, 2, vec![])).await.unwrap();
    let seen = cluster(&loom).await;
    assert_eq!((seen.syncs.len(), seen.faulty_syncs.len()), (1, 0));
    loom.agent.report(&faulty(3)).await.unwrap();
    let seen = cluster(&loom).await;
    assert_eq!((seen.syncs.len(), seen.faulty_syncs.len(), seen.workloads), (1, 1, 1));
    // Gone.
    let gone = Report { syncs: vec![], present: Some(vec![]), ..agent_report(&loom, epoch, 4, vec![]) };
    loom.agent.report(&gone).await.unwrap();
    let seen = cluster(&loom).await;
    assert_eq!((seen.syncs.len(), seen.faulty_syncs.len()), (0, 0));
}

#[tokio::test]
async fn a_sync_is_gone_only_when_it_is_not_among_those_that_are_there() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    let silent = |sequence, present| Report { syncs: vec![], present, ..agent_report(&loom, epoch, sequence, vec![]) };
    loom.agent.report(&silent(2, Some(vec![sync()]))).await.unwrap();
    loom.agent.report(&silent(3, None)).await.unwrap();
    assert_eq!(cluster(&loom).await.syncs.len(), 1);
    loom.agent.report(&silent(4, Some(vec![]))).await.unwrap();
    assert_eq!(cluster(&loom).await.syncs.len(), 0);
}

#[tokio::test]
async fn a_fact_of_a_sync_that_was_pointed_elsewhere_meanwhile_counts_where_it_happened() {
    for is_read_first in [true, false] {
        let loom = Loom::start().await;
        let epoch = Uuid::new_v4();
        loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
        merge_one(&loom).await;
        if is_read_first {
            read_heads(&loom, &[3]).await;
        }
        // The next commit carries the change too. By the time it is told, the Sync follows another branch.
        let facts = vec![applied(&loom, 3, "1.4.2"), healthy(&loom, 3, "1.4.2")];
        let moved = with(agent_report(&loom, epoch, 2, facts), follow("release"));
        loom.agent.report(&moved).await.unwrap();
        assert_eq!(shown(&loom).await.branch.as_str(), "release");
        if !is_read_first {
            assert_eq!(one_change(&loom).await.line.end, None, "the read says what it was");
            let asked = read_heads(&loom, &[3]).await;
            assert_eq!((asked[0].branch.as_str(), &asked[0].revision), ("main", &revision(3)));
        }
        assert_eq!(one_change(&loom).await.line.end, Some(End::Healthy), "read first: {is_read_first}");
    }
}

#[tokio::test]
async fn a_rollout_ends_when_its_sync_follows_something_else_and_told_nothing_more() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    merge_one(&loom).await;
    loom.agent.report(&with(agent_report(&loom, epoch, 2, vec![]), follow("release"))).await.unwrap();
    assert_eq!(one_change(&loom).await.line.end, Some(End::Retired));
}

#[tokio::test]
async fn an_unknown_revision_is_asked_about_once_whatever_the_answer() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    let elsewhere = |mut fact: DeployFact| {
        fact.source.branch = "gone".parse().unwrap();
        fact
    };
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![elsewhere(applied(&loom, 9, "1.4.2"))])).await.unwrap();
    let asked = read_heads(&loom, &[1]).await;
    assert_eq!((asked.len(), asked[0].branch.as_str()), (1, "gone"));
    loom.agent.report(&agent_report(&loom, epoch, 2, vec![elsewhere(healthy(&loom, 9, "1.4.2"))])).await.unwrap();
    assert_eq!(loom.database.dump().await.unwrap()["unknown_revisions"].len(), 0);
}

#[tokio::test]
async fn a_report_above_a_limit_is_refused_with_words_and_the_next_is_taken() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    let many = vec![applied(&loom, 2, "1.4.2"); 5000];
    let refused = loom.agent.report(&agent_report(&loom, epoch, 1, many)).await.unwrap_err();
    let ClientError::TooLarge { message } = &refused else { panic!("{refused:?}") };
    assert!(message.contains("at most 500 facts") && message.contains("5000"), "{message}");
    assert_eq!(loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap().acknowledged, 1);
}

#[tokio::test]
async fn nul_in_any_text_of_a_report_poisons_nothing() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    let good = serde_json::to_string(&agent_report(&loom, epoch, 1, vec![])).unwrap();
    for (clean, odd) in [
        ("\"Deployment\"", "\"De\\u0000p\""),
        ("\"container\":\"api\"", "\"container\":\"a\\u0000\""),
        ("\"0.1.0\"", "\"0\\u0000\""),
        ("\"clusters/prod\"", "\"clusters/\\u0000\""),
        ("\"namespace\":\"heddle-system\"", "\"namespace\":\"\\u0000\""),
        ("\"branch\":\"main\"", "\"branch\":\"\\u0000\""),
    ] {
        let body = good.replace(clean, odd);
        assert_ne!(body, good, "{clean} does not stand in a report");
        let status = loom.post_report(&body).await;
        assert!(status == 200 || status == 422, "{odd}: {status}");
    }
    let report = agent_report(&loom, epoch, 2, vec![applied(&loom, 2, "1.4.2")]);
    assert_eq!(loom.agent.report(&report).await.unwrap().acknowledged, 2);
}

#[tokio::test]
async fn things_named_twice_in_a_report_do_not_fail_it() {
    let loom = Loom::start().await;
    let mut report = agent_report(&loom, Uuid::new_v4(), 1, vec![applied(&loom, 2, "1.4.2"); 2]);
    let workloads = &mut report.syncs[0].observed.as_mut().unwrap().workloads;
    workloads.push(workloads[0].clone());
    report.syncs.push(report.syncs[0].clone());
    loom.agent.report(&report).await.unwrap();
    assert_eq!(cluster(&loom).await.workloads, 1);
}

#[tokio::test]
async fn a_report_without_news_writes_nothing_and_tells_nobody() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    let before = loom.database.dump().await.unwrap();
    let mut listener = PgListener::connect(&loom.database.url()).await.unwrap();
    listener.listen("heddle").await.unwrap();
    loom.agent.report(&agent_report(&loom, epoch, 2, vec![])).await.unwrap();
    let after = loom.database.dump().await.unwrap();
    for table in ["syncs", "workloads", "sync_faults", "deploys", "work", "hints"] {
        assert_eq!(before[table], after[table], "{table}");
    }
    sqlx::query("select pg_notify('heddle', 'the end')").execute(&mut listener).await.unwrap();
    assert_eq!(listener.recv().await.unwrap().payload(), "the end");
}

thread_local! {
    /// Statements that sqlx sent in this thread, which is all of the program in a test.
    static SENT: Cell<usize> = const { Cell::new(0) };
}

/// Counts statements. It is the subscriber of all threads: what one asks to be told is remembered for all.
struct Statements;

impl tracing::Subscriber for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        SENT.set(SENT.get() + 1);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// So many changes roll out beside the one that was merged, each of an image of its own.
const ROLLING: usize = 249;

async fn roll_out_more(loom: &Loom) {
    let sql = "with made as (
                   insert into changes overriding system value
                   select (jsonb_populate_record(null::changes, to_jsonb(c) || jsonb_build_object(
                       'id', gen_random_uuid(), 'image', c.image || '-' || n, 'sequence', c.sequence + n))).*
                   from changes c cross join generate_series(1, $1) n
                   returning id, organization_id)
               insert into change_rollouts
               select (jsonb_populate_record(null::change_rollouts, to_jsonb(r) || jsonb_build_object(
                   'change_id', m.id))).*
               from made m cross join change_rollouts r";
    let more = i32::try_from(ROLLING).unwrap();
    assert_eq!(sqlx::query(sql).bind(more).execute(&mut loom.owner().await).await.unwrap().rows_affected(), 249);
}

fn image(number: usize) -> String {
    format!("registry.example.com/acme/api-{number}:1.4.2")
}

/// What a Sync says of each of these images: that it comes up, and that it is well.
fn facts_of(loom: &Loom, numbers: impl Iterator<Item = usize>) -> Vec<DeployFact> {
    let each = numbers.flat_map(|number| {
        [(45, HealthStatus::Progressing), (50, HealthStatus::Healthy)].map(|(second, said)| {
            let mut fact = DeployFact { at: at(second), ..healthy(loom, 2, "1.4.2") };
            if let Deploy::Health { image: of, status, .. } = &mut fact.what {
                (*of, *status) = (image(number).parse().unwrap(), said);
            }
            fact
        })
    });
    each.collect()
}

/// That the revision is applied which holds all of the images.
fn all_applied(loom: &Loom) -> DeployFact {
    let mut fact = applied(loom, 2, "1.4.2");
    if let Deploy::Applied { images, .. } = &mut fact.what {
        *images = (1..=ROLLING).map(|number| image(number).parse().unwrap()).collect();
    }
    fact
}

#[tokio::test]
async fn a_report_of_500_facts_costs_as_many_statements_as_one_of_two() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    merge_one(&loom).await;
    roll_out_more(&loom).await;
    tracing::subscriber::set_global_default(Statements).unwrap();
    let mut costs = Vec::new();
    // What the first of all costs more is looked up once.
    loom.agent.report(&agent_report(&loom, epoch, 2, vec![all_applied(&loom)])).await.unwrap();
    for (sequence, numbers) in [(3, 1..=1), (4, 2..=2), (5, 3..=ROLLING)] {
        let report = agent_report(&loom, epoch, sequence, facts_of(&loom, numbers));
        let before = SENT.get();
        loom.agent.report(&report).await.unwrap();
        costs.push(SENT.get() - before);
    }
    // Timers of the program may ask something beside.
    assert!(costs[1] > 5 && costs[2] <= costs[1] + 5, "{costs:?} statements");
    let healthy = "select count(*) from changes where ended = 'healthy'";
    let healthy: i64 = sqlx::query_scalar(healthy).fetch_one(&mut loom.owner().await).await.unwrap();
    assert_eq!(usize::try_from(healthy).unwrap(), ROLLING);
}
