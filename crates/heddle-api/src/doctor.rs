//! Looks at a whole installation: settings, clock, database, keys, automators, GitHub and its webhooks, each with what to do.
//!
//! It changes nothing and tells nothing of an organization but numbers and the accounts that the App is installed on. What is
//! asked for stands in [`look`], what is made of it in plain functions.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use heddle_service::config::ConfigError;
use heddle_wire::view::{DoctorArea, DoctorCheck, DoctorReport, DoctorVerdict};

use crate::app::App;

mod clock;
mod github;
mod look;
mod settings;
mod store;
#[cfg(test)]
mod tests;

pub use look::{Store, examine_from_outside};
pub use settings::warnings;

/// Looks at an installation whose API runs.
pub async fn examine(app: &App) -> DoctorReport {
    let mut checks = settings::check(&app.config);
    checks.extend(look::at_store(&app.db, &app.sealing).await);
    checks.extend(look::at_github(&app.config).await);
    report(app.config.shown.clone(), checks, Utc::now())
}

/// What is said where the settings themselves cannot be read: nothing else can be looked at then.
pub fn of_wrong_setting(error: &ConfigError, shown: BTreeMap<String, String>) -> DoctorReport {
    let fault = fault(DoctorArea::Settings, format!("{}: {}", error.variable, error.fault), &error.remedy);
    let later = "the rest is looked at when the settings can be read";
    let unknown = unknown(DoctorArea::Database, later, "mend the setting, and look again");
    report(shown, vec![fault, unknown], Utc::now())
}

/// What is wrong comes first.
fn report(settings: BTreeMap<String, String>, mut checks: Vec<DoctorCheck>, now: DateTime<Utc>) -> DoctorReport {
    checks.sort_by_key(|check| (check.verdict, check.area));
    DoctorReport { version: env!("CARGO_PKG_VERSION").to_owned(), examined_at: now, checks, settings }
}

/// The report as lines for people.
pub fn render(report: &DoctorReport) -> String {
    report.checks.iter().map(DoctorCheck::to_string).collect()
}

fn check(area: DoctorArea, verdict: DoctorVerdict, said: impl Into<String>, remedy: Option<&str>) -> DoctorCheck {
    DoctorCheck { area, verdict, said: said.into(), remedy: remedy.map(str::to_owned) }
}

fn ok(area: DoctorArea, said: impl Into<String>) -> DoctorCheck {
    check(area, DoctorVerdict::Ok, said, None)
}

fn warning(area: DoctorArea, said: impl Into<String>, remedy: &str) -> DoctorCheck {
    check(area, DoctorVerdict::Warning, said, Some(remedy))
}

fn unknown(area: DoctorArea, said: impl Into<String>, remedy: &str) -> DoctorCheck {
    check(area, DoctorVerdict::Unknown, said, Some(remedy))
}

fn fault(area: DoctorArea, said: impl Into<String>, remedy: &str) -> DoctorCheck {
    check(area, DoctorVerdict::Fault, said, Some(remedy))
}
