//! The limits of the agent, for `docs/reference/limits.md`. The constants stand where they are obeyed.

use heddle_core::limit::Limit;

use crate::{supervisor, sync};

/// Every limit of this crate.
pub const LIMITS: &[Limit] = &[
    Limit::count("errors of a `Sync` in its status", sync::IN_STATUS as u64, "the dashboard shows more"),
    Limit::count("objects of a stopped prune in a report", sync::IN_REPORT as u64, "their number is told all the same"),
    Limit::count("drifts of a `Sync` in a report", sync::MAX_DRIFTS as u64, "the latest are shown"),
    Limit::count(
        "repairs of one field within a minute",
        heddle_reconcile::MAX_HEALS as u64,
        "it is left alone for a minute, and `FoughtOver` says so",
    ),
    Limit::count(
        "fields of a `Sync` that are fought over and known as such after a restart",
        sync::MAX_KEPT as u64,
        "those are that are left alone for the longest",
    ),
    Limit::count(
        "objects that stay in one namespace or definition after their `Sync` let go of them, known by name",
        heddle_reconcile::MAX_HOLDS as u64,
        "it is not deleted any more: delete it by hand",
    ),
    Limit::time(
        "the pause between two tries of a field that is fought over",
        heddle_reconcile::LONGEST_PAUSE,
        "it is tried again",
    ),
    Limit::count("Syncs that are rendered at once in one agent", sync::MAX_AT_ONCE as u64, "others wait"),
    Limit::time(
        "a path that holds any turn of those that are rendered",
        sync::QUICK_LIMIT,
        "it begins anew in the one turn of the slow ones, and the others go on",
    ),
    Limit::count(
        "tries of an object whose fault may pass",
        sync::MAX_TRIES as u64,
        "the revision is told as failed, with what of it is well; it is tried on",
    ),
    Limit::time(
        "what was last seen of objects that cannot be watched for a while",
        sync::BLIND_AFTER,
        "their health is unknown until they are seen again",
    ),
    Limit::time("the first lists of what is watched", sync::LIST_LIMIT, "what is not listed yet counts as unknown"),
    Limit::time("a former run of a hook to be gone", sync::GONE_LIMIT, "an error of the hook, tried again"),
    Limit::time(
        "a kind to be served after its definition",
        sync::DEFINITION_LIMIT,
        "an error of its objects, tried again",
    ),
    Limit::time(
        "objects that are refused right after their definition was changed",
        sync::SCHEMA_LIMIT,
        "tried until then, then an error of the object",
    ),
    Limit::time(
        "the pause before the task of a `Sync` begins anew that ended again and again",
        supervisor::LONGEST_WAIT,
        "its conditions stay as they are; the agent's log has the fault",
    ),
];
