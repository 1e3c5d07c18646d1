//! What each stage has to say: from a value of the walk to words.

mod besides;

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, health::HealthStatus, name::SyncName};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, ObjectKey, Terminating};
use heddle_source::{FetchError, Unread};

pub(in crate::sync) use self::besides::{
    fought_over, generated, leftovers, manifest, other_controller, remote_bases, take_over, unwatched,
};
use super::{
    super::super::{
        health::Health,
        run::{Compared, Hindrance, Others, Outcome, Pruned},
        source::{Content, Look, LookFault},
    },
    ConditionKind, Conditions,
};

/// Objects that are named in a condition.
const NAMED: usize = 5;

/// What is said about one condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct Said {
    pub kind: ConditionKind,
    /// `None` is `Unknown`.
    pub status: Option<bool>,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Whether it is not going to pass by itself, where it is not as it should be.
    pub is_lasting: bool,
}

impl Said {
    fn new(kind: ConditionKind, status: Option<bool>, reason: &str, message: impl Into<String>) -> Self {
        Self { kind, status, reason: reason.to_owned(), message: message.into(), is_lasting: false }
    }

    /// Somebody has to do something about it.
    fn lasting(self) -> Self {
        Self { is_lasting: true, ..self }
    }
}

/// What a look has to say of the branch, and of the variables where they kept it from being rendered.
pub(in crate::sync) fn fetched(looked: Result<&Look, &LookFault>) -> Vec<Said> {
    let fetched = |status, reason, message: String| Said::new(ConditionKind::Fetched, status, reason, message);
    let read = |revision: &Revision| fetched(Some(true), "Fetched", format!("read {}", revision.short()));
    match looked {
        Ok(look) => vec![read(look.revision())],
        Err(LookFault::Inputs { revision, reason, message }) => {
            vec![read(revision), Said::new(ConditionKind::Rendered, Some(false), reason, message.clone())]
        }
        Err(LookFault::Cluster { revision, error }) => {
            let message = format!("its charts are rendered when the cluster can be asked what it serves: {error}");
            vec![read(revision), Said::new(ConditionKind::Rendered, Some(false), "ClusterUnknown", message)]
        }
        Err(LookFault::Credentials { reason, message }) => {
            vec![fetched(Some(false), reason, message.clone()).lasting()]
        }
        Err(LookFault::Fetch(error)) => {
            let said = |reason| fetched(Some(false), reason, error.to_string());
            vec![match error {
                FetchError::Unreachable { .. } | FetchError::TimedOut { .. } => said("Unreachable"),
                FetchError::BranchMissing { .. } => said("BranchMissing").lasting(),
                FetchError::Unauthorized | FetchError::Forbidden => said("Unauthorized").lasting(),
                FetchError::NotFound => said("NotFound").lasting(),
                _ => said("Failed").lasting(),
            }]
        }
    }
}

/// What a spec that cannot be read has to say.
pub(in crate::sync) fn bad_spec(fault: &str) -> Said {
    Said::new(ConditionKind::Fetched, Some(false), "BadSpec", fault).lasting()
}

/// What rendering has to say.
pub(in crate::sync) fn rendered(content: &Content) -> Said {
    let said = |status, reason, message| Said::new(ConditionKind::Rendered, Some(status), reason, message);
    match content.errors.first() {
        None => said(true, "Rendered", format!("{} objects{}", content.objects.len(), not_read(&content.unread))),
        Some(first) => {
            let unread = not_read(&content.unread);
            let message = format!("{} errors, the first: {}{unread}", content.errors.len(), first.message);
            said(false, "Failed", message).lasting()
        }
    }
}

/// What looks as if it held manifests, and is not read.
fn not_read(unread: &[Unread]) -> String {
    let likely: Vec<&Unread> = unread.iter().filter(|unread| unread.is_likely).collect();
    let named: Vec<String> = likely.iter().take(NAMED).map(ToString::to_string).collect();
    match likely.len() {
        0 => String::new(),
        count @ 1..=NAMED => format!("; {count} not read: {}", named.join(", ")),
        count => format!("; {count} not read: {} and {} more", named.join(", "), count - NAMED),
    }
}

