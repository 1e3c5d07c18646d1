//! How long work may take, and how much of this process one organization or one registry may hold.
//!
//! Limits on what registries send are `heddle_registry::limits`, on repositories in `repository`.

use std::time::Duration;

use heddle_core::limit::Limit;

/// How long a scan may read its registry. What that sends has earlier deadlines, so that a scan says which one was missed.
pub const SCAN_DEADLINE: Duration = Duration::from_secs(60);

/// How long the report of a scan may take.
pub const REPORT_DEADLINE: Duration = Duration::from_secs(30);

/// How long reading a repository may take.
pub const READ_DEADLINE: Duration = Duration::from_secs(300);

/// How far back a branch is followed to a known revision, in commits. What is older counts as rewritten.
pub const MAX_COMMITS: usize = 1000;

/// How long a read may look for commits that somebody asked for.
pub const LOOKS_DEADLINE: Duration = Duration::from_secs(60);

/// How long after a read's start it ends to look for them, so that it can report within [`READ_DEADLINE`].
pub const LOOKS_END: Duration = Duration::from_secs(240);

/// Of a commit that is on no branch so many merged pull requests are followed, to find what it became.
pub const MAX_MERGES_OF_A_COMMIT: usize = 3;

/// Of so many new commits of a branch the pull request that brought each is asked for; of the others when somebody asks.
pub const MAX_ASKED_PULLS: usize = 20;

/// How long updating a repository may take. What was announced and not confirmed is settled by the next update.
pub const UPDATE_DEADLINE: Duration = Duration::from_secs(600);

/// How long after its start a scan begins to describe tags; the next one goes on where it stopped.
pub const DESCRIBE_TIME: Duration = Duration::from_secs(40);

/// The most tags that one scan describes; the next one goes on. Docker Hub counts each against its limit.
pub const MAX_DESCRIBED: usize = 500;

/// A scan that takes longer is slow: while all slots are taken, slow scans hold no more than their share. A long list of an
/// honest registry takes more than ten seconds, and none may take as long as `heddle_registry::limits::LIST_DEADLINE`.
pub const QUICK_SCAN: Duration = Duration::from_secs(25);

/// How long a list of tags may take over several scans. One that is older says too little of now.
pub const LONGEST_LIST: Duration = Duration::from_secs(600);

/// How many lists that need several scans are kept between these, in one process. Each is within
/// `heddle_registry::limits::MAX_LIST_BYTES`.
pub const MOST_LISTS: usize = 4;

/// A scan that fails after longer than this failed slowly. A registry that is not there is noticed after ten seconds.
pub const SLOW_FAILURE: Duration = Duration::from_secs(10);

/// How many slots the slow scans of one organization at one registry hold while all slots are taken.
pub const SLOW_SCANS_OF_REGISTRY: usize = 1;

/// One part in this many of the slots is for the slow scans of one organization while all slots are taken, at least one.
pub const ORGANIZATION_PART: usize = 4;

/// One part in this many of the slots is for slow scans while all slots are taken, at least one.
pub const SLOW_PART: usize = 2;

/// How long an organization leaves a registry alone after scans of two images that failed slowly; doubled with each one in a
/// row.
pub const FIRST_REST: Duration = Duration::from_secs(5);

/// The longest that an organization leaves a slow registry alone.
pub const LONGEST_REST: Duration = Duration::from_secs(600);

/// How long a repository waits when its organization holds half of the slots, another one has work, and one slot is left.
pub const REPOSITORY_WAIT: Duration = Duration::from_secs(2);

/// The largest Docker configuration that an automator has with itself. Kubernetes' Secrets have at most 1 MiB.
pub const MAX_PULL_SECRET_BYTES: usize = 1 << 20;

/// How often a slow scan looks whether others wait.
pub const SLOW_LOOK: Duration = Duration::from_secs(1);

/// The limits of this program, for `docs/reference/limits.md`.
pub const LIMITS: &[Limit] = &[
    Limit::time("reading a registry for a scan", SCAN_DEADLINE, SCAN_FAILED),
    Limit::time("reading a list of tags over several scans", LONGEST_LIST, SCAN_FAILED),
    Limit::count(
        "lists of tags that are read over several scans, kept",
        MOST_LISTS as u64,
        "the scan of the newest fails, and begins anew",
    ),
    Limit::time("reading a repository", READ_DEADLINE, AGAIN),
    Limit::time("updating a repository", UPDATE_DEADLINE, AGAIN),
    Limit::count(
        "commits between two reads of a branch",
        MAX_COMMITS as u64,
        "the head alone is known and what was before counts as rewritten; other commits are looked for when somebody asks",
    ),
    Limit::count(
        "new commits of a branch of which a read asks for the pull request",
        MAX_ASKED_PULLS as u64,
        "that of others is asked for when somebody looks for them",
    ),
    Limit::count(
        "merged pull requests that are followed to find what a commit became",
        MAX_MERGES_OF_A_COMMIT as u64,
        "the others are not tried; what only they brought is told as on no branch",
    ),
    Limit::time("looks for commits in one read", LOOKS_DEADLINE, "the others wait for the next read"),
    Limit::time("describing tags in one scan", DESCRIBE_TIME, NEXT_SCAN),
    Limit::count("tags described in one scan", MAX_DESCRIBED as u64, NEXT_SCAN),
    Limit::time("a scan that holds its slot whoever waits", QUICK_SCAN, GIVES_WAY),
    Limit::count("slow scans of one organization at one registry", SLOW_SCANS_OF_REGISTRY as u64, GIVES_WAY),
    Limit::bytes("a Docker configuration that an automator has with itself", MAX_PULL_SECRET_BYTES as u64, SCAN_FAILED),
    Limit::time("rest of a registry at which two images failed slowly", LONGEST_REST, "its images are scanned again"),
];

const SCAN_FAILED: &str = "the scan of the image failed, with the reason in its line and on the Overview";
const AGAIN: &str = "the work fails with that reason and comes back, later each time";
const NEXT_SCAN: &str = "the next scan goes on; choices that depend on the tags wait, with the reason";
const GIVES_WAY: &str =
    "while all slots are taken, the scan fails with that reason; after two images in a row, the registry rests";
