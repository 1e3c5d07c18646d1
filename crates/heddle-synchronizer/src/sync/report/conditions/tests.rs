use chrono::TimeDelta;
use heddle_reconcile::{GroupKind, ObjectKey, Stopped, Terminating};
use heddle_source::Resolved;
use heddle_wire::agent::SyncError;

use super::{
    super::super::{
        cluster::ClusterFault,
        run::{Compared, Hindrance, Others, Outcome, Pruned, Waiting},
        source::{Look, LookFault},
    },
    *,
};

fn revision() -> Revision {
    "a".repeat(40).try_into().unwrap()
}

fn name() -> heddle_core::name::SyncName {
    heddle_core::name::SyncName { namespace: "heddle-system".into(), name: "shop".into() }
}

fn source() -> heddle_wire::agent::Source {
    let repository = "https://example.org/acme/config".parse().unwrap();
    heddle_wire::agent::Source { repository, branch: "main".parse().unwrap(), path: "apps".into() }
}

fn now() -> DateTime<Utc> {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

/// A comparison that went well.
pub(in crate::sync::report) fn good() -> Compared {
    Compared {
        revision: revision(),
        source: source(),
        good: 3,
        kept: Vec::new(),
        heritage: Default::default(),
        images: Vec::new(),
        errors: Vec::new(),
        is_passing: false,
        is_retried: false,
        failed: Default::default(),
        waits: false,
        waiting: Waiting::default(),
        others: Others::default(),
        pruned: Pruned::Nothing,
    }
}

/// What is said of objects that left the path.
fn pruned_of(pruned: &Pruned) -> Said {
    said::pruned(pruned, &name())
}

fn error() -> SyncError {
    SyncError { file: None, line: None, object: None, message: "it is refused".into() }
}

/// The conditions that are there after all was well but `last`, as `kind=status (reason)`.
fn after(last: impl IntoIterator<Item = Said>) -> Vec<String> {
    let mut conditions = Conditions::default();
    let look = Look::Rendered(revision());
    let all = fetched(Ok(&look)).into_iter().chain(compared(&Outcome::Compared(good().into()), &name())).chain(last);
    all.for_each(|said| conditions.say(said, now()));
    let ready = ready(&conditions, false, Some(&revision()));
    let (reconciling, stalled) = progress(&ready, false);
    conditions.say(ready, now());
    conditions.say_if(ConditionKind::Reconciling, reconciling, now());
    conditions.say_if(ConditionKind::Stalled, stalled, now());
    let of_interest = ["Ready", "Reconciling", "Stalled"];
    let list =
        conditions.for_status(None).into_iter().filter(|condition| of_interest.contains(&condition.kind.as_str()));
    list.map(|condition| format!("{}={} ({})", condition.kind, condition.status, condition.reason)).collect()
}

fn after_run(change: impl FnOnce(&mut Compared)) -> Vec<String> {
    let mut outcome = good();
    change(&mut outcome);
    after(compared(&Outcome::Compared(outcome.into()), &name()))
}

#[test]
fn a_sync_that_is_ready_is_neither_on_its_way_nor_stuck() {
    assert_eq!(after([]), ["Ready=True (Ready)"]);
}

#[test]
fn what_passes_by_itself_is_on_its_way() {
    let unreachable = LookFault::Fetch(heddle_source::FetchError::Unreachable { reason: "refused".into() });
    assert_eq!(after(fetched(Err(&unreachable))), ["Ready=False (Unreachable)", "Reconciling=True (Unreachable)"]);
    let fault = ClusterFault { reason: "ClusterFault", message: "no answer".into() };
    let hindered = Outcome::Hindered(Hindrance::Cluster(fault));
    assert_eq!(after(compared(&hindered, &name())), ["Ready=False (ClusterFault)", "Reconciling=True (ClusterFault)"]);
    let waiting = ["Ready=False (Waiting)", "Reconciling=True (Waiting)"];
    assert_eq!(after_run(|outcome| outcome.waits = true), waiting);
    assert_eq!(after_run(|outcome| outcome.pruned = Pruned::WaitsForNeighbors(1, vec![("b".into(), now())])), waiting);
    let passing = after_run(|outcome| (outcome.errors, outcome.is_passing) = (vec![error()], true));
    assert_eq!(passing, ["Ready=False (Failed)", "Reconciling=True (Failed)"]);
}

#[test]
fn a_remote_base_that_moved_is_told_with_what_lets_it_move_and_one_that_is_away_with_the_reason() {
    let one = |address: &str, moved_to: Option<&str>, away: Option<&str>| Resolved {
        address: address.into(),
        id: "a".repeat(40),
        version: None,
        is_branch: false,
        moved_to: moved_to.map(Into::into),
        away: away.map(Into::into),
    };
    assert_eq!(remote_bases(&[one("one", None, None)], &name()), None);
    let new = "b".repeat(40);
    let said =
        remote_bases(&[one("one", Some(&new), None), one("two", None, Some("it answered 502"))], &name()).unwrap();
    assert_eq!(said.reason, "Moved");
    for words in ["`one` is bbbbbbbbbbbb by now, and aaaaaaaaaaaa goes on", "`two`", "it answered 502"] {
        assert!(said.message.contains(words), "{}", said.message);
    }
    assert!(said.message.contains(&format!("heddle.dev/approve-remote={new} --overwrite")), "{}", said.message);
    assert_eq!(remote_bases(&[one("two", None, Some("it answered 502"))], &name()).unwrap().reason, "Away");
}

#[test]
fn what_somebody_has_to_mend_is_stuck() {
    assert_eq!(after([bad_spec("no")]), ["Ready=False (BadSpec)", "Stalled=True (BadSpec)"]);
    let missing = LookFault::Fetch(heddle_source::FetchError::NotFound);
    assert_eq!(after(fetched(Err(&missing))), ["Ready=False (NotFound)", "Stalled=True (NotFound)"]);
    let failed = after_run(|outcome| outcome.errors = vec![error()]);
    assert_eq!(failed, ["Ready=False (Failed)", "Stalled=True (Failed)"]);
    let stopped = Stopped { plan: "abc".into(), reason: "it is large".into(), objects: Vec::new() };
    let stopped = after_run(|outcome| outcome.pruned = Pruned::Stopped(stopped));
    assert_eq!(stopped, ["Ready=False (Stopped)", "Stalled=True (Stopped)"]);
}

#[test]
fn what_could_not_be_deleted_is_stuck_only_when_it_is_not_believed_to_pass() {
    let lasting = |is_passing| pruned_of(&Pruned::Failed { count: 1, is_passing }).is_lasting;
    assert!(lasting(false) && !lasting(true));
}

#[test]
fn the_sync_is_named_that_is_to_give_an_object_up() {
    let key = |name: &str| ObjectKey {
        kind: GroupKind::new("v1", "ConfigMap"),
        namespace: Some("shop".into()),
        name: name.into(),
    };
    let said = |errors: usize| {
        let giving = vec![(key("a"), "left".to_owned())];
        let others = Others { giving, keeping: 0 };
        let outcome = Compared { errors: vec![error(); errors], others, ..good() };
        let mut said = compared(&Outcome::Compared(outcome.into()), &name());
        said.remove(0)
    };
    let awaited = "ConfigMap shop/a waits until the Sync `left` gives it up";
    let waits = said(1);
    assert_eq!((waits.status, waits.reason.as_str(), waits.is_lasting), (None, "Waiting", false));
    assert!(waits.message.ends_with(awaited), "{}", waits.message);
    let fails = said(2);
    assert_eq!((fails.status, fails.reason.as_str(), fails.is_lasting), (Some(false), "Failed", false));
    assert!(fails.message.starts_with("2 errors") && fails.message.ends_with(awaited), "{}", fails.message);
}

#[test]
fn what_moved_to_a_suspended_sync_stays_and_is_named_with_it() {
    let key = ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("shop".into()), name: "a".into() };
    let mut outcome = good();
    outcome.pruned = Pruned::Kept { needed: Vec::new(), moved: vec![(key, "right".into())] };
    let said = compared(&Outcome::Compared(outcome.into()), &name());
    let pruned = said.iter().find(|said| said.kind == ConditionKind::Pruned).unwrap();
    assert_eq!((pruned.status, pruned.reason.as_str()), (None, "Waiting"));
    assert!(pruned.message.contains("ConfigMap shop/a moved to the Sync `right`, which is suspended"), "{pruned:?}");
}

