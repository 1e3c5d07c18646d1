//! What is right and wrong with an installation of Heddle, for whoever runs it.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

bodies! {
    /// A look at a whole installation: `GET /installation/doctor`. It holds no secret and nothing of an organization.
    DoctorReport {
        /// The release of the API.
        version: String,
        /// When it was looked.
        examined_at: DateTime<Utc>,
        /// What was found, what is wrong first.
        checks: Vec<DoctorCheck>,
        /// The settings by variable. Of a secret it is only said whether it is set.
        settings: BTreeMap<String, String>,
    }

    /// One thing that was looked at.
    DoctorCheck {
        /// What it is about.
        area: DoctorArea,
        /// How it is.
        verdict: DoctorVerdict,
        /// What was seen, as a sentence.
        said: String,
        /// What to do.
        remedy: Option<String>,
    }
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DoctorArea {
    /// Settings of the API.
    Settings,
    /// Its clock.
    Clock,
    /// The database.
    Database,
    /// The keys that stored secrets are sealed with.
    Keys,
    /// Automators that ask for work.
    Automators,
    /// The GitHub App: reach, rights, installations.
    Github,
    /// GitHub's webhooks.
    Webhooks,
}

/// How a thing is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DoctorVerdict {
    /// Something does not work.
    Fault,
    /// It could not be found out.
    Unknown,
    /// It works, and should be otherwise.
    Warning,
    /// It is as it should be.
    Ok,
}

impl fmt::Display for DoctorCheck {
    /// A line, and one more where there is something to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            DoctorVerdict::Fault => "FAULT",
            DoctorVerdict::Unknown => "unknown",
            DoctorVerdict::Warning => "warning",
            DoctorVerdict::Ok => "ok",
        };
        let area = match self.area {
            DoctorArea::Settings => "settings",
            DoctorArea::Clock => "clock",
            DoctorArea::Database => "database",
            DoctorArea::Keys => "keys",
            DoctorArea::Automators => "automators",
            DoctorArea::Github => "github",
            DoctorArea::Webhooks => "webhooks",
        };
        writeln!(f, "{word:<8}{area:<11}{}", self.said)?;
        match &self.remedy {
            Some(remedy) => writeln!(f, "{:<19}→ {remedy}", ""),
            None => Ok(()),
        }
    }
}
