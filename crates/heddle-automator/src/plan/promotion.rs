//! Environments that follow others: a tag comes once it was healthy in the environment before.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    change::{Gate, GateKind},
    image::{ImageRepository, Tag},
    policy::TagList,
};
use heddle_manifest::config::Promotion;

use super::PlanInput;

/// Whether a tag may be promoted.
enum Proof {
    /// It was healthy for long enough.
    Given,
    /// It is healthy, and for long enough then.
    At(DateTime<Utc>),
    /// Nobody saw it healthy, or not for long enough.
    Missing,
}

/// The tags of a list that may be promoted, and the running one.
pub(super) fn promoted(
    input: &PlanInput<'_>,
    promotion: &Promotion,
    image: &ImageRepository,
    list: &TagList,
    from: Option<&Tag>,
) -> TagList {
    let stays = |tag: &Tag| Some(tag) == from || matches!(proof(input, promotion, image, tag), Proof::Given);
    TagList { tags: list.tags.iter().filter(|info| stays(&info.tag)).cloned().collect(), ..list.clone() }
}

/// The tags of a list that stand where they are promoted from, and were healthy there for long enough.
pub(super) fn standing(
    input: &PlanInput<'_>,
    promotion: &Promotion,
    image: &ImageRepository,
    list: &TagList,
) -> TagList {
    let here = |proven: &heddle_wire::automator::Proven, tag: &Tag| {
        proven.environment == promotion.from && proven.image == *image && proven.tag == *tag && proven.until.is_none()
    };
    let stands = |tag: &Tag| input.proven.iter().any(|proven| here(proven, tag));
    let given = |tag: &Tag| stands(tag) && matches!(proof(input, promotion, image, tag), Proof::Given);
    TagList { tags: list.tags.iter().filter(|info| given(&info.tag)).cloned().collect(), ..list.clone() }
}

/// What keeps a tag back that stands where it is promoted from, and is below what runs here.
pub(super) fn below(promotion: &Promotion, reason: &str) -> Gate {
    let Promotion { line, from, .. } = promotion;
    let reason = format!("`{from}` is healthy with it, and {reason} (`.heddle.yaml:{line}`)");
    Gate { kind: GateKind::Promotion, reason, until: None }
}

/// What keeps a tag back that the rule would choose.
pub(super) fn gate(input: &PlanInput<'_>, promotion: &Promotion, image: &ImageRepository, tag: &Tag) -> Gate {
    let Promotion { line, from, after } = promotion;
    let until = match proof(input, promotion, image, tag) {
        Proof::At(until) => Some(until),
        Proof::Given | Proof::Missing => None,
    };
    let long = if after.is_zero() { String::new() } else { format!(" for {}", said(*after)) };
    let reason = format!("waits until `{from}` was healthy with it{long} (`.heddle.yaml:{line}`)");
    Gate { kind: GateKind::Promotion, reason, until }
}

fn proof(input: &PlanInput<'_>, promotion: &Promotion, image: &ImageRepository, tag: &Tag) -> Proof {
    let here = |proven: &&heddle_wire::automator::Proven| {
        proven.environment == promotion.from && proven.image == *image && proven.tag == *tag
    };
    let mut standing = None;
    for proven in input.proven.iter().filter(here) {
        let enough = proven.since + promotion.after;
        if enough <= proven.until.unwrap_or(input.taken_at) {
            return Proof::Given;
        }
        standing = standing.or(proven.until.is_none().then_some(enough));
    }
    standing.map_or(Proof::Missing, Proof::At)
}

/// `30 min`, `2 h`, `1 d 12 h`.
fn said(time: TimeDelta) -> String {
    let parts = [
        (time.num_days(), "d"),
        (time.num_hours() % 24, "h"),
        (time.num_minutes() % 60, "min"),
        (time.num_seconds() % 60, "s"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    parts.join(" ")
}
