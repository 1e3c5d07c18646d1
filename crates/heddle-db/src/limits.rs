//! The limits of the store, for `docs/reference/limits.md`. The constants stand where they are obeyed.

use heddle_core::limit::Limit;

use crate::{changes, commits, db, retention, revision_looks, work};

/// Every limit of the store.
pub const LIMITS: &[Limit] = &[
    Limit::time("a statement", db::STATEMENT_TIMEOUT, "500; the cause is in the log"),
    Limit::time("waiting for a lock", db::LOCK_TIMEOUT, "503 `busy` with `Retry-After`"),
    Limit::count(
        "leases of one piece of work that run out in a row",
        work::MOST_EXPIRIES,
        "it rests for a day, or at least 10 min when something asks for it; the reason stands at the image or repository",
    ),
    Limit::count(
        "tags that their registry does not list any more, kept of one image",
        retention::MOST_UNLISTED_TAGS.unsigned_abs(),
        "the oldest are forgotten; never one that stands somewhere, is open or was taken back",
    ),
    Limit::count(
        "commits that begin alike, shown at once",
        commits::MOST_FOUND.unsigned_abs(),
        "the newest are shown; write more digits",
    ),
    Limit::count(
        "commits that are looked for in one read of a repository",
        revision_looks::MOST_IN_A_READ.unsigned_abs(),
        "further ones wait for the next read",
    ),
    Limit::count(
        "commits that are looked for in one repository within an hour",
        revision_looks::MOST_AN_HOUR.unsigned_abs(),
        "409 `too-many-looks`",
    ),
    Limit::count(
        "spells in the history of one record of drift",
        retention::MOST_SPELLS.unsigned_abs(),
        "the oldest are forgotten within the hour",
    ),
    Limit::count(
        "tags of an image that were healthy for long enough in an environment that others follow",
        changes::MOST_HEALTHY.unsigned_abs(),
        "older ones wait as if they were never healthy there",
    ),
];
