//! `--report`: tells the API what a look found, as the drift record of an environment.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use heddle_client::{ClientError, ReporterClient};
use heddle_core::{
    drift::{Cause, DriftSource, DriftTool, PlanHash, RecordName},
    git::{RepoName, Revision},
};
use heddle_reconcile::diff::Difference;
use heddle_wire::{
    drift::{DriftItem, DriftLook, ItemDifference, LookTaken, MAX_LOOK_BYTES, NotLookedAt},
    text,
};
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    config::{Config, ReportArguments},
    exit::{Exit, Failure},
    screen::Screen,
    session::{connect, find_api},
    told::Told,
};

/// How often a look is told where the API cannot take it now, and how long is waited at most before the next time.
const TRIES: usize = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_secs(2);

/// What a look came to, as far as it came.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The program that looked.
    pub(crate) program: String,
    /// Its version.
    pub(crate) version: Option<String>,
    /// What differs, and on which side something moved.
    pub(crate) items: Vec<DriftItem>,
    /// What was not looked at.
    pub(crate) not_looked_at: Vec<NotLookedAt>,
    /// How much more was not looked at.
    pub(crate) more_not_looked_at: u64,
    /// What `heddle sync` is to be given.
    pub(crate) plan_hash: Option<PlanHash>,
}

/// The API's clock, as it was once heard.
#[derive(Debug, Clone, Copy)]
struct ApiClock {
    said: DateTime<Utc>,
    heard: Instant,
}

impl ApiClock {
    /// The API's time at an instant, or a little earlier: what it said was on its way.
    fn at(self, instant: Instant) -> DateTime<Utc> {
        let later = TimeDelta::from_std(instant.saturating_duration_since(self.heard)).unwrap_or_default();
        let earlier = TimeDelta::from_std(self.heard.saturating_duration_since(instant)).unwrap_or_default();
        self.said + later - earlier
    }
}

/// A look that is to be reported. Made before the look begins, so that a mistake shows at once.
pub(crate) struct Reporting {
    client: ReporterClient,
    name: RecordName,
    commit: Option<Revision>,
    begun: Instant,
    /// `None` where the API was not there when the look began.
    clock: Option<ApiClock>,
}

impl Reporting {
    /// `None` where nothing is to be reported. `place` is what is looked at, and `only` the part of it.
    pub(crate) async fn begin(
        config: &Config,
        arguments: &ReportArguments,
        tool: DriftTool,
        place: &Path,
        only: Option<&str>,
    ) -> Result<Option<Self>, Failure> {
        let Some(environment) = arguments.report.clone() else { return Ok(None) };
        let token = config.report_token.clone().ok_or_else(|| {
            Failure::wrong(anyhow!("HEDDLE_REPORT_TOKEN is not set, and `--report` needs a reporter's token"))
                .remedy("make a reporter in the dashboard under Settings, Reporters, or with `heddle reporter add`")
        })?;
        let (api, ca_file) = find_api(config)?;
        let clone = gix::discover(place.parent().filter(|_| place.is_file()).unwrap_or(place)).ok();
        let commit = clone.as_ref().and_then(|one| one.head_id().ok()?.to_string().parse().ok());
        let repository = arguments.repository.clone().or_else(|| repository_of(clone.as_ref()?));
        let root = clone.and_then(|one| one.workdir().map(Path::to_owned));
        let source = match &arguments.source {
            Some(source) => source.clone(),
            None => source_of(place, root.as_deref(), only)?,
        };
        let client = ReporterClient::new(connect(&api, ca_file.as_deref())?, token);
        let name = RecordName { repository, environment, tool, source };
        let mut reporting = Self { client, name, commit, begun: Instant::now(), clock: None };
        reporting.clock = match reporting.ask_clock().await {
            Ok(clock) => Some(clock),
            // What is found may be told all the same when the API is there again.
            Err(Refused::Call(error)) if error.is_transient() => None,
            Err(refused) => return Err(reporting.not_taken(refused)),
        };
        reporting.begin_again();
        Ok(Some(reporting))
    }

    /// The look begins now, and not when this was made.
    pub(crate) fn begin_again(&mut self) {
        self.begun = Instant::now();
    }

    /// Asks what time it is, and whether the token is that of this record.
    async fn ask_clock(&self) -> Result<ApiClock, Refused> {
        let told = self.client.record().await.map_err(Refused::Call)?;
        let clock = ApiClock { said: told.now, heard: Instant::now() };
        if told.name.is_of(&self.name) { Ok(clock) } else { Err(Refused::OtherRecord(told.name)) }
    }

    /// Reports what was seen; gives what the look itself ended with, unless the report could not be taken.
    pub(crate) async fn settle(
        self,
        ended: Result<Exit, Failure>,
        seen: Seen,
        screen: &Screen,
    ) -> Result<Exit, Failure> {
        let look_ended = Instant::now();
        let told = match self.clock {
            Some(clock) => Ok(clock),
            None => self.ask_clock().await,
        };
        let told = match told {
            Ok(clock) => {
                let look = self.look(ended.as_ref().err(), seen, (clock.at(self.begun), clock.at(look_ended)));
                self.tell(&look).await.map_err(Refused::Call)
            }
            Err(refused) => Err(refused),
        };
        match told {
            Ok(taken) => {
                screen.note(&format!("reported: {} at {}", taken.found, taken.url));
                ended
            }
            // What is known there is newer, so nothing is lost.
            Err(Refused::Call(error)) if error.code() == Some("older-look") => {
                screen.note(&format!("not reported: {error}"));
                ended
            }
            Err(refused) => {
                if let Err(failure) = &ended {
                    screen.fail(failure);
                }
                Err(self.not_taken(refused))
            }
        }
    }