#[test]
fn who_is_waited_for_is_named_and_since_when() {
    let waits = |since| Pruned::WaitsForNeighbors(2, vec![("right (suspended)".into(), since)]);
    let mut pruned = waits(now() + TimeDelta::hours(1));
    pruned.go_on_waiting(Some(&waits(now())));
    pruned.go_on_waiting(Some(&Pruned::Nothing));
    let mut outcome = good();
    outcome.pruned = pruned;
    let mut conditions = Conditions::default();
    compared(&Outcome::Compared(outcome.into()), &name()).into_iter().for_each(|said| conditions.say(said, now()));
    let told = ready(&conditions, false, Some(&revision()));
    assert!(told.message.ends_with("waits for right (suspended) since 2026-11-24 01:00 UTC"), "{told:?}");
}

#[test]
fn what_is_not_gone_yet_is_named_with_its_finalizer() {
    let key =
        |name: &str| ObjectKey { kind: GroupKind::new("v1", "Jar"), namespace: Some("shop".into()), name: name.into() };
    let object = |name: &str| Terminating { key: key(name), finalizers: vec!["example.org/drain".into()] };
    let mut outcome = good();
    outcome.pruned = Pruned::Terminating(vec![object("a")], 2);
    let said = compared(&Outcome::Compared(outcome.into()), &name());
    let pruned = said.iter().find(|said| said.kind == ConditionKind::Pruned).unwrap();
    let told = "waits until these are gone: Jar shop/a (held by the finalizer example.org/drain); 2 more are deleted after that";
    assert_eq!((pruned.status, pruned.message.as_str()), (None, told));
    let of = |pruned| after_run(|outcome| outcome.pruned = pruned);
    assert_eq!(
        of(Pruned::Terminating(vec![object("a")], 0)),
        ["Ready=False (Terminating)", "Reconciling=True (Terminating)"]
    );
}

