//! How much of a registry, and of the login server that it names, is taken.
//!
//! Each is a stranger's, and reached with the memory and the time of everybody's automator.

use std::time::Duration;

use heddle_core::limit::Limit;

/// The most tags of one image. A longer list is a failure in words, and never a short list.
pub const MAX_TAGS: usize = 100_000;

/// The largest list of tags in bytes, over all of its pages and after decompression.
pub const MAX_LIST_BYTES: usize = 16 << 20;

/// The largest index of a repository of charts in bytes, after decompression.
pub const MAX_INDEX_BYTES: usize = 32 << 20;

/// The most charts and versions of charts in one index, together. Large ones have about 20,000.
pub const MAX_INDEX_VERSIONS: usize = 50_000;

/// The most bytes of a name, a version or an address in an index.
pub const MAX_INDEX_TEXT_BYTES: usize = 2048;

/// The most bytes that what is kept of one index may take.
pub const MAX_KEPT_INDEX_BYTES: u64 = 64 << 20;

/// The most values of all kinds in one index. Large ones have about a million.
pub const MAX_INDEX_NODES: usize = 1_500_000;

/// How many indexes are read at once. The whole text of one is in memory meanwhile.
pub const MAX_INDEXES_AT_ONCE: usize = 2;

/// The most pages of a list of tags.
pub const MAX_PAGES: usize = 1000;

/// The longest text in a list of tags, in bytes. A tag has at most 128 characters.
pub const MAX_LIST_TEXT_BYTES: usize = 4096;

/// How long a whole list of tags may take, with the login.
pub const LIST_DEADLINE: Duration = Duration::from_secs(35);

/// The largest manifest, which is what the specification lets registries refuse, and the largest image configuration.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;

/// How long the description of one tag may take.
pub const DESCRIBE_DEADLINE: Duration = Duration::from_secs(15);

/// How long it may take to fetch all that is attached to one image as its signature. As long as describing one tag, so that a
/// scan comes to its end before its own deadline.
pub const SIGNATURES_DEADLINE: Duration = Duration::from_secs(15);

/// The most signatures of one image that are fetched.
pub const MAX_SIGNATURES: usize = 16;

/// The most bytes of signatures of one image that are held at once, after decompression.
pub const MAX_ATTACHED_BYTES: usize = 4 << 20;

/// The most pages of a list of what is attached to an image.
pub const MAX_REFERRER_PAGES: usize = 8;

/// The largest payload of a signature, in bytes. One of cosign has about 250.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// The largest bundle of a signature, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 1 << 20;

/// The largest answer of a login server in bytes, after decompression.
pub const MAX_LOGIN_BYTES: usize = 1 << 20;

/// The longest token in bytes. It is sent in a header, and most servers take 8 to 32 KiB of headers.
pub const MAX_TOKEN_BYTES: usize = 16 << 10;

/// How long a login may take.
pub const LOGIN_DEADLINE: Duration = Duration::from_secs(15);

/// How many short-lived logins of clouds are kept.
pub const MAX_KEPT_LOGINS: usize = 1000;

/// The longest header that is read: what it names next is kept in memory or in the store.
pub const MAX_HEADER_BYTES: usize = 8 << 10;

/// The longest wait that a registry may ask for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Every limit of this crate, for `docs/reference/limits.md`.
pub const LIMITS: &[Limit] = &[
    Limit::count("tags of one image", MAX_TAGS as u64, FAILED),
    Limit::bytes("a list of tags, over all of its pages", MAX_LIST_BYTES as u64, FAILED),
    Limit::count("pages of a list of tags", MAX_PAGES as u64, FAILED),
    Limit::bytes("an index of a repository of charts", MAX_INDEX_BYTES as u64, FAILED),
    Limit::count("charts and versions in such an index", MAX_INDEX_VERSIONS as u64, FAILED),
    Limit::count("values of all kinds in such an index", MAX_INDEX_NODES as u64, FAILED),
    Limit::bytes(
        "a name, a version or an address in such an index",
        MAX_INDEX_TEXT_BYTES as u64,
        "it counts as not said; others are read",
    ),
    Limit::bytes("what is kept of such an index", MAX_KEPT_INDEX_BYTES, FAILED),
    Limit::count("such indexes that are read at once", MAX_INDEXES_AT_ONCE as u64, "others wait"),
    Limit::bytes("a text in a list of tags", MAX_LIST_TEXT_BYTES as u64, FAILED),
    Limit::time("listing the tags of an image, with the login", LIST_DEADLINE, FAILED),
    Limit::bytes("a manifest, or the configuration of an image", MAX_MANIFEST_BYTES as u64, NOT_DESCRIBED),
    Limit::time("describing one tag", DESCRIBE_DEADLINE, NOT_DESCRIBED),
    Limit::time("fetching the signatures of one image", SIGNATURES_DEADLINE, NOT_VERIFIED),
    Limit::count("signatures of one image that are fetched", MAX_SIGNATURES as u64, NOT_VERIFIED),
    Limit::bytes("all signatures of one image", MAX_ATTACHED_BYTES as u64, NOT_VERIFIED),
    Limit::count("pages of what is attached to an image", MAX_REFERRER_PAGES as u64, NOT_VERIFIED),
    Limit::bytes("the payload of a signature", MAX_PAYLOAD_BYTES as u64, NOT_VERIFIED),
    Limit::bytes("the bundle of a signature", MAX_BUNDLE_BYTES as u64, NOT_VERIFIED),
    Limit::bytes("the answer of a login server", MAX_LOGIN_BYTES as u64, FAILED),
    Limit::bytes("a token", MAX_TOKEN_BYTES as u64, FAILED),
    Limit::time("a login", LOGIN_DEADLINE, FAILED),
    Limit::count("short-lived logins of clouds that are kept", MAX_KEPT_LOGINS as u64, "all are asked for anew"),
    Limit::bytes("a challenge, or the address of a next page", MAX_HEADER_BYTES as u64, FAILED),
    Limit::bytes("an entity tag", MAX_HEADER_BYTES as u64, "it is not kept, so the whole list is read each time"),
    Limit::time("a wait that a registry asks for", MAX_RETRY_AFTER, "it is asked again after this time"),
];

const FAILED: &str = "the scan of the image failed, with the reason in its line and on the Overview";
const NOT_VERIFIED: &str = "where no other signature counts, the tag waits with the reason";
const NOT_DESCRIBED: &str = "choices that depend on the tag wait, with the reason";
