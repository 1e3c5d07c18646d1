//! What a reporter found when it looked.

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    drift::{DriftTool, Found, RecordName},
    id::OrganizationId,
};
use heddle_db::{
    Tx, drift_records,
    drift_spells::{self, Content, NewLook, Newest},
    notice::{Notice, Topic},
    reporters,
};
use heddle_wire::drift::DriftLook;
use serde_json::json;

use crate::{
    principal::Reporter,
    problem::{ApiError, ApiResult},
    quotas,
};

/// How far ahead of the API's clock a look may have ended: other machines that serve it are not on the dot.
pub const MOST_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// About so many bytes of what was found are kept of one organization. Where that is reached, the record that takes the most
/// gives up its history.
pub const MOST_BYTES: i64 = 256 << 20;

/// So many bytes of what was found are kept of one record.
pub const MOST_RECORD_BYTES: i64 = 8 << 20;

/// So many bytes of a look are kept where no history is left to give up. A record that takes no more gives up nothing.
pub const LEAST_BYTES: usize = 64 << 10;

/// How long a look may have taken, and how old it may be when it is told.
pub const LONGEST_LOOK: TimeDelta = TimeDelta::days(1);

/// A time as the database keeps it: two looks of a record never end at the same.
const TICK: TimeDelta = TimeDelta::microseconds(1);

/// What a spell takes beside its texts: ids, times, counts, the rows of indexes.
const ROW_BYTES: usize = 1024;

/// How many histories one look may take, so that there is room for it.
const MOST_GIVEN_UP: usize = 4;

/// Stores a look, unless a newer one is known; gives what it found.
///
/// # Errors
/// 403 when the token is for another record; 409 when a newer look is known; 422 when its times cannot be.
pub async fn take(tx: &mut Tx, reporter: Reporter, look: &DriftLook, now: DateTime<Utc>) -> ApiResult<Found> {
    let own = drift_records::lock(&mut **tx, reporter.record).await?.ok_or_else(revoked)?;
    check_record(&own, look)?;
    if look.plan_hash.is_some() && look.tool != DriftTool::Terraform {
        let message = format!("{} has no plans that are approved: leave `plan_hash` out", look.tool);
        return Err(ApiError::invalid("plan_hash", message));
    }
    let times = times(look, now)?;
    let newest = drift_spells::find_newest(&mut **tx, reporter.record).await?;
    match &newest {
        Some(newest) if newest.look == look.id => return Ok(newest.found),
        Some(newest) if times.0 <= newest.begun_at => return Err(older(times.0, newest)),
        _ => {}
    }
    let name = reporters::note_report(&mut **tx, reporter.id).await?.ok_or_else(revoked)?;
    let has_room = make_room(tx, reporter.organization).await?;
    // What is found, and where, is told by the whole look.
    let (found, places_hash) = (look.found(), places_hash(look));
    let kept = if has_room { look } else { &look.clone().fit(LEAST_BYTES) };
    keep(tx, (reporter, &name), newest, kept, (found, &places_hash), times).await?;
    let (organization, id) = (reporter.organization, Some(reporter.record));
    tx.notify(&Notice::Changed { organization, topic: Topic::Drift, id }).await?;
    Ok(found)
}

fn revoked() -> ApiError {
    ApiError::unauthorized("this reporter was revoked; make another one in the dashboard under Settings")
}

