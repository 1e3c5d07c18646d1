//! Fights: somebody else changes what was put back, again and again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// After this many repairs within [`FIGHT_WINDOW`] a field is left alone.
pub const MAX_HEALS: usize = 5;

/// The window in which repairs are counted, and the first pause.
pub const FIGHT_WINDOW: Duration = Duration::from_secs(60);

/// The longest pause between two tries.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Whether a field is fought over, as a state machine over given times. Every repair is noted; the fifth within a minute
/// begins a pause of a minute. The first repair after a pause is a try: it begins a pause of twice the length, which means
/// nothing when nobody changes the field again. What stays quiet for as long as its last pause is forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FightBreaker {
    /// When it was put back lately, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heals: Vec<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<Pause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Pause {
    until: DateTime<Utc>,
    length_secs: i64,
}

impl Pause {
    fn length(self) -> TimeDelta {
        TimeDelta::seconds(self.length_secs)
    }

    /// When it is forgotten, where the field stays quiet.
    fn forgotten_at(self) -> DateTime<Utc> {
        self.until + self.length()
    }
}

/// A field that is fought over, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contest {
    /// Which; empty for the whole object.
    pub field: String,
    /// Who changed it last, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Hash of what the manifest has there.
    pub wanted: String,
    /// Whether it is left alone.
    #[serde(flatten)]
    pub breaker: FightBreaker,
}

impl FightBreaker {
    /// Notes a repair.
    pub fn note(&mut self, now: DateTime<Utc>) {
        self.heals.retain(|heal| is_recent(*heal, now));
        self.heals.push(now);
        self.pause = self.pause.filter(|pause| now < pause.forgotten_at());
        let length_secs = match self.pause {
            Some(pause) => Some((pause.length_secs * 2).min(LONGEST_PAUSE.as_secs().cast_signed())),
            None => (self.heals.len() >= MAX_HEALS).then(|| FIGHT_WINDOW.as_secs().cast_signed()),
        };
        if let Some(length_secs) = length_secs {
            self.heals.clear();
            self.pause = Some(Pause { until: now + TimeDelta::seconds(length_secs), length_secs });
        }
    }

    /// Until when the field is left alone; `None` when it may be put back.
    pub fn paused_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.pause.map(|pause| pause.until).filter(|until| now < *until)
    }

    /// Whether the field is left alone.
    pub fn is_paused(&self, now: DateTime<Utc>) -> bool {
        self.paused_until(now).is_some()
    }

    /// Whether there is nothing to remember any more.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        let is_quiet = self.pause.is_none_or(|pause| now >= pause.forgotten_at());
        is_quiet && !self.heals.iter().any(|heal| is_recent(*heal, now))
    }
}

fn window() -> TimeDelta {
    TimeDelta::seconds(FIGHT_WINDOW.as_secs().cast_signed())
}

fn is_recent(heal: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(heal) < window()
}
