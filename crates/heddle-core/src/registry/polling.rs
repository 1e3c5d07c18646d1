//! When an image is asked for next: soon where its tags move, seldom where they do not.
//!
//! Pure; the table in `docs/registries.md` says the same to people. What a host has left is [`pace`](super::pace)'s.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::image::ImageRepository;

#[cfg(test)]
mod tests;

/// The shortest and the longest `interval` that a rule may ask for.
pub const INTERVALS: std::ops::RangeInclusive<TimeDelta> = TimeDelta::seconds(15)..=TimeDelta::hours(24);

/// No image is asked for more often by itself, unless the installation's own interval is shorter.
const SHORTEST: TimeDelta = TimeDelta::seconds(30);

/// No image is asked for more seldom by itself, unless the installation's own interval is longer.
const LONGEST: TimeDelta = TimeDelta::minutes(30);

/// What lay so short a time back is followed by more of its kind: other images of the build, `latest` beside the version.
const STIRRED: TimeDelta = TimeDelta::minutes(10);

/// How often registries are asked for one image at most, whatever a rule says.
///
/// Docker Hub counts requests of all that share an address: <https://docs.docker.com/docker-hub/usage/>.
const FLOORS: &[(&str, TimeDelta)] = &[("docker.io", TimeDelta::minutes(1))];

/// What decides when an image is asked for next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// The shortest `interval` of the rules that follow it.
    pub interval: Option<TimeDelta>,
    /// When a tag of it last came, went or got another image, as far as that is known; else since when it is watched.
    pub moved_at: Option<DateTime<Utc>>,
    /// When its registry last told of a push.
    pub told_at: Option<DateTime<Utc>>,
    /// When a change of it was last written.
    pub written_at: Option<DateTime<Utc>>,
}

impl Watched {
    /// How long after a scan the next one is due. `usual` is the installation's own interval; `id` spreads images that were
    /// asked for together by up to a tenth, always sooner.
    #[must_use]
    pub fn next_in(&self, image: &ImageRepository, id: Uuid, usual: TimeDelta, now: DateTime<Utc>) -> TimeDelta {
        let floor =
            FLOORS.iter().find(|(host, _)| *host == image.registry()).map_or(TimeDelta::zero(), |(_, floor)| *floor);
        let wanted = match self.interval {
            Some(interval) => interval.max(floor),
            None => self.adapted(usual, now).max(floor.min(usual)),
        };
        spread(wanted, id)
    }

    fn adapted(&self, usual: TimeDelta, now: DateTime<Utc>) -> TimeDelta {
        let stirred = [self.moved_at, self.told_at, self.written_at].into_iter().flatten().max();
        let Some(stirred) = stirred else { return usual };
        let quick = |part: i32| (usual / part).max(SHORTEST).min(usual);
        let slow = |times: i32| (usual * times).min(LONGEST).max(usual);
        match now - stirred {
            past if past < STIRRED => quick(10),
            past if past < TimeDelta::hours(1) => quick(5),
            // The registry tells of pushes by itself.
            _ if self.is_told() => slow(6),
            past if past < TimeDelta::days(1) => usual,
            past if past < TimeDelta::days(7) => slow(2),
            _ => slow(6),
        }
    }

    /// Whether the last move was told of, and not found by asking.
    fn is_told(&self) -> bool {
        self.told_at.is_some_and(|told| self.moved_at.is_none_or(|moved| moved <= told + STIRRED))
    }
}

fn spread(wanted: TimeDelta, id: Uuid) -> TimeDelta {
    let hundredths = i32::try_from(id.as_u128() % 101).unwrap_or_default();
    wanted - wanted / 1_000 * hundredths
}
