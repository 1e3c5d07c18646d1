use std::{fs, path::Path};

use heddle_core::health::HealthStatus;
use heddle_wire::agent::{Deploy, Follows, Source, SyncHealth, WorkloadReport};

use super::*;

fn agent() -> AgentInfo {
    AgentInfo { version: "0".into(), kubernetes_version: "v1".into(), started_at: Utc::now() }
}

fn open(dir: &Path) -> Outbox {
    Outbox::open(dir, agent()).unwrap()
}

fn named(name: &str) -> SyncName {
    SyncName { namespace: "heddle-system".into(), name: name.into() }
}

fn source() -> Source {
    Source { repository: "https://example.org/a/b".parse().unwrap(), branch: "main".parse().unwrap(), path: "".into() }
}

fn applied(revision: char) -> DeployFact {
    let revision = revision.to_string().repeat(40).parse().unwrap();
    let what = Deploy::Applied { images: vec![], changed: None };
    DeployFact { sync: named("shop"), source: source(), at: Utc::now(), revision, what }
}

async fn tell(outbox: &Outbox, revisions: &str) {
    outbox.tell(revisions.chars().map(applied).collect()).await.unwrap();
}

fn revisions(report: &Report) -> String {
    report.facts.iter().map(|fact| &fact.revision.as_str()[..1]).collect()
}

fn state(sync: &str, objects: u64) -> SyncReport {
    SyncReport {
        sync: named(sync),
        follows: Follows::Readable(source()),
        suspended: false,
        applied_revision: None,
        attempted_revision: None,
        fetched_at: None,
        conditions: vec![],
        errors: vec![],
        observed: Some(SyncHealth { health: HealthStatus::Healthy, objects, workloads: vec![] }),
        drifts: vec![],
        stopped_prune: None,
    }
}

fn names(report: &Report) -> Vec<&str> {
    report.syncs.iter().map(|state| state.sync.name.as_str()).collect()
}

/// From now on nothing can be written into the folder, until this is dropped. A folder stands where the new file would:
/// that stops also a test that runs as root.
struct Full<'a>(&'a Path);

impl<'a> Full<'a> {
    fn new(dir: &'a Path) -> Self {
        fs::create_dir(dir.join("outbox.new")).unwrap();
        Self(dir)
    }
}

impl Drop for Full<'_> {
    fn drop(&mut self) {
        fs::remove_dir(self.0.join("outbox.new")).unwrap();
    }
}

#[tokio::test]
async fn facts_keep_their_order_and_a_repeated_one_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "aaba").await;
    assert_eq!(revisions(&outbox.next().await), "aba");
}

#[tokio::test]
async fn a_report_that_was_not_settled_is_sent_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    outbox.tell_state(state("shop", 1));
    let first = outbox.next().await;
    tell(&outbox, "b").await;
    assert_eq!(outbox.next().await, first);
    drop(outbox);

    // After a start the facts go under the same number, and the states, which are told anew, do not.
    let outbox = open(dir.path());
    let again = outbox.next().await;
    assert_eq!((again.epoch, again.sequence, &again.facts), (first.epoch, first.sequence, &first.facts));
    assert!(again.syncs.is_empty() && again.present.is_none());
    outbox.settled(Settled::Taken).await.unwrap();
    let second = outbox.next().await;
    assert_eq!((second.epoch, second.sequence, revisions(&second).as_str()), (first.epoch, 2, "b"));
}

#[tokio::test]
async fn of_states_only_the_newest_is_told_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    outbox.tell_state(state("shop", 1));
    outbox.tell_state(state("shop", 2));
    let report = outbox.next().await;
    assert_eq!(report.syncs, [state("shop", 2)]);
    assert!(report.present.is_none());
    outbox.settled(Settled::Taken).await.unwrap();
    outbox.tell_state(state("shop", 2));
    assert!(!outbox.has_news());
    assert!(outbox.next().await.syncs.is_empty());
}

#[tokio::test]
async fn which_syncs_there_are_is_told_when_the_watch_knows_also_of_those_that_said_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    outbox.tell_state(state("shop", 1));
    assert!(outbox.next().await.present.is_none());
    outbox.settled(Settled::Taken).await.unwrap();
    outbox.know_all([named("shop"), named("silent")].into());
    assert_eq!(outbox.next().await.present, Some(vec![named("shop"), named("silent")]));
    outbox.settled(Settled::Taken).await.unwrap();
    outbox.forget(&named("shop"));
    outbox.tell_state(state("shop", 2));
    let report = outbox.next().await;
    assert_eq!(
        (report.present.clone(), names(&report)),
        (Some(vec![named("silent")]), vec![]),
        "what is gone is silent"
    );
}

