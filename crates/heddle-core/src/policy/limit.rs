//! What a policy may cost. Policies are written by whoever may write to a repository, and followed by a program that works
//! for others too.

use chrono::TimeDelta;

use crate::limit::Limit;

/// The longest regular expression, glob or range of a policy, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 1_000;

/// The largest that one expression may become once compiled, in bytes.
pub const MAX_COMPILED_BYTES: usize = 64 << 10;

/// The most patterns in one list of a policy, such as `allow` or `ignore`.
pub const MAX_PATTERNS: usize = 100;

/// The largest that all expressions of one policy may become once compiled, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// The most policies that one repository's configuration may hold.
pub const MAX_POLICIES: usize = 200;

/// The largest that the expressions of all policies of one repository may become once compiled, in bytes.
pub const MAX_POLICIES_BYTES: usize = 8 << 20;

/// The most tags that are described in one scan to learn which of them is the image that runs.
pub const MAX_COMPARED_TAGS: usize = 20;

/// The most signers that one policy may name.
pub const MAX_SIGNERS: usize = 8;

/// The most tags of which one scan learns for a policy whether they are signed, those that are due again aside.
pub const MAX_VERIFIED_TAGS: usize = 20;

/// How long ago the registry may have been read for a tag to be taken without the digest that was verified. Scans see every
/// few minutes what it names.
pub const MAX_BARE_AGE: TimeDelta = TimeDelta::hours(1);

/// The limits of policies, as `docs/reference/limits.md` tells them.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("regular expression, glob or range of a policy", MAX_EXPRESSION_BYTES as u64, "finding `wrong-value`"),
    Limit::bytes("one expression of a policy, compiled", MAX_COMPILED_BYTES as u64, "finding `wrong-value`"),
    Limit::count("patterns in `allow`, `ignore` and the like", MAX_PATTERNS as u64, "finding `wrong-value`"),
    Limit::bytes("all expressions of one policy, compiled", MAX_POLICY_BYTES as u64, "finding `wrong-value`"),
    Limit::count("different policies in one repository", MAX_POLICIES as u64, "finding `too-many-policies`"),
    Limit::bytes(
        "all expressions of one repository, compiled",
        MAX_POLICIES_BYTES as u64,
        "finding `too-many-policies`",
    ),
    Limit::count(
        "tags that one scan compares with what runs",
        MAX_COMPARED_TAGS as u64,
        "the finding `current` stays until one is found",
    ),
    Limit::count("signers in `signed_by`", MAX_SIGNERS as u64, "finding `wrong-value`"),
    Limit::count(
        "tags whose signatures one scan looks for, for one policy",
        MAX_VERIFIED_TAGS as u64,
        "those of which nothing is known first, of these the greatest; the others wait for another scan",
    ),
    Limit::time(
        "a look at what a tag names that `tag_only` takes",
        std::time::Duration::from_secs(MAX_BARE_AGE.num_seconds().unsigned_abs()),
        "the tag waits until the registry was read again",
    ),
];
