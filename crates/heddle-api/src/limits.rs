//! The limits of this program, for `docs/reference/limits.md`. The constants stand where they are obeyed.

use heddle_core::limit::Limit;

use crate::{attempts, layers, routes};

const TOO_LARGE: &str = "413 `body-too-large`";
const TOO_MANY_TRIES: &str = "429 `too-many-requests` with `Retry-After`";

/// Every limit of the API.
pub const LIMITS: &[Limit] = &[
    Limit::bytes(
        "body of a request, decompressed, where nothing else is said",
        layers::BODY_LIMIT_BYTES as u64,
        TOO_LARGE,
    ),
    Limit::bytes("report of an agent", routes::agent::REPORT_LIMIT_BYTES as u64, TOO_LARGE),
    Limit::bytes("report of an automator", routes::automator::REPORT_LIMIT_BYTES as u64, TOO_LARGE),
    of_tries("failed log-ins of one account from one address", attempts::Limit::LoginPair),
    of_tries("failed log-ins of one account", attempts::Limit::LoginAccount),
    of_tries("log-ins from one address", attempts::Limit::LoginAddress),
    of_tries("sign-ups from one address", attempts::Limit::SignUpAddress),
    of_tries("enrollments from one address", attempts::Limit::EnrollAddress),
];

const fn of_tries(what: &'static str, of: attempts::Limit) -> Limit {
    let (count, time) = of.rate();
    Limit::rate(what, count, time, TOO_MANY_TRIES)
}