#[tokio::test]
async fn reports_of_states_alone_write_nothing_and_have_an_epoch_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let full = Full::new(dir.path());
    outbox.tell_state(state("shop", 1));
    let first = outbox.next().await;
    outbox.settled(Settled::Taken).await.unwrap();
    let second = outbox.next().await;
    assert_eq!((first.epoch, first.sequence, second.sequence), (second.epoch, 1, 2));
    outbox.settled(Settled::Taken).await.unwrap();
    drop(full);
    tell(&outbox, "a").await;
    let facts = outbox.next().await;
    assert_ne!((facts.epoch, facts.sequence), (second.epoch, 3));
}

#[tokio::test]
async fn what_could_not_be_written_was_not_told_and_is_told_when_it_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let full = Full::new(dir.path());
    for _again in 0..2 {
        assert!(outbox.tell(vec![applied('a')]).await.is_err());
    }
    drop(full);
    tell(&outbox, "a").await;
    assert_eq!(revisions(&outbox.next().await), "a");
}

#[tokio::test]
async fn facts_that_cannot_be_given_out_wait_and_states_go_alone() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    outbox.tell_state(state("shop", 1));
    let full = Full::new(dir.path());
    let report = outbox.next().await;
    assert_eq!((revisions(&report).as_str(), names(&report)), ("", vec!["shop"]));
    outbox.settled(Settled::Taken).await.unwrap();
    assert!(!outbox.has_news(), "it does not spin on a broken disk");
    drop(full);
    // The next sign of life takes them along.
    let report = outbox.next().await;
    assert_eq!((revisions(&report).as_str(), report.sequence), ("a", 1));
}

#[tokio::test]
async fn a_settlement_that_cannot_be_kept_holds_no_state_back() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    let first = outbox.next().await;
    let full = Full::new(dir.path());
    assert!(outbox.settled(Settled::Taken).await.is_err());
    for objects in [1, 2] {
        outbox.tell_state(state("shop", objects));
        let report = outbox.next().await;
        assert_eq!((revisions(&report).as_str(), names(&report)), ("", vec!["shop"]));
        outbox.settled(Settled::Taken).await.unwrap();
        assert!(!outbox.has_news(), "it does not spin on a full disk");
    }
    drop(full);
    tell(&outbox, "b").await;
    let next = outbox.next().await;
    assert_eq!((revisions(&next).as_str(), next.sequence), ("b", first.sequence + 1));
}

#[tokio::test]
async fn a_batch_whose_settlement_was_not_kept_goes_again_under_its_number_after_a_start() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    let first = outbox.next().await;
    let full = Full::new(dir.path());
    assert!(outbox.settled(Settled::Taken).await.is_err());
    drop((full, outbox));
    let again = open(dir.path()).next().await;
    assert_eq!((again.epoch, again.sequence, &again.facts), (first.epoch, first.sequence, &first.facts));
}

#[tokio::test]
async fn a_refusal_that_cannot_be_kept_holds_no_state_back() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "ab").await;
    outbox.next().await;
    let full = Full::new(dir.path());
    let refused = || Settled::Refused(Refusal::TooLarge("413".to_owned()));
    assert!(outbox.settled(refused()).await.is_err());
    outbox.tell_state(state("shop", 1));
    let report = outbox.next().await;
    assert_eq!((revisions(&report).as_str(), names(&report)), ("", vec!["shop"]));
    outbox.settled(Settled::Taken).await.unwrap();
    drop(full);
    // The next sign of life takes the facts along, one in a report.
    let mut told = String::new();
    for _report in 0..2 {
        told.push_str(&revisions(&outbox.next().await));
        outbox.settled(Settled::Taken).await.unwrap();
    }
    assert_eq!(told, "ab");
}

/// What the API has after it took `report`: facts of an epoch and number that it took before are not taken again.
#[derive(Default)]
struct Taken {
    numbers: BTreeMap<Uuid, u64>,
    facts: String,
}

impl Taken {
    fn take(&mut self, report: &Report) {
        let number = self.numbers.entry(report.epoch).or_default();
        if report.sequence > *number {
            *number = report.sequence;
            self.facts += &revisions(report);
        }
    }
}

#[tokio::test]
async fn a_kill_after_any_write_loses_nothing_and_tells_nothing_twice() {
    // The file as it stood after each step of a life, with what the API had taken by then.
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let mut taken = Taken::default();
    let mut lives = Vec::new();
    let file = dir.path().join("outbox.json");
    let mut keep = |told: &str, taken: &Taken| {
        lives.push((fs::read(&file).unwrap(), told.to_owned(), taken.facts.clone(), taken.numbers.clone()));
    };
    for (told, new) in [("ab", "ab"), ("abc", "c")] {
        tell(&outbox, new).await;
        keep(told, &taken);
        let report = outbox.next().await;
        keep(told, &taken);
        taken.take(&report);
        keep(told, &taken);
        outbox.settled(Settled::Taken).await.unwrap();
        keep(told, &taken);
    }
    drop(outbox);
    for (bytes, told, facts, numbers) in lives {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("outbox.json"), bytes).unwrap();
        // Half of a write that never ended.
        fs::write(dir.path().join("outbox.new"), "{\"epo").unwrap();
        let outbox = open(dir.path());
        let mut taken = Taken { numbers, facts };
        while outbox.has_news() {
            taken.take(&outbox.next().await);
            outbox.settled(Settled::Taken).await.unwrap();
        }
        assert_eq!(taken.facts, told);
    }
}