/// What a run has to say of the objects, and of those that left the path.
pub(in crate::sync) fn compared(outcome: &Outcome, sync: &SyncName) -> Vec<Said> {
    let applied = |status, reason: &str, message: &str| Said::new(ConditionKind::Applied, status, reason, message);
    match outcome {
        Outcome::Superseded => Vec::new(),
        Outcome::Hindered(Hindrance::Dependency(awaited)) => {
            vec![applied(Some(false), "DependencyNotReady", awaited)]
        }
        Outcome::Hindered(Hindrance::Cluster(fault)) => vec![applied(Some(false), fault.reason, &fault.message)],
        Outcome::Compared(compared) => vec![applied_of(compared), pruned_of(compared, sync)],
    }
}

/// What there is to say while a revision is being applied and that takes long.
pub(in crate::sync) fn applying(revision: &Revision) -> Said {
    let message = format!(
        "{} is being applied, and that takes long: other paths have their turn before it, or the API server is slow to \
             answer for some of its objects",
        revision.short()
    );
    Said::new(ConditionKind::Applied, None, "Applying", message)
}

fn applied_of(compared: &Compared) -> Said {
    let said = |status, reason, message| Said::new(ConditionKind::Applied, status, reason, message);
    let done = format!("{} objects of {} are applied", compared.good, compared.revision.short());
    let rest = compared.waiting.words().map(|awaited| format!("; {} more wait for {awaited}", compared.waiting.len()));
    let done = format!("{done}{}", rest.unwrap_or_default());
    match (compared.errors.len(), compared.waits) {
        (0, false) => said(Some(true), "Applied", done),
        (0, true) => said(None, "Waiting", done),
        (faults, _) if faults > compared.others.giving.len() => {
            let said = said(Some(false), "Failed", format!("{faults} errors; {done}{}", awaited(&compared.others)));
            if compared.is_passing || compared.others.are_awaited() { said } else { said.lasting() }
        }
        _ => said(None, "Waiting", format!("{done}{}", awaited(&compared.others))),
    }
}

/// Which other Syncs are to give up what.
fn awaited(others: &Others) -> String {
    let name = |(key, sync): &(ObjectKey, String)| format!("{key} waits until the Sync `{sync}` gives it up");
    if others.giving.is_empty() { String::new() } else { format!("; {}", list(others.giving.iter().map(name))) }
}

/// What left the path, and what of it says itself that it stays: told once, since nobody has it any more.
fn pruned_of(compared: &Compared, sync: &SyncName) -> Said {
    let mut said = pruned(&compared.pruned, sync);
    let kept = compared.kept.iter().take(NAMED).map(|kept| format!("{} stays: {}", kept.key, kept.reason));
    let more = compared.kept.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("{more} more stay as they say"));
    let words = Some(said.message).filter(|words| !words.is_empty());
    said.message = words.into_iter().chain(kept).chain(more).collect::<Vec<_>>().join("; ");
    said
}

pub(super) fn pruned(pruned: &Pruned, sync: &SyncName) -> Said {
    let said = |status, reason, message: String| Said::new(ConditionKind::Pruned, status, reason, message);
    let left = |count: &usize, rest: &str| format!("{count} objects left the path{rest}");
    match pruned {
        Pruned::Nothing => said(Some(true), "NothingToPrune", String::new()),
        Pruned::Done => said(Some(true), "Pruned", String::new()),
        Pruned::Off(count) => said(Some(true), "Off", left(count, " and stay, because `spec.prune` is false")),
        Pruned::Held(count) => said(Some(false), "Held", left(count, " and stay until the errors are mended")),
        Pruned::WaitsForOthers(count) => said(None, "Waiting", left(count, " and stay until all others are applied")),
        Pruned::WaitsForNeighbors(count, silent) => {
            let name = |(name, since): &(String, DateTime<Utc>)| format!("{name} since {}", since.format("%F %R UTC"));
            let rest = format!("; whether they moved is not known: waits for {}", list(silent.iter().map(name)));
            said(None, "Waiting", left(count, &rest))
        }
        Pruned::Stopped(stopped) => {
            let message = format!(
                "stopped: {}. To let it go on: kubectl annotate sync -n {} {} {APPROVE_PRUNE_ANNOTATION}={} --overwrite",
                stopped.reason, sync.namespace, sync.name, stopped.plan
            );
            said(Some(false), "Stopped", message).lasting()
        }
        Pruned::Failed { count, is_passing } => {
            let said = said(Some(false), "Failed", format!("{count} objects could not be deleted"));
            if *is_passing { said } else { said.lasting() }
        }
        Pruned::Terminating(objects, waiting) => said(None, "Terminating", terminating(objects, *waiting)),
        Pruned::Kept { needed, moved } if moved.is_empty() => {
            let reasons: Vec<String> = needed.iter().map(|held| format!("{}: {}", held.key, held.reason)).collect();
            said(Some(false), "InUse", reasons.join("; ")).lasting()
        }
        Pruned::Kept { needed, moved } => {
            let needed = needed.iter().map(|held| format!("{}: {}", held.key, held.reason));
            let moved = moved.iter().map(|(key, to)| {
                format!("{key} moved to the Sync `{to}`, which is suspended: it stays until that one is resumed")
            });
            said(None, "Waiting", moved.chain(needed).collect::<Vec<_>>().join("; ")).lasting()
        }
    }
}

