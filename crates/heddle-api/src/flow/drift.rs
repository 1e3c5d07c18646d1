//! What a reporter found when it looked.

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::drift::{DriftTool, Found};
use heddle_db::{
    Tx,
    drift_records::{self, RecordName},
    drift_spells::{self, Content, NewLook, Newest},
    notice::{Notice, Topic},
    reporters,
};
use heddle_wire::drift::DriftLook;
use serde_json::json;

use crate::{
    principal::Reporter,
    problem::{ApiError, ApiResult},
};

/// How far the clock of whoever reports may be off. What is less is put right.
pub const MOST_SKEW: TimeDelta = TimeDelta::minutes(10);

/// How long a look may have taken, and how old it may be when it is told.
pub const LONGEST_LOOK: TimeDelta = TimeDelta::days(1);

/// A time as the database keeps it: two looks of a record never end at the same.
const TICK: TimeDelta = TimeDelta::microseconds(1);

/// Stores a look, unless a newer one is known; gives what it found.
///
/// # Errors
/// 403 when the token is for another record; 409 when a newer look is known; 422 when its times cannot be.
pub async fn take(tx: &mut Tx, reporter: Reporter, look: &DriftLook, now: DateTime<Utc>) -> ApiResult<Found> {
    let unknown =
        || ApiError::unauthorized("this reporter was revoked; make another one in the dashboard under Settings");
    let own = drift_records::lock(&mut **tx, reporter.record).await?.ok_or_else(unknown)?;
    check_record(&own, look)?;
    if look.plan_hash.is_some() && look.tool != DriftTool::Terraform {
        let message = format!("{} has no plans that are approved: leave `plan_hash` out", look.tool);
        return Err(ApiError::invalid("plan_hash", message));
    }
    let (begun_at, ended_at) = times(look, now)?;
    let newest = drift_spells::find_newest(&mut **tx, reporter.record).await?;
    if let Some(newest) = &newest {
        if newest.look == look.id {
            return Ok(newest.found);
        }
        if begun_at <= newest.begun_at {
            return Err(older(begun_at, newest));
        }
    }
    let name = reporters::note_report(&mut **tx, reporter.id).await?.ok_or_else(unknown)?;
    let found = look.found();
    let ended_at = newest.as_ref().map_or(ended_at, |newest| ended_at.max(newest.last_at + TICK));
    let places_hash = places_hash(look);
    let reason = reason(look);
    let new = NewLook {
        id: look.id,
        reporter: (reporter.id, &name),
        found,
        found_since: newest
            .as_ref()
            .filter(|newest| newest.found == found)
            .map_or(ended_at, |newest| newest.found_since),
        places_hash: &places_hash,
        begun_at,
        ended_at,
        commit: look.commit.as_ref(),
        reason: reason.as_deref(),
        differences: i64::try_from(look.count_items()).unwrap_or(i64::MAX),
        content: content(look)?,
    };
    match newest.filter(|newest| newest.places_hash == places_hash && newest.reporter == Some(reporter.id)) {
        Some(newest) => drift_spells::extend(&mut **tx, newest.id, &new).await?,
        None => drift_spells::insert(&mut **tx, reporter.organization, reporter.record, &new).await?,
    }
    let (organization, id) = (reporter.organization, Some(reporter.record));
    tx.notify(&Notice::Changed { organization, topic: Topic::Drift, id }).await?;
    Ok(found)
}

/// The token is for one record. A look of another is somebody's mistake, and is told so that they find it.
fn check_record(own: &RecordName, look: &DriftLook) -> ApiResult<()> {
    let told = RecordName { environment: look.environment.clone(), tool: look.tool, source: look.source.clone() };
    if told == *own {
        return Ok(());
    }
    let words = |name: &RecordName| format!("{} {} in {}", name.tool, name.source, name.environment);
    Err(ApiError::forbidden(
        "other-record",
        format!(
            "this token reports {}, and the look is of {}: take the token of that one, or make one in the dashboard under \
             Settings",
            words(own),
            words(&told)
        ),
    ))
}

/// When the look began and ended, by our clock.
fn times(look: &DriftLook, now: DateTime<Utc>) -> ApiResult<(DateTime<Utc>, DateTime<Utc>)> {
    let skew = now - look.sent_at;
    if skew.abs() > MOST_SKEW {
        let way = if skew > TimeDelta::zero() { "behind" } else { "ahead" };
        let minutes = (skew.abs() + TimeDelta::seconds(30)).num_minutes();
        let message =
            format!("the clock of the machine that looked is {minutes} min {way}: set it right, and look again");
        return Err(ApiError::invalid("sent_at", message));
    }
    let took = look.ended_at - look.begun_at;
    if took < TimeDelta::zero() || look.sent_at < look.ended_at {
        return Err(ApiError::invalid("ended_at", "the look ended before it began, or after it was sent: look again"));
    }
    if took > LONGEST_LOOK || look.sent_at - look.ended_at > LONGEST_LOOK {
        return Err(ApiError::invalid("begun_at", "the look is older than a day: look again"));
    }
    Ok((look.begun_at + skew, look.ended_at + skew))
}

fn older(begun_at: DateTime<Utc>, newest: &Newest) -> ApiError {
    let clock = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let (begun, newer) = (clock(begun_at), clock(newest.begun_at));
    ApiError::conflict("older-look", format!("a look that began at {newer} is known, and this one began at {begun}"))
}

/// What differs and where, and what was not looked at; not the values, which a plan may write otherwise each time.
fn places_hash(look: &DriftLook) -> Vec<u8> {
    let items = look.items.iter().map(|item| {
        let places: Vec<&str> = item.differences.iter().map(|one| one.path.as_str()).collect();
        json!([item.object, item.deviation, item.cause, places, item.more])
    });
    let not_looked_at: Vec<&str> = look.not_looked_at.iter().map(|one| one.object.as_str()).collect();
    let all = json!([
        look.found(),
        items.collect::<Vec<_>>(),
        look.more,
        not_looked_at,
        look.more_not_looked_at,
        look.failure.is_some()
    ]);
    digest::digest(&digest::SHA256, all.to_string().as_bytes()).as_ref().to_vec()
}

/// Why not everything was looked at.
fn reason(look: &DriftLook) -> Option<String> {
    if let Some(failure) = &look.failure {
        return Some(failure.to_string());
    }
    let first = look.not_looked_at.first().map(|one| format!("{} was not looked at: {}", one.object, one.reason));
    match (first, look.count_not_looked_at()) {
        (_, 0) => None,
        (Some(first), 1) => Some(first),
        (Some(first), count) => Some(format!("{first}; and {} more", count - 1)),
        (None, count) => Some(format!("{count} things were not looked at")),
    }
}

fn content(look: &DriftLook) -> ApiResult<Content> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Ok(Content {
        program: look.program.to_string(),
        version: look.version.as_ref().map(ToString::to_string),
        items: serde_json::to_value(&look.items).map_err(ApiError::internal)?,
        more: count(look.more),
        not_looked_at: serde_json::to_value(&look.not_looked_at).map_err(ApiError::internal)?,
        more_not_looked_at: count(look.more_not_looked_at),
        failure: look.failure.as_ref().map(ToString::to_string),
        plan_hash: look.plan_hash.as_ref().map(ToString::to_string),
    })
}