/// Sends until all is said, to an API that refuses a report with what `refuses` says of it. Gives the facts and states
/// that it took.
async fn send_all(outbox: &Outbox, refuses: impl Fn(&Report) -> Option<Refusal>) -> (String, Vec<String>) {
    let (mut facts, mut syncs) = (String::new(), Vec::new());
    for _turn in 0..200 {
        if !outbox.has_news() {
            return (facts, syncs);
        }
        let report = outbox.next().await;
        let how = match refuses(&report) {
            Some(refusal) => Settled::Refused(refusal),
            None => {
                facts += &revisions(&report);
                syncs.extend(names(&report).into_iter().map(str::to_owned));
                Settled::Taken
            }
        };
        outbox.settled(how).await.unwrap();
    }
    panic!("it goes round in circles");
}

#[tokio::test]
async fn a_fact_that_the_api_refuses_is_set_aside_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "abcdef").await;
    outbox.tell_state(state("shop", 1));
    let refuses = |report: &Report| revisions(report).contains('d').then(|| Refusal::Content("no d".to_owned()));
    assert_eq!(send_all(&outbox, refuses).await, ("abcef".to_owned(), vec!["shop".to_owned()]));
    let rejected = outbox.next().await.rejected.unwrap();
    assert_eq!((rejected.reports, rejected.facts, rejected.reason.as_str()), (1, 1, "it is refused: no d"));
    let kept = fs::read_to_string(dir.path().join("rejected.json")).unwrap();
    assert!(kept.contains(&"d".repeat(40)) && !kept.contains(&"c".repeat(40)), "{kept}");
}

#[tokio::test]
async fn a_state_that_the_api_refuses_keeps_no_other_back() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    for sync in ["a", "b", "c", "d"] {
        outbox.tell_state(state(sync, 1));
    }
    let refuses = |report: &Report| names(report).contains(&"b").then(|| Refusal::TooLarge("too large".to_owned()));
    assert_eq!(send_all(&outbox, refuses).await.1, ["a", "c", "d"]);
}

#[tokio::test]
async fn an_api_that_fails_at_everything_costs_no_fact() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "ab").await;
    for _failure in 0..50 {
        let _report = outbox.next().await;
        outbox.settled(Settled::Refused(Refusal::Failing("500".to_owned()))).await.unwrap();
    }
    assert_eq!(send_all(&outbox, |_| None).await.0, "ab");
    assert!(outbox.next().await.rejected.is_none());
}

#[tokio::test]
async fn an_api_that_fails_at_one_fact_alone_gets_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "abc").await;
    let refuses = |report: &Report| revisions(report).contains('b').then(|| Refusal::Failing("500".to_owned()));
    assert_eq!(send_all(&outbox, refuses).await.0, "ac");
}

#[tokio::test]
async fn more_than_a_report_holds_goes_in_several() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let many = (0..1200).map(|index| {
        let revision = format!("{index:040x}").parse().unwrap();
        DeployFact { revision, ..applied('a') }
    });
    outbox.tell(many.collect()).await.unwrap();
    let workload = WorkloadReport {
        kind: "Deployment".into(),
        namespace: "shop".into(),
        name: "api".into(),
        images: vec![],
        health: HealthStatus::Healthy,
        reason: None,
        since: Utc::now(),
    };
    for sync in 0..5 {
        let mut state = state(&format!("s{sync}"), 1);
        state.observed.as_mut().unwrap().workloads = vec![workload.clone(); 900];
        outbox.tell_state(state);
    }
    let (mut facts, mut syncs) = (0, 0);
    while outbox.has_news() {
        let report = outbox.next().await;
        report.check_size().unwrap();
        (facts, syncs) = (facts + report.facts.len(), syncs + report.syncs.len());
        outbox.settled(Settled::Taken).await.unwrap();
    }
    assert_eq!((facts, syncs), (1200, 5));
}

#[test]
fn the_first_state_is_taken_whatever_its_size_and_no_other_beside_it() {
    let mut room = portion::Room::new(2, 1);
    assert!(room.take(&state("large", 1)));
    assert!(!room.take(&state("small", 1)));
    assert!(!portion::Room::new(0, 1 << 20).take(&state("shop", 1)), "a report that is to say nothing has no state");
}

#[tokio::test]
async fn a_damaged_file_begins_a_new_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    let before = outbox.next().await;
    drop(outbox);
    fs::write(dir.path().join("outbox.json"), "{").unwrap();
    let outbox = open(dir.path());
    tell(&outbox, "a").await;
    let after = outbox.next().await;
    assert_ne!(before.epoch, after.epoch);
    assert_eq!(after.sequence, 1);
}
