//! Flux 2, `ImagePolicy`.

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault, SortOrder,
    compiled::Habits,
    extract::Extraction,
    fault::Faults,
    order::{Numbers, Order, Shape},
    pattern::compile,
};

/// What an `ImagePolicy` and its `ImageRepository` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FluxPolicy {
    /// `policy`.
    pub order: FluxOrder,
    /// `filterTags.pattern`; empty finds every tag.
    pub pattern: String,
    /// `filterTags.extract`; empty orders the tag itself.
    pub extract: String,
    /// `digestReflectionPolicy` other than `Never`.
    pub reflects_digest: bool,
    /// `exclusionList` of the repository; `None` is its default.
    pub exclusions: Option<Vec<String>>,
}

/// `policy` of an `ImagePolicy`, with its one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FluxOrder {
    /// `semver.range`.
    Semver(String),
    /// `alphabetical.order`; empty is `asc`.
    Alphabetical(String),
    /// `numerical.order`; empty is `asc`.
    Numerical(String),
}

impl FluxPolicy {
    pub(super) fn compile(&self) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        let order = match &self.order {
            FluxOrder::Semver(range) => faults
                .kept("range", range.parse())
                .map(|range| Order::Version { range: Some(range), shape: Shape::Dots(2) }),
            FluxOrder::Alphabetical(order) => sort_order(order, &mut faults).map(Order::Text),
            FluxOrder::Numerical(order) => {
                sort_order(order, &mut faults).map(|order| Order::Number(order, Numbers::Signed))
            }
        };
        let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let matches = filled(&self.pattern).and_then(|pattern| faults.kept("pattern", compile(&pattern)));
        let default = vec![r"^.*\.sig$".to_owned()];
        let exclusions = self.exclusions.as_ref().unwrap_or(&default);
        let ignore = faults.patterns("exclusionList", exclusions, Pattern::expression);
        let fails_whole = matches!(self.order, FluxOrder::Numerical(_));
        faults.or(order.map(|order| CompiledPolicy {
            extraction: matches.map(|matches| Extraction::new(matches, filled(&self.extract).as_deref())),
            ignore,
            pin_digest: self.reflects_digest,
            habits: Habits { fails_whole, ..Habits::default() },
            ..CompiledPolicy::bare(order)
        }))
    }
}

fn sort_order(text: &str, faults: &mut Faults) -> Option<SortOrder> {
    match text.to_ascii_lowercase().as_str() {
        "" | "asc" => Some(SortOrder::Asc),
        "desc" => Some(SortOrder::Desc),
        _ => {
            faults.add("order", format!("`order` has no `{text}`: write `asc` or `desc`"));
            None
        }
    }
}
