//! Kargo, an image subscription of a `Warehouse`.

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault, SortOrder,
    compiled::Allow,
    fault::Faults,
    order::{Order, Shape},
};

/// What an image subscription says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KargoPolicy {
    /// `imageSelectionStrategy`: `SemVer` (also where it is empty), `Lexical`, `NewestBuild` or `Digest`.
    pub strategy: String,
    /// `constraint` (once `semverConstraint`): a range for `SemVer`, a tag for `Digest`; the others ignore it.
    pub constraint: String,
    /// `allowTagsRegexes` and the older `allowTags`; one must be found in the tag.
    pub allow_tags_regexes: Vec<String>,
    /// `ignoreTagsRegexes`; none may be found in the tag.
    pub ignore_tags_regexes: Vec<String>,
    /// The older `ignoreTags`: tags as they are written.
    pub ignore_tags: Vec<String>,
    /// `platform`.
    pub platform: Option<String>,
    /// `strictSemvers`, which is true where it is not given.
    pub strict_semvers: Option<bool>,
}

impl KargoPolicy {
    pub(super) fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        let order = self.order(&mut faults);
        let allow = faults.patterns("allowTagsRegexes", &self.allow_tags_regexes, Pattern::expression);
        let mut ignore = faults.patterns("ignoreTagsRegexes", &self.ignore_tags_regexes, Pattern::expression);
        ignore.extend(faults.patterns("ignoreTags", &self.ignore_tags, Pattern::exactly));
        let platforms = faults.platforms("platform", self.platform.as_slice());
        let followed = matches!(order, Some(Order::Follow(_)));
        let filtered = !followed && !allow.is_empty();
        faults.or(order.map(|order| CompiledPolicy {
            // The strategy `Digest` looks at its one tag and at no filter.
            allow: if filtered { Allow::Matching(allow) } else { Allow::All },
            ignore: if followed { Vec::new() } else { ignore },
            platforms,
            pin_digest: followed,
            ..CompiledPolicy::bare(order)
        }))
    }

    fn order(&self, faults: &mut Faults) -> Option<Order> {
        match self.strategy.as_str() {
            "" | "SemVer" => {
                let shape = if self.strict_semvers.unwrap_or(true) { Shape::Strict } else { Shape::Loose };
                let range = match self.constraint.as_str() {
                    "" => None,
                    text => Some(faults.kept("constraint", text.parse())?),
                };
                Some(Order::Version { range, shape })
            }
            "Lexical" => Some(Order::Text(SortOrder::Asc)),
            "NewestBuild" => Some(Order::Created),
            "Digest" if self.constraint.is_empty() => {
                faults.add("constraint", "the strategy `Digest` needs a tag as its constraint");
                None
            }
            "Digest" => faults.tag("constraint", &self.constraint).map(Order::Follow),
            other => {
                let message = format!(
                    "`imageSelectionStrategy` has no `{other}`: write `SemVer`, `Lexical`, `NewestBuild` or `Digest`"
                );
                faults.add("imageSelectionStrategy", message);
                None
            }
        }
    }
}
