//! The verdict on an object's `managedFields` before and now.

use serde_json::Value;

use super::{DriftRules, Takeover, is_inside, managers_of, own_entries, own_fields, shown};
use crate::GroupKind;

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
    let (theirs, changed): (Vec<String>, Vec<String>) =
        paths.into_iter().partition(|path| rules.allow(kind, path, manager));
    match changed.is_empty() {
        true => DriftVerdict::Yielded { paths: theirs, by },
        false => DriftVerdict::Changed { paths: changed, by },
    }
}