    fn look(
        &self,
        failure: Option<&Failure>,
        seen: Seen,
        (begun_at, ended_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> DriftLook {
        let RecordName { repository, environment, tool, source } = self.name.clone();
        let look = DriftLook {
            id: Uuid::new_v4(),
            repository,
            environment,
            tool,
            source,
            commit: self.commit.clone(),
            begun_at,
            ended_at,
            program: seen.program.into(),
            version: seen.version.map(Into::into),
            items: seen.items,
            more: 0,
            not_looked_at: seen.not_looked_at,
            more_not_looked_at: seen.more_not_looked_at,
            failure: failure.map(|failure| in_words(failure).into()),
            plan_hash: seen.plan_hash,
        };
        look.fit(MAX_LOOK_BYTES)
    }

    async fn tell(&self, look: &DriftLook) -> Result<LookTaken, ClientError> {
        for _ in 1..TRIES {
            match self.client.report(look).await {
                Err(error) if error.is_transient() => {
                    sleep(error.retry_after().unwrap_or(WAIT).min(LONGEST_WAIT)).await
                }
                other => return other,
            }
        }
        self.client.report(look).await
    }

    fn not_taken(&self, refused: Refused) -> Failure {
        let names = "the names are given by --report, --source and --repository";
        let what = format!("what is found of {} is not reported", self.name);
        match refused {
            Refused::OtherRecord(own) => {
                let why = anyhow!("the token in HEDDLE_REPORT_TOKEN reports {own}");
                Failure::wrong(why.context(what)).remedy(names)
            }
            Refused::Call(error) => {
                let is_other = error.code() == Some("other-record");
                let is_unknown = matches!(error, ClientError::Unauthorized { .. });
                let failure = Failure::from(error);
                let failure = Failure { error: failure.error.context(what), ..failure };
                match (is_unknown, is_other) {
                    (true, _) => failure.remedy("make another reporter in the dashboard, and set HEDDLE_REPORT_TOKEN"),
                    (_, true) => failure.remedy(names),
                    _ => failure,
                }
            }
        }
    }
}

/// Why a look is not taken.
enum Refused {
    /// The token is for this record.
    OtherRecord(RecordName),
    Call(ClientError),
}

/// The repository that a clone came from, where its address tells an owner and a name.
fn repository_of(clone: &gix::Repository) -> Option<RepoName> {
    // As its configuration names it: where it is fetched from instead (`url.<base>.insteadOf`) is another matter. A name
    // that is short for an address tells no owner, and the address it is short for does.
    let named = clone.try_find_remote_without_url_rewrite("origin").and_then(Result::ok);
    let meant = || clone.try_find_remote("origin").and_then(Result::ok);
    named.and_then(|remote| name_of(&remote)).or_else(|| name_of(&meant()?))
}

fn name_of(remote: &gix::Remote<'_>) -> Option<RepoName> {
    let url = remote.url(gix::remote::Direction::Fetch)?;
    // A path on this machine says nothing of who owns it.
    let is_hosted = url.scheme != gix::url::Scheme::File;
    let path = is_hosted.then(|| url.path.to_string())?;
    path.trim_matches('/').trim_end_matches(".git").parse().ok()
}

/// Why a look failed, with what mends it.
fn in_words(failure: &Failure) -> String {
    let remedy = failure.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("{:#}{remedy}", failure.error)
}

/// The name of what is looked at: its path in the repository, where it lies in one.
fn source_of(place: &Path, root: Option<&Path>, only: Option<&str>) -> Result<DriftSource, Failure> {
    let absolute = place.canonicalize().unwrap_or_else(|_| place.to_owned());
    let root = root.map(|root| root.canonicalize().unwrap_or_else(|_| root.to_owned()));
    let within = root.and_then(|root| absolute.strip_prefix(root).map(Path::to_owned).ok());
    let relative: Option<PathBuf> = within.or_else(|| Some(place.to_owned()).filter(|place| place.is_relative()));
    let no_name = || {
        Failure::wrong(anyhow!("{} lies in no git repository, so it has no name to be reported under", place.display()))
            .remedy("give one with --source, such as --source infra/prod")
    };
    let path = relative.ok_or_else(no_name)?.display().to_string();
    let path = if path.is_empty() { ".".to_owned() } else { path };
    let name = only.map_or_else(|| path.clone(), |only| format!("{path} (only {only})"));
    name.parse::<DriftSource>().map_err(Failure::wrong)
}

/// What is told of one thing, as it is reported.
pub(crate) fn item(told: &Told, cause: Cause) -> DriftItem {
    DriftItem {
        object: told.object.as_str().into(),
        deviation: told.state,
        cause,
        reason: told.reason.as_deref().map(Into::into),
        differences: told.differences.iter().map(difference).collect(),
        more: 0,
        by: None,
        at: None,
    }
}

fn difference(one: &Difference) -> ItemDifference {
    ItemDifference {
        path: one.path.as_str().into(),
        live: one.live.as_ref().map(value),
        desired: one.desired.as_ref().map(value),
    }
}

fn value<const MAX: usize>(value: &Value) -> text::Text<MAX> {
    match value {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests;
