//! `heddle whoami` and `heddle doctor`: who asks, and how the whole installation is.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_wire::view::{DoctorReport, DoctorVerdict, Role};

use crate::{
    config::Config,
    exit::{Exit, Failure},
    screen::Screen,
    session::open_client,
    table::{Cell, Table},
};

/// Up to here clocks count as one: an answer takes a while.
const SAME_CLOCK: TimeDelta = TimeDelta::seconds(30);

/// Says who is asking.
pub(crate) async fn whoami(config: &Config, screen: &Screen) -> Result<Exit, Failure> {
    let me = open_client(config)?.me().await?;
    if screen.is_json() {
        screen.json(&me)?;
        return Ok(Exit::Done);
    }
    screen.line(&format!("{} <{}>, {}", me.name, me.email, me.id))?;
    let mut table = Table::new(&["ORGANIZATION", "ROLE", "ID"]);
    for organization in &me.organizations {
        let role = match organization.role {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
            Role::Owner => "owner",
        };
        table.row(vec![Cell::new(&organization.name), Cell::new(role), Cell::new(organization.id.to_string())]);
    }
    screen.table(&table)?;
    Ok(Exit::Done)
}

/// Looks at the installation; the answer is no where something does not work.
pub(crate) async fn doctor(config: &Config, screen: &Screen) -> Result<Exit, Failure> {
    let report = open_client(config)?.doctor().await.map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            Exit::Away => failure.remedy("run `heddle-api doctor` on the host of the API, with its settings"),
            _ => failure,
        }
    })?;
    if screen.is_json() {
        screen.json(&report)?;
    } else {
        for check in &report.checks {
            screen.text(&check.to_string())?;
        }
        if let Some(apart) = clock(&report, Utc::now()) {
            screen.note(&apart);
        }
    }
    let is_well = report.checks.iter().all(|check| check.verdict != DoctorVerdict::Fault);
    Ok(if is_well { Exit::Done } else { Exit::No })
}

/// A clock of this machine that is wrong makes tokens of CI and the ages that are shown wrong.
fn clock(report: &DoctorReport, now: DateTime<Utc>) -> Option<String> {
    let apart = now - report.examined_at;
    (apart.abs() > SAME_CLOCK).then(|| {
        let way = if apart < TimeDelta::zero() { "behind" } else { "ahead of" };
        format!("the clock of this machine is {} s {way} that of the API", apart.num_seconds().abs())
    })
}