/// Goes on with the newest spell where the look found the same things in the same places, or begins one.
async fn keep(
    tx: &mut Tx,
    (reporter, name): (Reporter, &str),
    newest: Option<Newest>,
    look: &DriftLook,
    (found, places_hash): (Found, &[u8]),
    (begun_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
) -> ApiResult<()> {
    let ended_at = newest.as_ref().map_or(ended_at, |newest| ended_at.max(newest.last_at + TICK));
    let found_since = newest.as_ref().filter(|newest| newest.found == found).map(|newest| newest.found_since);
    let reason = reason(look);
    let content = content(look)?;
    let new = NewLook {
        id: look.id,
        reporter: (reporter.id, name),
        found,
        found_since: found_since.unwrap_or(ended_at),
        places_hash,
        begun_at,
        ended_at,
        commit: look.commit.as_ref(),
        reason: reason.as_deref(),
        differences: i64::try_from(look.count_items()).unwrap_or(i64::MAX),
        bytes: i64::try_from(bytes(&content, reason.as_deref())).unwrap_or(i64::MAX),
        content,
    };
    match newest.filter(|newest| newest.places_hash == places_hash && newest.reporter == Some(reporter.id)) {
        Some(newest) => drift_spells::extend(&mut **tx, newest.id, &new).await?,
        None => drift_spells::insert(&mut **tx, reporter.organization, reporter.record, &new).await?,
    }
    drift_spells::forget_beyond(&mut **tx, reporter.record, MOST_RECORD_BYTES).await?;
    Ok(drift_records::note_bytes(&mut **tx, reporter.record).await?)
}

/// About how many bytes a spell takes.
fn bytes(content: &Content, reason: Option<&str>) -> usize {
    let texts = [reason, content.failure.as_deref(), content.version.as_deref(), content.plan_hash.as_deref()];
    let texts: usize = texts.into_iter().flatten().map(str::len).sum();
    let found = content.items.to_string().len() + content.not_looked_at.to_string().len();
    ROW_BYTES + texts + content.program.len() + found
}

/// Whether there is room for a look. Where there is none, the largest records give up their history: whoever fills the store
/// pays for it, and not whoever looks next.
async fn make_room(tx: &mut Tx, organization: OrganizationId) -> ApiResult<bool> {
    if drift_records::sum_noted_bytes(&mut **tx, organization).await? < MOST_BYTES {
        return Ok(true);
    }
    if drift_records::count_bytes(&mut **tx, organization).await? < MOST_BYTES {
        // What was forgotten by age was still noted.
        drift_records::note_all_bytes(&mut **tx, organization).await?;
        return Ok(true);
    }
    for _ in 0..MOST_GIVEN_UP {
        let largest = drift_records::lock_largest(&mut **tx, organization, LEAST_BYTES as i64).await?;
        let Some(largest) = largest else { return Ok(false) };
        drift_spells::forget_history(&mut **tx, largest).await?;
        drift_records::note_bytes(&mut **tx, largest).await?;
        if drift_records::count_bytes(&mut **tx, organization).await? < MOST_BYTES {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The token is for one record. A look of another is somebody's mistake, and is told so that they find it.
fn check_record(own: &RecordName, look: &DriftLook) -> ApiResult<()> {
    let told = look.record_name();
    if own.is_of(&told) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "other-record",
        format!(
            "this token reports {own}, and the look is of {told}: take the token of that one, or make one in the dashboard \
             under Settings"
        ),
    ))
}

/// Refuses a record that nobody reports yet where an organization has enough of those.
///
/// # Errors
/// 409 `quota-reached` with the remedy.
pub async fn refuse_one_more(tx: &mut Tx, organization: OrganizationId, name: &RecordName) -> ApiResult<()> {
    if drift_records::is_reported(&mut **tx, organization, name).await? {
        return Ok(());
    }
    let turn = quotas::DRIFT_RECORDS.take_turn(tx, organization.0).await?;
    turn.refuse_more(drift_records::count_reported(&mut **tx, organization).await?)
}

/// When the look began and ended.
fn times(look: &DriftLook, now: DateTime<Utc>) -> ApiResult<(DateTime<Utc>, DateTime<Utc>)> {
    if look.ended_at < look.begun_at {
        return Err(ApiError::invalid("ended_at", "the look ended before it began: look again"));
    }
    let ahead = look.ended_at - now;
    if ahead > MOST_AHEAD {
        let message = format!(
            "the look ended in {} min: its times are by the clock of another machine, and not by the one that \
             `GET /reporter/v1/record` tells",
            (ahead + TimeDelta::seconds(30)).num_minutes()
        );
        return Err(ApiError::invalid("ended_at", message));
    }
    if now - look.begun_at > LONGEST_LOOK {
        return Err(ApiError::invalid("begun_at", "the look is older than a day: look again"));
    }
    Ok((look.begun_at.min(now), look.ended_at.min(now)))
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
