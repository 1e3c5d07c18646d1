//! The verdict on an object's `managedFields` before and now.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Takeover, is_inside, managers_of, own_entries, own_fields, shown};
use crate::{GroupKind, wildcard::fits};

/// What became of the fields that we apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriftVerdict {
    /// Nobody has changed a field of ours.
    None,
    /// Only fields that a rule or a known owner may change have changed.
    Yielded {
        /// Which.
        paths: Vec<String>,
        /// To whom.
        by: Option<Takeover>,
    },
    /// These fields were changed or removed.
    Changed {
        /// Which.
        paths: Vec<String>,
        /// By whom, and when; `None` where the metadata does not tell.
        by: Option<Takeover>,
    },
    /// The metadata does not tell: the object has to be looked at.
    LookInFull(LookReason),
}

/// Why the metadata does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookReason {
    /// Our entry is gone: it was cleared, or the object was made anew.
    NoEntry,
    /// The same fields were applied under our name at another time, with values that nobody here knows.
    AppliedUnderOurName,
    /// We own fields that we did not apply.
    MoreFields,
}

/// Who may change which fields of ours without that being drift.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriftRules {
    /// Places that anybody may change: `spec.replicas`, `metadata.annotations.*`, `spec.template.spec.containers[*].image`.
    pub ignore: Vec<String>,
}

/// A controller whose work it is to change a field.
struct KnownOwner {
    kind: &'static str,
    path: &'static str,
    managers: &'static [&'static str],
}

/// Controllers that write into what others apply. An empty kind stands for every kind.
const KNOWN_OWNERS: [KnownOwner; 5] = [
    // The scale subresource is written by the horizontal autoscaler, and by KEDA through it.
    KnownOwner { kind: "", path: "spec.replicas", managers: &["kube-controller-manager", "horizontal-pod-autoscaler"] },
    KnownOwner {
        kind: "",
        path: "spec.template.spec.containers[*].resources.*",
        managers: &["vpa-updater", "vpa-recommender", "vpa-admission-controller"],
    },
    KnownOwner {
        kind: "",
        path: "webhooks[*].clientConfig.caBundle",
        managers: &["cainjector", "cert-manager-cainjector", "controller"],
    },
    KnownOwner {
        kind: "",
        path: "spec.conversion.webhook.clientConfig.caBundle",
        managers: &["cainjector", "cert-manager-cainjector"],
    },
    KnownOwner { kind: "Service", path: "spec.clusterIP*", managers: &["kube-apiserver"] },
];

/// Compares an object's `managedFields` right after our apply with those of now.
pub fn judge_drift(kind: &GroupKind, applied: &Value, now: &Value, rules: &DriftRules) -> DriftVerdict {
    let (was, is) = (own_fields(applied), own_fields(now));
    if own_entries(now).next().is_none() {
        return DriftVerdict::LookInFull(LookReason::NoEntry);
    }
    let time = |fields: &Value| own_entries(fields).filter_map(|entry| entry["time"].as_str()).max().map(str::to_owned);
    if was == is {
        return match time(applied) == time(now) {
            true => DriftVerdict::None,
            false => DriftVerdict::LookInFull(LookReason::AppliedUnderOurName),
        };
    }
    let lost: Vec<&Vec<String>> = was.difference(&is).collect();
    let leaves = lost.iter().filter(|path| !lost.iter().any(|other| is_inside(other, path)));
    let paths: Vec<String> = leaves.map(|path| shown(path)).collect();
    if paths.is_empty() {
        return DriftVerdict::LookInFull(LookReason::MoreFields);
    }
    let by = managers_of(now, &paths);
    let manager = by.as_ref().map_or("", |by| by.manager.as_str());
    match paths.iter().all(|path| rules.allow(kind, path, manager)) {
        true => DriftVerdict::Yielded { paths, by },
        false => DriftVerdict::Changed { paths, by },
    }
}

impl DriftRules {
    pub(super) fn allow(&self, kind: &GroupKind, path: &str, manager: &str) -> bool {
        let ignored = self.ignore.iter().any(|pattern| fits(pattern, path));
        ignored
            || KNOWN_OWNERS.iter().any(|known| {
                (known.kind.is_empty() || known.kind == kind.kind)
                    && fits(known.path, path)
                    && known.managers.contains(&manager)
            })
    }
}

/// Somebody else writes the same fields: after this many repairs within the window an object is left alone.
const MAX_HEALS: usize = 5;

/// The window of a fight, in seconds.
const FIGHT_WINDOW_SECS: i64 = 60;

/// Whether an object is fought over, as a state machine over given times. While it is open, every repair is let through
/// and noted; the fifth within a minute closes it; a minute after the repair that closed it, it is open again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FightBreaker {
    /// When the object was put back lately, in order.
    heals: Vec<DateTime<Utc>>,
}

impl FightBreaker {
    /// Notes a repair.
    pub fn note(&mut self, now: DateTime<Utc>) {
        self.heals.retain(|heal| is_recent(*heal, now));
        self.heals.push(now);
    }

    /// Whether the object was put back lately.
    pub fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.heals.iter().any(|heal| is_recent(*heal, now))
    }

    /// Until when the object is left alone; `None` when it may be repaired.
    pub fn held_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let recent: Vec<_> = self.heals.iter().filter(|heal| is_recent(**heal, now)).collect();
        let until = |heal: &DateTime<Utc>| *heal + chrono::TimeDelta::seconds(FIGHT_WINDOW_SECS);
        // It opens when the oldest of the last five leaves the window.
        recent.len().checked_sub(MAX_HEALS).and_then(|oldest| recent.get(oldest)).map(|heal| until(heal))
    }
}

fn is_recent(heal: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(heal).num_seconds() < FIGHT_WINDOW_SECS
}
