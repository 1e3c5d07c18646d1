//! Steps on the way of a tag, as an automator takes them.

use heddle_client::PageQuery;
use heddle_core::{
    change::Mode,
    pipeline::{KnotState, Station},
    request::KNOWN_REQUESTS,
};
use heddle_wire::{
    automator::{
        Done, Lease, PlacedRevision, ProposalState, PullRequestState, ReadReport, ScanOutcome, ScanReport, ScannedTag,
        UnknownRevision, UpdateWork, Work,
    },
    view::ChangeView,
};
use uuid::Uuid;

use crate::{
    loom::{Loom, at, revision},
    told::{IMAGE, plan, planned, pull_request, read_report, written},
};

/// The spine as far as an update of 1.4.1 to 1.4.2 that is leased: read, scanned.
pub async fn until_update(loom: &Loom) -> Lease {
    read(loom, read_report(&[1], "1.4.1")).await;
    scan(loom, &["1.4.1", "1.4.2"]).await
}

pub async fn read(loom: &Loom, report: ReadReport) {
    let lease = lease_read(loom).await;
    loom.automator.read_report(&lease, &report).await.unwrap();
}

pub async fn lease_read(loom: &Loom) -> Lease {
    loop {
        let lease = loom.lease().await;
        match &lease.work {
            Work::Read(_) => return lease,
            Work::Update(_) => loom.automator.done(&lease, &Done::default()).await.unwrap(),
            Work::Scan(_) | Work::Test(_) => panic!("a scan is due, not a read"),
        }
    }
}

pub async fn lease_update(loom: &Loom) -> (Lease, UpdateWork) {
    let lease = loom.lease().await;
    let Work::Update(work) = lease.work.clone() else { panic!("an update is due, not {:?}", lease.work) };
    (lease, work)
}

/// Scans, which is due beside an update that finds no tags yet; gives the update that the scan hands over.
pub async fn scan(loom: &Loom, tags: &[&str]) -> Lease {
    let tags = tags.iter().map(|tag| ScannedTag { tag: tag.parse().unwrap(), description: None }).collect();
    let outcome = ScanOutcome::Complete { tags, etag: None, undescribed: None };
    let report = ScanReport { take_update: true, knows_requests: KNOWN_REQUESTS, ..ScanReport::new(outcome) };
    loop {
        let lease = loom.lease().await;
        match &lease.work {
            Work::Scan(work) => {
                assert_eq!(work.image.as_str(), IMAGE);
                return loom.automator.scan_report(&lease, &report).await.unwrap().expect("the update is handed over");
            }
            Work::Update(work) => {
                assert!(work.images.iter().all(|image| image.list.is_none()), "nothing was scanned yet");
                loom.automator.done(&lease, &Done::default()).await.unwrap();
            }
            Work::Read(_) => loom.automator.read_report(&lease, &read_report(&[], "1.4.1")).await.unwrap(),
            Work::Test(_) => panic!("nobody asked for a test"),
        }
    }
}

pub async fn one_change(loom: &Loom) -> ChangeView {
    let page = loom.user.changes(loom.organization, &PageQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1, "{:?}", page.items);
    page.items.into_iter().next().unwrap()
}

pub fn reached(change: &ChangeView) -> Vec<Station> {
    let done = change.line.knots.iter().filter(|knot| knot.state == KnotState::Done);
    done.map(|knot| knot.station).collect()
}

/// A change of 1.4.1 to 1.4.2 that is merged by the second commit of `main`, and read so.
pub async fn merge_one(loom: &Loom) {
    let update = until_update(loom).await;
    let posted =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    let intent = &posted.intents[0];
    loom.automator.outcome(&update, intent.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let merged = PullRequestState::Merged { revision: revision(2), by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: intent.proposal, state: merged, head: None, ours: true };
    push(loom).await;
    read(loom, ReadReport { proposals: vec![state], ..read_report(&[2], "1.4.2") }).await;
}

/// Reads `main` with these newest commits, as an automator does; gives the revisions that were asked about.
pub async fn read_heads(loom: &Loom, commits: &[u32]) -> Vec<UnknownRevision> {
    push(loom).await;
    let lease = lease_read(loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    let asked = work.unknown_revisions.clone();
    let heads: Vec<_> = commits.iter().map(|number| revision(*number)).collect();
    let placed = |unknown: UnknownRevision| PlacedRevision {
        contains: heads.contains(&unknown.revision).then(|| unknown.revision.clone()),
        revision: unknown.revision,
        branch: unknown.branch,
    };
    let placed_revisions = asked.iter().cloned().map(placed).collect();
    loom.automator
        .read_report(&lease, &ReadReport { placed_revisions, ..read_report(commits, "1.4.2") })
        .await
        .unwrap();
    asked
}

pub async fn push(loom: &Loom) {
    let delivery = Uuid::new_v4().to_string();
    assert_eq!(loom.webhook("push", &delivery, &push_body(loom), &loom.webhook_secret).await, 202);
}

/// The fields of GitHub's payload that are read; its addresses may be others than those we know the host under.
pub fn webhook_body(loom: &Loom, more: serde_json::Value) -> String {
    let (_, full_name) = loom.repository_url.split_once('/').unwrap();
    let mut body = serde_json::json!({
        "repository": { "id": 1, "full_name": full_name, "html_url": format!("https://elsewhere.example/{full_name}") },
        "installation": { "id": loom.installation },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

pub fn push_body(loom: &Loom) -> String {
    webhook_body(
        loom,
        serde_json::json!({ "ref": "refs/heads/main", "after": "4b825dc642cb6eb9a060e54bf8d69288fbee4904" }),
    )
}

pub fn pull_request_body(loom: &Loom, number: u64) -> String {
    webhook_body(loom, serde_json::json!({ "number": number, "pull_request": { "head": { "ref": "heddle/prod/1" } } }))
}
