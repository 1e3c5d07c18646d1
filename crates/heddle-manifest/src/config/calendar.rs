//! When a change waits: freezes, holds and the schedule. The time is the caller's.

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use heddle_core::{
    change::{Gate, GateKind},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
    request::{FreezeEntry, HoldEntry},
};

use super::{Config, RepositoryGlob};

/// A time in which nothing is written.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// Its line in the file.
    pub line: u32,
    /// Environments; empty means all.
    pub environments: Vec<EnvironmentName>,
    /// From then on.
    pub from: DateTime<Utc>,
    /// Until then.
    pub to: DateTime<Utc>,
    /// The zone in which a person wrote it.
    pub time_zone: Tz,
    /// Why.
    pub reason: Option<String>,
}

/// Images that stay at a tag.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its line in the file.
    pub line: u32,
    /// Environments; empty means all.
    pub environments: Vec<EnvironmentName>,
    /// Image repositories.
    pub images: RepositoryGlob,
    /// The same as it is written.
    pub named: Option<String>,
    /// The tag at which they are held; a change to it alone is written. `None` holds whatever runs.
    pub tag: Option<Tag>,
    /// Who holds them.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Until then; for ever where nothing is written.
    pub until: Option<DateTime<Utc>>,
}

/// A time of the week in which changes are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Monday to Sunday.
    pub days: [bool; 7],
    /// Minutes after midnight.
    pub from_minute: u32,
    /// Minutes after midnight; before `from_minute` it is on the next day.
    pub to_minute: u32,
    /// The zone of both.
    pub time_zone: Tz,
}

impl Config {
    /// What keeps an image from getting a tag in an environment now, the strongest first: what cannot be read, holds,
    /// freezes.
    pub fn gate_for(
        &self,
        image: &ImageRepository,
        environment: &EnvironmentName,
        to: &Tag,
        now: DateTime<Utc>,
    ) -> Option<Gate> {
        self.gates_for(image, environment, to, now).into_iter().next()
    }

    /// Each thing that does so: what is broken, the first hold, the freeze that lasts the longest.
    pub fn gates_for(
        &self,
        image: &ImageRepository,
        environment: &EnvironmentName,
        to: &Tag,
        now: DateTime<Utc>,
    ) -> Vec<Gate> {
        let here = |environments: &[EnvironmentName]| environments.is_empty() || environments.contains(environment);
        let stop = self.stop_for(image, environment);
        let held = self.holds.iter().find(|hold| {
            let other_tag = hold.tag.as_ref() != Some(to);
            here(&hold.environments) && hold.images.matches(image) && other_tag && hold.until.is_none_or(|at| now < at)
        });
        let frozen = self.freezes.iter().filter(|freeze| here(&freeze.environments) && freeze.is_on(now));
        let gates = [
            stop.map(|stop| gate(GateKind::Broken, &stop.reason, stop.line, None)),
            held.map(|hold| gate(GateKind::Hold, &hold.say(), hold.line, hold.until)),
            frozen
                .max_by_key(|freeze| freeze.to)
                .map(|freeze| gate(GateKind::Freeze, &freeze.say(), freeze.line, Some(freeze.to))),
        ];
        gates.into_iter().flatten().collect()
    }

    /// What keeps everything from being written outside the schedule, where there is one.
    pub fn schedule_gate(&self, now: DateTime<Utc>) -> Option<Gate> {
        if self.schedule.is_empty() || self.schedule.iter().any(|window| window.holds(now)) {
            return None;
        }
        let next = self.schedule.iter().filter_map(|window| Some((window.next_start(now)?, window.time_zone)));
        let (at, time_zone) = next.min_by_key(|(at, _)| *at)?;
        let reason = format!("outside the schedule, which goes on at {}", say_instant(at, time_zone));
        Some(Gate { kind: GateKind::Schedule, reason, until: Some(at) })
    }
}

fn gate(kind: GateKind, reason: &str, line: u32, until: Option<DateTime<Utc>>) -> Gate {
    Gate { kind, reason: format!("{reason} (`.heddle.yaml:{line}`)"), until }
}

impl Freeze {
    fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && now < self.to
    }

    /// As a person asks for it.
    pub fn entry(&self) -> FreezeEntry {
        let Self { environments, from, to, reason, .. } = self.clone();
        FreezeEntry { environments, from, to, reason }
    }

    fn say(&self) -> String {
        let reason = self.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("frozen until {}{reason}", say_instant(self.to, self.time_zone))
    }
}

impl Hold {
    /// As a person asks for it. A hold names one environment, or all.
    pub fn entry(&self) -> HoldEntry {
        let Self { environments, named, tag, by, reason, until, .. } = self.clone();
        HoldEntry { image: named, environment: environments.into_iter().next(), tag, by, reason, until }
    }

    fn say(&self) -> String {
        let part = |before: &str, text: Option<String>| text.map_or_else(String::new, |text| format!("{before}{text}"));
        format!(
            "held{}{}{}{}",
            part(" at ", self.tag.as_ref().map(|tag| format!("`{tag}`"))),
            part(" by ", self.by.clone()),
            part(" until ", self.until.map(|at| say_instant(at, Tz::UTC))),
            part(": ", self.reason.clone()),
        )
    }
}

impl Window {
    fn holds(&self, now: DateTime<Utc>) -> bool {
        let local = now.with_timezone(&self.time_zone);
        let minute = local.hour() * 60 + local.minute();
        let today = local.weekday().num_days_from_monday() as usize;
        let yesterday = (today + 6) % 7;
        if self.from_minute < self.to_minute {
            return self.days[today] && (self.from_minute..self.to_minute).contains(&minute);
        }
        self.days[today] && minute >= self.from_minute || self.days[yesterday] && minute < self.to_minute
    }

    /// The next time at which it begins. A day of the week comes again within eight days.
    fn next_start(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&self.time_zone).date_naive();
        let start = |date: NaiveDate| {
            let time = date.and_hms_opt(self.from_minute / 60, self.from_minute % 60, 0)?;
            Some(to_utc(time, self.time_zone, Twice::First))
        };
        (0..=8)
            .filter_map(|ahead| today.checked_add_days(Days::new(ahead)))
            .filter(|date| self.days[date.weekday().num_days_from_monday() as usize])
            .filter_map(start)
            .find(|start| *start > now)
    }
}

/// Which of two equal local times is meant, where clocks are put back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Twice {
    First,
    Second,
}

/// A local time; where clocks are put forward over it, the first time after.
pub(super) fn to_utc(local: NaiveDateTime, time_zone: Tz, twice: Twice) -> DateTime<Utc> {
    let mut local = local;
    // No zone leaves out more than a day.
    for _ in 0..96 {
        match (time_zone.from_local_datetime(&local), twice) {
            (LocalResult::Single(at), _)
            | (LocalResult::Ambiguous(at, _), Twice::First)
            | (LocalResult::Ambiguous(_, at), Twice::Second) => return at.to_utc(),
            (LocalResult::None, _) => local += TimeDelta::minutes(15),
        }
    }
    local.and_utc()
}

fn say_instant(at: DateTime<Utc>, time_zone: Tz) -> String {
    format!("{} {}", at.with_timezone(&time_zone).format("%Y-%m-%d %H:%M"), time_zone.name())
}

#[cfg(test)]
mod tests;
