//! What the database, the keys and the automators look like.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_db::{DbError, shape::Shape};
use heddle_wire::view::{DoctorArea, DoctorCheck};

use super::{fault, ok, unknown, warning};
use crate::seal::{Sealing, rotate::Census};

/// The oldest PostgreSQL that is tried, as `server_version_num` writes it.
const OLDEST: i32 = 150_000;

/// Automators ask for work all the time: each waits at most half a minute for an answer.
const SILENT: TimeDelta = TimeDelta::minutes(5);

pub(super) fn judge(shape: &Shape) -> Vec<DoctorCheck> {
    let area = DoctorArea::Database;
    let major = shape.server_version / 10_000;
    let mut checks = Vec::new();
    if shape.server_version < OLDEST {
        let said = format!("the database is PostgreSQL {major}, and 15 is the oldest that is tried");
        checks.push(fault(area, said, "move it to PostgreSQL 15 or newer"));
    }
    if shape.migrated < shape.newest {
        let said = format!("the schema is older than this release, which brings migration {}", shape.newest);
        checks.push(fault(area, said, "start heddle-api of this release: it brings the schema up to date"));
    }
    if shape.migrated > shape.newest {
        let said = format!(
            "the schema is of a newer release: migration {}, and this one knows {}",
            shape.migrated, shape.newest
        );
        checks.push(fault(area, said, "start the newer release again, or put the backup back that was made before it"));
    }
    if checks.is_empty() {
        checks.push(ok(area, format!("PostgreSQL {major} answers, with the schema of this release")));
    }
    if shape.login_is_strong {
        let said = "DATABASE_URL logs in as a role that owns the tables, or as a superuser: SQL that somebody smuggled in could \
                    reach every organization";
        let remedy =
            "set HEDDLE_DATABASE_OWNER_URL to that address, and DATABASE_URL to one of a role that owns nothing";
        checks.push(warning(area, said, remedy));
    }
    checks
}

pub(super) fn judge_keys(sealing: &Sealing, census: Option<&Census>) -> Vec<DoctorCheck> {
    let area = DoctorArea::Keys;
    let remedy = "let HEDDLE_SEALING_KEYS_FILE name a readable file with the output of `openssl rand -hex 32`";
    match sealing {
        Sealing::Ready(_) => {}
        // Whoever watches public images alone needs none.
        Sealing::Off(missing) => return vec![warning(area, missing, remedy)],
        Sealing::Broken(why) => return vec![fault(area, why, remedy)],
    }
    let Some(census) = census else { return Vec::new() };
    let mut checks = Vec::new();
    for (key, secrets) in &census.lost {
        let said = format!("{secrets} stored secrets are sealed with key {key}, which is not in the file");
        checks.push(fault(area, said, "put the key back into HEDDLE_SEALING_KEYS_FILE, or enter the logins again"));
    }
    let older: i64 = census.older.iter().map(|(_, secrets)| secrets).sum();
    if older > 0 {
        let said = format!("{older} stored secrets are sealed with an older key");
        checks.push(warning(area, said, "run `heddle-api rotate-secrets`; then the older key may go"));
    }
    if checks.is_empty() {
        checks
            .push(ok(area, format!("every stored secret opens; new ones are sealed with key {}", census.writes_with)));
    }
    checks
}

pub(super) fn judge_automators(seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DoctorCheck {
    let area = DoctorArea::Automators;
    let remedy = "look whether heddle-automator runs, in its log, and whether it reaches HEDDLE_API_URL with the token that the \
                  API knows";
    match seen_at {
        None => fault(area, "no automator has ever asked for work, so that nothing is proposed", remedy),
        Some(at) if now - at > SILENT => {
            let said = format!("the last automator asked for work at {}", at.format("%Y-%m-%d %H:%M:%S UTC"));
            fault(area, said, remedy)
        }
        Some(_) => ok(area, "an automator asks for work"),
    }
}

/// What is said where the server does not let in who `variable` names, or is away.
pub(super) fn away(variable: &str, error: &DbError) -> DoctorCheck {
    if error.is_answer() {
        let remedy = format!(
            "look whether {variable} names the database and a role with its password; where the database is new, start heddle-api, \
             which sets it up"
        );
        return fault(
            DoctorArea::Database,
            format!("the database answers, and lets nobody in: {}", error.chain()),
            &remedy,
        );
    }
    let remedy = format!("look whether the server runs, and whether {variable} names its host and port");
    fault(DoctorArea::Database, format!("the database cannot be reached: {}", error.chain()), &remedy)
}

/// The program's own database is held by the API that started it.
pub(super) fn own(folder: &Path) -> DoctorCheck {
    let said = format!(
        "DATABASE_URL is not set, so that the API has a database of its own, in {}, which is not looked at from here",
        folder.display()
    );
    unknown(
        DoctorArea::Database,
        said,
        "while the API runs, ask it by `heddle doctor`; where it has another one, set DATABASE_URL here too",
    )
}

/// What is said where it answers, but not what was asked.
pub(super) fn unasked(area: DoctorArea, error: &str) -> DoctorCheck {
    unknown(area, format!("the database did not tell: {error}"), "look again; if it stays, look into its log")
}
