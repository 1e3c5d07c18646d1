//! What a registry says of its limit in the headers of an answer.
//!
//! Sources: Docker Hub, "Usage and limits" (`RateLimit-Limit: 100;w=21600`, a window that rolls); the IETF drafts "RateLimit
//! header fields for HTTP" (03: three fields; 07: one list; 08 and later: `"policy";r=…;t=…` beside `RateLimit-Policy`);
//! GitHub, "Rate limits for the REST API" and GitLab, "User and IP rate limits" (`…-Reset` as seconds since 1970).

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::registry::pace::Allowance;
use reqwest::header::HeaderMap;

use crate::limits::{MAX_HEADER_BYTES, MAX_RETRY_AFTER};

#[cfg(test)]
mod tests;

/// Seconds beyond this are a time since 1970: no window is thirty years long.
const EPOCH_FROM: i64 = 1_000_000_000;

/// What the headers of an answer say of the registry's limit; `None` where they say nothing that is known.
pub(crate) fn allowance(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Allowance> {
    let one_field = || of_one_field(text(headers, "ratelimit")?, text(headers, "ratelimit-policy"), now);
    of_fields(headers, "ratelimit", now).or_else(one_field).or_else(|| of_fields(headers, "x-ratelimit", now))
}

/// The one of two that leaves less.
pub(crate) fn least(one: Option<Allowance>, other: Option<Allowance>) -> Option<Allowance> {
    let share = |allowance: &Allowance| (u128::from(allowance.remaining) << 64) / u128::from(allowance.limit.max(1));
    one.into_iter().chain(other).min_by_key(share)
}

/// `…-Limit`, `…-Remaining` and, unless the window rolls, `…-Reset`.
fn of_fields(headers: &HeaderMap, prefix: &str, now: DateTime<Utc>) -> Option<Allowance> {
    let field = |name: &str| text(headers, &format!("{prefix}-{name}"));
    let (limit, rolls) = number_of(field("limit")?)?;
    let (remaining, _) = number_of(field("remaining")?)?;
    let reset = field("reset").and_then(number_of).filter(|_| !rolls);
    made(limit, remaining, reset.and_then(|(seconds, _)| resets_at(seconds, now)))
}

/// `limit=100, remaining=50, reset=5`, or `"default";r=50;t=30` with the limit in the policy of the same name.
fn of_one_field(field: &str, policy: Option<&str>, now: DateTime<Utc>) -> Option<Allowance> {
    let parameter = |text: &str, name: &str| {
        let mut parts = text.split([',', ';']).filter_map(|part| part.trim().split_once('='));
        parts.find(|(key, _)| key.trim() == name).and_then(|(_, value)| value.trim().parse::<u64>().ok())
    };
    let reset = |seconds: Option<u64>| seconds.and_then(|seconds| resets_at(seconds, now));
    if let (Some(limit), Some(remaining)) = (parameter(field, "limit"), parameter(field, "remaining")) {
        return made(limit, remaining, reset(parameter(field, "reset")));
    }
    // Of several policies the first is the one that the registry means.
    let first = field.split(',').next()?;
    let name = first.split(';').next()?.trim();
    let named = policy?.split(',').find(|one| one.split(';').next().map(str::trim) == Some(name))?;
    made(parameter(named, "q")?, parameter(first, "r")?, reset(parameter(first, "t")))
}

fn made(limit: u64, remaining: u64, resets_at: Option<DateTime<Utc>>) -> Option<Allowance> {
    (limit > 0).then_some(Allowance { limit, remaining: remaining.min(limit), resets_at })
}

/// A number, and whether a window stands beside it, which then rolls: `100;w=21600`. A list of windows gives the first.
fn number_of(text: &str) -> Option<(u64, bool)> {
    let first = text.split(',').next()?;
    let (number, rest) = first.split_once(';').unwrap_or((first, ""));
    Some((number.trim().parse().ok()?, rest.trim().starts_with("w=")))
}

/// Seconds from now, or since 1970; at most a day from now.
fn resets_at(seconds: u64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let longest = now + TimeDelta::from_std(MAX_RETRY_AFTER).ok()?;
    let seconds = i64::try_from(seconds).ok()?;
    let at = if seconds >= EPOCH_FROM {
        DateTime::from_timestamp(seconds, 0)?
    } else {
        now.checked_add_signed(TimeDelta::try_seconds(seconds)?)?
    };
    Some(at.clamp(now, longest))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).filter(|value| value.len() <= MAX_HEADER_BYTES)?.to_str().ok()
}
