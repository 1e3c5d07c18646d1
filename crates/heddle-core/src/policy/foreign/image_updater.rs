//! Argo CD Image Updater, the options of an image.

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault, SortOrder,
    compiled::Allow,
    fault::Faults,
    order::{Order, Shape},
};

/// What the annotations or the `ImageUpdater` object say about an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageUpdaterPolicy {
    /// `update-strategy`: `semver`, `newest-build` (once `latest`), `alphabetical` (once `name`) or `digest`; `semver`
    /// where it is none of these.
    pub strategy: String,
    /// The constraint after the image's name: a range for `semver`, a tag for `digest`.
    pub constraint: String,
    /// `allow-tags`: `regexp:…` or `any`; anything else allows no tag.
    pub allow_tags: String,
    /// `ignore-tags`: globs over the whole tag.
    pub ignore_tags: Vec<String>,
    /// `platforms`, of which one is enough; they count where the strategy reads metadata.
    pub platforms: Vec<String>,
}

impl ImageUpdaterPolicy {
    pub(super) fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        let ignore = faults.patterns("ignore-tags", &self.ignore_tags, Pattern::go_glob);
        let platforms = faults.platforms("platforms", &self.platforms);
        let order = self.order(&mut faults);
        let reads_metadata = matches!(order, Some(Order::Created | Order::Follow(_)));
        faults.or(order.map(|order| CompiledPolicy {
            allow: self.allow(),
            ignore,
            platforms: if reads_metadata { platforms } else { Vec::new() },
            any_platform: true,
            pin_digest: matches!(order, Order::Follow(_)),
            ..CompiledPolicy::bare(order)
        }))
    }

    fn order(&self, faults: &mut Faults) -> Option<Order> {
        match self.strategy.to_lowercase().as_str() {
            "newest-build" | "latest" => Some(Order::Created),
            "alphabetical" | "name" => Some(Order::Text(SortOrder::Asc)),
            "digest" if self.constraint.is_empty() => {
                faults.add("constraint", "the strategy `digest` needs a tag as its constraint");
                None
            }
            "digest" => faults.tag("constraint", &self.constraint).map(Order::Follow),
            _ => {
                let range = if self.constraint.is_empty() { "*" } else { &self.constraint };
                let range = faults.kept("constraint", range.parse())?;
                Some(Order::Version { range: Some(range), shape: Shape::Loose })
            }
        }
    }

    fn allow(&self) -> Allow {
        let text = self.allow_tags.as_str();
        if text.is_empty() || text.eq_ignore_ascii_case("any") {
            return Allow::All;
        }
        match text.split_once(':') {
            Some((kind, expression)) if kind.eq_ignore_ascii_case("regexp") => match Pattern::expression(expression) {
                Ok(pattern) => Allow::Matching(vec![pattern]),
                Err(error) => Allow::Nothing(format!("`allow-tags` lets no tag in: {error}")),
            },
            _ => Allow::Nothing(format!("`allow-tags` lets no tag in: `{text}` is neither `any` nor `regexp:…`")),
        }
    }
}