/// What is not gone yet, and by whom it is held.
fn terminating(objects: &[Terminating], waiting: usize) -> String {
    let name = |object: &Terminating| match object.finalizers.as_slice() {
        [] => object.key.to_string(),
        held_by => format!("{} (held by the finalizer {})", object.key, held_by.join(", ")),
    };
    let rest = if waiting > 0 { format!("; {waiting} more are deleted after that") } else { String::new() };
    format!("waits until these are gone: {}{rest}", list(objects.iter().map(name)))
}

/// The first few of a list, and how many more there are.
fn list(mut named: impl ExactSizeIterator<Item = String>) -> String {
    let more = named.len().saturating_sub(NAMED);
    let first: Vec<String> = named.by_ref().take(NAMED).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", first.join(", "))
}

/// What the objects have to say.
pub(in crate::sync) fn healthy(health: &Health) -> Said {
    let (status, reason) = match health.status {
        HealthStatus::Healthy => (Some(true), "Healthy"),
        HealthStatus::Suspended => (Some(true), "Suspended"),
        HealthStatus::Progressing => (Some(false), "Progressing"),
        HealthStatus::Terminating => (Some(false), "Terminating"),
        HealthStatus::Missing => (Some(false), "Missing"),
        HealthStatus::Degraded => (Some(false), "Degraded"),
        HealthStatus::Unknown => (None, "Unknown"),
    };
    let said = Said::new(ConditionKind::Healthy, status, reason, health.message.clone());
    if health.status == HealthStatus::Degraded { said.lasting() } else { said }
}

/// What follows from all others: whether the Sync is ready.
pub(in crate::sync) fn ready(conditions: &Conditions, is_suspended: bool, applied: Option<&Revision>) -> Said {
    let said = |status, reason: &str, message: String| Said::new(ConditionKind::Ready, status, reason, message);
    if is_suspended {
        return said(Some(false), "Suspended", "nothing is applied while it is suspended".to_owned());
    }
    match (conditions.first_fault(), applied) {
        (Some(fault), _) => {
            let said = said(Some(false), &fault.reason, fault.message.clone());
            Said { is_lasting: fault.is_lasting, ..said }
        }
        (None, Some(revision)) if conditions.is_true(ConditionKind::Applied) => {
            said(Some(true), "Ready", format!("{} is applied and healthy", revision.short()))
        }
        (None, _) => said(None, "Starting", "it was not applied yet".to_owned()),
    }
}

/// What kstatus asks of whatever is not ready: whether it is on its way, or somebody has to do something. A Sync that is
/// suspended is neither. Source: `sigs.k8s.io/cli-utils` `pkg/kstatus/README.md`, abnormal-true conditions, which are
/// there only while they are true.
pub(in crate::sync) fn progress(ready: &Said, is_suspended: bool) -> (Option<Said>, Option<Said>) {
    if is_suspended || ready.status == Some(true) {
        return (None, None);
    }
    let as_kind = |kind| Some(Said { kind, status: Some(true), is_lasting: false, ..ready.clone() });
    if ready.is_lasting { (None, as_kind(ConditionKind::Stalled)) } else { (as_kind(ConditionKind::Reconciling), None) }
}
