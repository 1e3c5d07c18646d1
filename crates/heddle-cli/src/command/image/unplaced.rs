//! Images that a rule does not move, because their tag has no place in its order.

use heddle_core::policy::{CompiledPolicy, Standing};
use heddle_manifest::{Finding, config::Ruling, find::Occurrence, yaml::Position};

use crate::files::Manifests;

/// The code of the findings, which the dashboard has too.
const CODE: &str = "current";

/// What can be said of an image without its registry: that its text has no place. Whether its content has one is known to
/// a scan alone.
pub(super) fn unplaced(manifests: &Manifests, occurrence: &Occurrence) -> Option<Finding> {
    occurrence.environments.iter().find_map(|environment| {
        let promoted = manifests.config.promotion_of(environment).is_some();
        let rule = manifests.config.ruling(occurrence, environment).filter(|_| !promoted)?;
        judge(rule, occurrence)
    })
}

fn judge(rule: &Ruling, occurrence: &Occurrence) -> Option<Finding> {
    let policy = CompiledPolicy::new(rule.policy.as_ref()?).ok()?;
    let image = &occurrence.image;
    let standing = Standing::new(image.tag.as_ref(), image.digest.as_ref());
    if policy.takes_any() || policy.places_text(standing) {
        return None;
    }
    let runs = image.tag.as_ref().map_or_else(|| "an image without a tag".to_owned(), |tag| format!("`{tag}`"));
    let message = format!(
        "the rule at {}:{} does not say where {runs} stands in its order: the next tag is chosen once a scan finds one that it \
         orders and that is this image, and else none; write a `match` with `extract` that reads it, a `suffix` or another \
         policy, or let it choose with `from_any: true`",
        rule.file, rule.line
    );
    let position = Position { line: occurrence.place.line, column: 1 };
    Some(Finding { file: occurrence.place.file.clone(), position, code: CODE, message, blocks: false })
}
