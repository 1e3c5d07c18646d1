//! What each stage has to say: from a value of the walk to words.

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, health::HealthStatus, name::SyncName};
use heddle_kube::{ControllerState, FirstSync, KubeError, WatchPlace, WatchVerb};
use heddle_reconcile::{APPROVE_PRUNE_ANNOTATION, ObjectKey, Terminating};
use heddle_source::{FetchError, Unread};

use super::{
    super::super::{
        drift::LeftAlone,
        health::Health,
        run::{Compared, Heritage, Hindrance, Others, Outcome, Pruned},
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
        Err(LookFault::Variables { revision, message }) => {
            vec![read(revision), Said::new(ConditionKind::Rendered, Some(false), "NoVariables", message.clone())]
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

/// What there is to say of the install manifest: that it was applied again with another text, which changes nothing.
pub(in crate::sync) fn manifest(found: &FirstSync, sync: &str) -> Option<Said> {
    let FirstSync::Differs { name, fields } = found else { return None };
    let message =
        format!("the install manifest says something else about {}: edit the Sync if you mean it", fields.join(", "));
    (name == sync).then(|| Said::new(ConditionKind::InstallManifest, Some(false), "Differs", message))
}

/// What a person ought to know of places that cannot be watched: what becomes of objects there is not seen.
pub(in crate::sync) fn unwatched(blind: &[(&WatchPlace, WatchVerb, &KubeError)]) -> Option<Said> {
    let (_, _, first) = blind.first()?;
    let reason = match first {
        KubeError::Forbidden(_) => "Forbidden",
        KubeError::NotServed(_) => "NotServed",
        _ => "Failed",
    };
    let name = |((kind, namespace), verb, _): &(&WatchPlace, WatchVerb, &KubeError)| match namespace {
        Some(namespace) => format!("{kind} in {namespace} ({verb})"),
        None => format!("{kind} ({verb})"),
    };
    let message = format!(
        "what others change or delete is not seen of {}, until the next comparison by a dry run: {first}",
        list(blind.iter().map(name))
    );
    Some(Said::new(ConditionKind::Watched, Some(false), reason, message))
}

/// What a person ought to know of objects that no Sync has any more, and about which nothing is done.
pub(in crate::sync) fn leftovers(left: &[ObjectKey]) -> Option<Said> {
    let named = list(left.iter().map(ToString::to_string));
    let message =
        format!("no Sync has {named} any more, and nothing deletes them: delete them, or put them into a path");
    (!left.is_empty()).then(|| Said::new(ConditionKind::Leftovers, Some(true), "Found", message))
}

/// What a person ought to know before fields go that others applied and no file has.
pub(in crate::sync) fn take_over(heritage: &Heritage) -> Option<Said> {
    let going = &heritage.going;
    let name = |(key, managers, fields): &(ObjectKey, Vec<String>, Vec<String>)| {
        format!("{key}: {} (of {})", fields.join(", "), managers.join(", "))
    };
    let named: Vec<String> = going.iter().take(NAMED).map(name).collect();
    let more =
        if going.len() > NAMED { format!("; and of {} more objects", going.len() - NAMED) } else { String::new() };
    let message = format!(
        "others applied what no file has; it goes with the next change of its object, unless you write it into the file or \
         set `spec.takeOver: keep`: {}{more}",
        named.join("; ")
    );
    (!going.is_empty()).then(|| Said::new(ConditionKind::TakeOver, Some(true), "FieldsGo", message))
}

/// What a person ought to know of objects that controllers of other tools have too.
pub(in crate::sync) fn other_controller(heritage: &Heritage) -> Option<Said> {
    let others = &heritage.others;
    let (first, (controller, state)) = others.first_key_value()?;
    let more = if others.len() > 1 {
        format!(", and {} more objects are another one's", others.len() - 1)
    } else {
        String::new()
    };
    let (reason, message) = match state {
        ControllerState::Unknown(why) => (
            "Unknown",
            format!(
                "{first} says that it is of {controller}, and it cannot be told whether that one is still there: allow the \
                 account to get it, or take its labels and annotations off the object ({why}); nothing is taken over{more}"
            ),
        ),
        ControllerState::NotHere => (
            "NotHere",
            format!(
                "{first} says that it is of {controller}, which is not in this cluster and may be one of another cluster that \
                 writes into this one; nothing is taken over. Where it is gone for good, take its {} off the \
                 object{more}",
                controller.mark()
            ),
        ),
        ControllerState::Alive | ControllerState::Suspended => (
            "Alive",
            format!(
                "{first} is applied by {controller} too, and nothing is taken over: suspend or delete that one, or take the \
                 object out of one of the two{more}"
            ),
        ),
    };
    Some(Said::new(ConditionKind::OtherController, Some(true), reason, message))
}

/// What is left as others have it, because it was put back again and again: the Sync is not as Git wants it.
pub(in crate::sync) fn fought_over(left: &[LeftAlone]) -> Option<Said> {
    let name = |one: &LeftAlone| {
        let LeftAlone { key, field, manager, is_gone, named_owner, until } = one;
        let who = manager.as_deref().unwrap_or("somebody");
        let what = match (field, named_owner) {
            (Some(field), _) => format!("{who} changes `{field}` of {key} again and again"),
            (None, Some(owner)) if *is_gone => {
                format!(
                    "{key} is deleted again and again, as Kubernetes does where the owner that it names, {owner}, does not exist"
                )
            }
            (None, _) if *is_gone => format!("{key} is deleted again and again"),
            (None, _) => format!("{who} changes {key} again and again"),
        };
        format!("{what}; it is left so until {}", until.format("%H:%M:%S UTC"))
    };
    let named: Vec<String> = left.iter().take(NAMED).map(name).collect();
    let more = if left.len() > NAMED { format!("; and {} more", left.len() - NAMED) } else { String::new() };
    let message = format!(
        "{}{more}. Leave it to one of the two: take it out of the file, name the field in `spec.ignore`, or stop the other",
        named.join("; ")
    );
    (!left.is_empty()).then(|| Said::new(ConditionKind::FoughtOver, Some(true), "LeftAlone", message).lasting())
}