#[test]
fn a_suspended_sync_is_not_ready_and_neither_on_its_way_nor_stuck() {
    let ready = ready(&Conditions::default(), true, None);
    assert_eq!((ready.status, ready.reason.as_str()), (Some(false), "Suspended"));
    assert_eq!(progress(&ready, true), (None, None));
}

#[test]
fn a_condition_keeps_its_time_until_its_status_changes_also_over_a_restart() {
    let mut conditions = Conditions::default();
    conditions.say(bad_spec("one"), now());
    conditions.say(bad_spec("two"), now() + TimeDelta::seconds(5));
    let written = conditions.for_status(Some(3));
    assert_eq!(
        (written[0].last_transition_time.as_str(), written[0].observed_generation),
        ("2026-11-24T01:00:00Z", Some(3))
    );
    let mut conditions = Conditions::from_status(&written);
    conditions.say(bad_spec("three"), now() + TimeDelta::seconds(10));
    assert_eq!(conditions.for_report()[0].since, now());
    let later = now() + TimeDelta::seconds(20);
    fetched(Ok(&Look::Unchanged(revision()))).into_iter().for_each(|said| conditions.say(said, later));
    assert_eq!(conditions.for_report()[0].since, later);
}

#[test]
fn what_is_for_tools_is_in_the_status_alone_and_every_condition_is_counted() {
    let mut conditions = Conditions::default();
    let stalled = Said { kind: ConditionKind::Stalled, status: Some(true), ..bad_spec("no") };
    conditions.say(stalled, now());
    assert!(conditions.for_report().is_empty());
    assert_eq!(conditions.for_status(None)[0].kind, "Stalled");
    let truths: BTreeMap<_, _> = conditions.truths().collect();
    assert_eq!((truths["Stalled"], truths["Ready"], truths.len()), (true, false, ConditionKind::ALL.len()));
}
