//! The limits of this program, for `docs/reference/limits.md`. The constants stand where they are obeyed.

use std::time::Duration;

use chrono::TimeDelta;
use heddle_core::{drift::MAX_SOURCE_BYTES, limit::Limit, registry::pace, request};
use heddle_db::db;
use heddle_wire::{agent, drift, text};

use crate::{
    attempts, bodies, devices,
    flow::{
        drift as looks,
        request::{promotion, since},
        scan,
    },
    lanes, permission, policies, quotas, rates,
    routes::{self, drift::MOST_JUDGED, registries},
    seal, server,
};

const REPORT_TOO_LARGE: &str = "413 `report-too-large`; the agent splits the report";
const CUT: &str = "it is cut and ends in `…`";
const TOO_LARGE: &str = "413 `body-too-large`";
const BUSY: &str = "503 `busy` with `Retry-After`";
const TOO_MANY_TRIES: &str = "429 `too-many-requests` with `Retry-After`";

/// Every limit of the API.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("compiled policies in memory", policies::MOST_BYTES as u64, "they are compiled anew when asked for"),
    Limit::count("connections", server::MOST_CONNECTIONS as u64, "further ones wait until one ends"),
    Limit::count(
        "connections from one address (IPv6: one /64), where no proxy stands before the API",
        server::MOST_FROM_AN_ADDRESS as u64,
        "the connection is closed",
    ),
    Limit::bytes("head of a request", server::HEAD_LIMIT_BYTES as u64, "431, and the connection is closed"),
    Limit::count("header fields of a request", server::MOST_HEADERS as u64, "431, and the connection is closed"),
    Limit::time(
        "until the head of a request is there, also of the next one on the connection",
        server::LONGEST_HEAD,
        "the connection is closed",
    ),
    Limit::time("until the body of a request is there", bodies::LONGEST, "408 `body-too-slow`"),
    Limit::bytes(
        "body of a stranger: log-in, sign-up, enrollment",
        permission::STRANGERS_BODY_LIMIT_BYTES as u64,
        TOO_LARGE,
    ),
    Limit::bytes(
        "body of a request, decompressed, where nothing else is said",
        permission::BODY_LIMIT_BYTES as u64,
        TOO_LARGE,
    ),
    Limit::count(
        "changes of a branch since the instant to which an environment goes back",
        since::MOST_CHANGES.unsigned_abs(),
        "409 `too-many-changes`",
    ),
    Limit::count(
        "signature checks of one tag",
        scan::MAX_CHECKS as u64,
        "what was verified is kept first; the tag waits for the signers of the others",
    ),
    Limit::count("images that are promoted at once", promotion::MOST_IMAGES as u64, "409 `too-many-images`"),
    Limit::bytes("report of an agent", agent::MAX_REPORT_BYTES as u64, TOO_LARGE),
    Limit::count("facts in a report of an agent", agent::MAX_FACTS as u64, REPORT_TOO_LARGE),
    Limit::count("Syncs in a report of an agent", agent::MAX_SYNCS as u64, REPORT_TOO_LARGE),
    Limit::count("workloads in a report of an agent", agent::MAX_WORKLOADS as u64, REPORT_TOO_LARGE),
    Limit::count("images in one fact or workload", agent::MAX_IMAGES as u64, REPORT_TOO_LARGE),
    Limit::bytes("fact that an agent sends", agent::MAX_FACT_BYTES as u64, "the agent sets it aside and says so"),
    Limit::count("errors in the state of a Sync", agent::MAX_ERRORS as u64, "an error says how many more there are"),
    Limit::count("errors in a fact", agent::MAX_FACT_ERRORS as u64, "the rest stands in the state of the Sync"),
    Limit::count("names of Syncs in a report of an agent", agent::MAX_PRESENT as u64, REPORT_TOO_LARGE),
    Limit::bytes("sentence in a report of an agent", text::MAX_MESSAGE_BYTES as u64, CUT),
    Limit::bytes("name in a report of an agent", text::MAX_NAME_BYTES as u64, CUT),
    Limit::bytes("path in a report of an agent", text::MAX_PATH_BYTES as u64, CUT),
    Limit::bytes("look of a reporter", drift::MAX_LOOK_BYTES as u64, TOO_LARGE),
    Limit::count("things that differ in a look", drift::MAX_ITEMS as u64, LOOK_TOO_LARGE),
    Limit::count("places of one thing that differ in a look", drift::MAX_DIFFERENCES as u64, LOOK_TOO_LARGE),
    Limit::count("things in a look that were not looked at", drift::MAX_NOT_LOOKED_AT as u64, LOOK_TOO_LARGE),
    Limit::bytes("value in a look", drift::MAX_VALUE_BYTES as u64, CUT),
    Limit::bytes("name of a source of drift", MAX_SOURCE_BYTES as u64, "422 with the field"),
    Limit::time("a look ended ahead of the API's clock", in_std(looks::MOST_AHEAD), "422: ask the API what time it is"),
    Limit::time("one look, and until it is told", in_std(looks::LONGEST_LOOK), "422: look again"),
    Limit::count(
        "Syncs, and records of drift, that are judged for a list",
        MOST_JUDGED as u64,
        "the rest is counted and not shown, and `heddle drift --check` says no: ask for one environment",
    ),
    Limit::bytes(
        "what was found when somebody looked for drift, of one organization",
        looks::MOST_BYTES.unsigned_abs(),
        "the record that takes the most keeps its last look alone",
    ),
    Limit::bytes(
        "what was found when somebody looked, of one record",
        looks::MOST_RECORD_BYTES.unsigned_abs(),
        "the oldest are forgotten",
    ),
    Limit::bytes("a look that is kept where that is reached", looks::LEAST_BYTES as u64, "the rest is counted"),
    Limit::bytes("report of an automator", routes::automator::REPORT_LIMIT_BYTES as u64, TOO_LARGE),
    Limit::bytes("webhook of GitHub", routes::webhooks::DELIVERY_LIMIT_BYTES as u64, TOO_LARGE),
    Limit::bytes("push notice of a registry", routes::webhooks::NOTICE_LIMIT_BYTES as u64, TOO_LARGE),
    Limit::bytes("bodies of people in memory", bodies::PEOPLE_BYTES as u64, BUSY),
    Limit::bytes("push notices in memory", bodies::SENDERS_BYTES as u64, BUSY),
    Limit::bytes("webhooks of GitHub in memory", bodies::WEBHOOKS_BYTES as u64, BUSY),
    Limit::bytes(
        "webhooks from one address (IPv6: one /64) in memory",
        bodies::WEBHOOKS_OF_AN_ADDRESS_BYTES as u64,
        BUSY,
    ),
    Limit::bytes("reports of agents in memory", bodies::AGENTS_BYTES as u64, BUSY),
    Limit::bytes(
        "reports of one organization's agents in memory",
        bodies::AGENTS_OF_AN_ORGANIZATION_BYTES as u64,
        BUSY,
    ),
    Limit::bytes("looks of reporters in memory", bodies::REPORTERS_BYTES as u64, BUSY),
    Limit::bytes(
        "looks of one organization's reporters in memory",
        bodies::REPORTERS_OF_AN_ORGANIZATION_BYTES as u64,
        BUSY,
    ),
    Limit::bytes("reports of automators in memory", bodies::AUTOMATORS_BYTES as u64, BUSY),
    Limit::bytes("reports of organizations' own automators in memory", bodies::OWN_AUTOMATORS_BYTES as u64, BUSY),
    Limit::bytes(
        "reports of one organization's own automators in memory",
        bodies::OWN_AUTOMATORS_OF_AN_ORGANIZATION_BYTES as u64,
        BUSY,
    ),
    Limit::time("waiting for a connection to Postgres", db::LONGEST_WAIT, BUSY),
    Limit::count("connections to Postgres that one cluster holds", lanes::MOST_OF_A_CLUSTER as u64, "requests wait"),
    Limit::count("connections to Postgres that one receiver holds", lanes::MOST_OF_A_RECEIVER as u64, "requests wait"),
    Limit::count("connections to Postgres that one reporter holds", lanes::MOST_OF_A_REPORTER as u64, "requests wait"),
    Limit::count(
        "connections to Postgres that all programs together hold, of 20",
        lanes::Shares::of(20).machines() as u64,
        "requests wait; people at a browser do not",
    ),
    Limit::count(
        "connections to Postgres that one organization's programs hold, of 20",
        lanes::Shares::of(20).tenant() as u64,
        "requests wait",
    ),
    Limit::rate("push notices of one receiver, over time", rates::NOTICES.each_minute(), rates::MINUTE, TOO_OFTEN),
    Limit::rate("reports of one cluster's agent, over time", rates::AGENTS.each_minute(), rates::MINUTE, TOO_OFTEN),
    Limit::rate("git tokens for one cluster, over time", rates::GIT_TOKENS.each_minute(), rates::MINUTE, TOO_OFTEN),
    Limit::rate("looks of one reporter, over time", rates::LOOKS.each_minute(), rates::MINUTE, TOO_OFTEN),
    Limit::rate(
        "tests of logins of one organization, over time",
        rates::LOGIN_TESTS.each_minute(),
        rates::MINUTE,
        TOO_OFTEN,
    ),
    of_tries(
        "failed log-ins of one account from browsers at one address that it does not know",
        attempts::Limit::LoginPair,
    ),
    of_tries("failed log-ins of one account from browsers that it does not know", attempts::Limit::LoginAccount),
    of_tries("failed log-ins of one account from one browser that it knows", attempts::Limit::LoginDevice),
    of_tries("log-ins from browsers at one address that the account does not know", attempts::Limit::LoginAddress),
    of_tries("sign-ups from one address", attempts::Limit::SignUpAddress),
    of_tries("enrollments from one address (IPv6: one /64)", attempts::Limit::EnrollAddress),
    of_tries("changes of one account's password, with a session of it", attempts::Limit::Password),
    of_tries("uses of links for a new password, from one address", attempts::Limit::PasswordLinkAddress),
    Limit::count(
        "browsers that one account knows",
        devices::MOST_OF_A_USER as u64,
        "the one used longest ago is forgotten",
    ),
    of_quota(quotas::ORGANIZATIONS),
    of_quota(quotas::repositories(100)).or(quotas::REPOSITORIES_SETTING),
    of_quota(quotas::clusters(200)).or(quotas::CLUSTERS_SETTING),
    Limit::count(
        "different images that rules govern in one config repository",
        quotas::IMAGES.most as u64,
        "the repository's page says so; what the last good read saw stays",
    ),
    of_quota(quotas::RECEIVERS),
    of_quota(quotas::REPORTERS),
    of_quota(quotas::DRIFT_RECORDS),
    of_quota(quotas::TOKENS),
    of_quota(quotas::REGISTRY_LOGINS),
    of_quota(quotas::OWN_AUTOMATORS),
    Limit::count(
        "registries, or domains of some, that one own automator serves",
        routes::own_automators::MOST_HOSTS as u64,
        "422 with the field",
    ),
    Limit::count(
        "scans of one organization at one registry with one login, at once",
        pace::MOST_AT_ONCE as u64,
        "further ones wait; nobody else does",
    ),
    Limit::count("requests of one scan at once", pace::REQUESTS_OF_A_SCAN as u64, "further ones wait"),
    Limit::count(
        "keys in the file of sealing keys",
        seal::MAX_KEYS as u64,
        "stored secrets cannot be read until some are taken out",
    ),
    Limit::bytes("text of a login to a registry", registries::MAX_TEXT_BYTES as u64, "422 with the field"),
    of_quota(quotas::INVITATIONS),
    of_quota(quotas::REQUESTS),
    Limit::count(
        "characters of a reason that stands in a commit",
        request::MAX_REASON_CHARS as u64,
        "422 with the field",
    ),
    Limit::count(
        "characters of a person's name that stand in a commit",
        request::MAX_NAME_CHARS as u64,
        "the rest is left out",
    ),
];

const LOOK_TOO_LARGE: &str = "413 `look-too-large`; `heddle diff --report` counts the rest";

/// A length of time that is none of nothing.
const fn in_std(time: TimeDelta) -> Duration {
    Duration::from_secs(time.num_seconds().unsigned_abs())
}

const fn of_quota(quota: quotas::Quota) -> Limit {
    Limit::count(quota.what, quota.most as u64, "409 `quota-reached` with the remedy")
}

const TOO_OFTEN: &str = "429 `too-many-requests` with `Retry-After`; some more may come at once";

const fn of_tries(what: &'static str, of: attempts::Limit) -> Limit {
    let (count, time) = of.rate();
    Limit::rate(what, count, time, TOO_MANY_TRIES)
}
