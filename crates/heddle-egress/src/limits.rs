//! How much of a stranger's host is borne with.

use std::time::Duration;

use heddle_core::limit::Limit;

/// The most headers of an answer. Over HTTP/1.1 all of them together have at most 408 KiB, which is hyper's limit.
pub const MAX_HEADERS: usize = 100;

/// The most bytes of an answer's headers over HTTP/2.
pub const MAX_HEADER_LIST_BYTES: u32 = 64 << 10;

/// How many redirects of one request are followed.
pub const MAX_REDIRECTS: usize = 3;

/// How long a connection may take, with TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be silent.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Every limit of this crate, for `docs/reference/limits.md`.
pub const LIMITS: &[Limit] = &[
    Limit::count("headers of an answer", MAX_HEADERS as u64, FAILED),
    Limit::bytes("headers of an answer over HTTP/2", MAX_HEADER_LIST_BYTES as u64, FAILED),
    Limit::count("redirects of a request", MAX_REDIRECTS as u64, FAILED),
    Limit::time("connecting to a registry, or to a host of remote bases", CONNECT_TIMEOUT, FAILED),
    Limit::time("silence of such a host", READ_TIMEOUT, FAILED),
];

const FAILED: &str =
    "what was asked for failed, with the reason: a scan in its line, a remote base at its line of the kustomization";
