//! Flux 1, the tag annotations of a workload.

use crate::policy::{
    CompiledPolicy, Pattern, PolicyFault,
    compiled::{Allow, Habits},
    fault::Faults,
    order::{Order, Shape},
};

/// `glob:…` (also without a prefix) and `regexp:…` follow the newest build, `semver:…` the highest version.
pub(super) fn compile(pattern: &str) -> Result<CompiledPolicy, Vec<PolicyFault>> {
    let mut faults = Faults::default();
    let policy = match pattern.split_once(':') {
        Some(("semver", range)) => faults
            .kept("flux-v1", range.parse())
            .map(|range| CompiledPolicy::bare(Order::Version { range: Some(range), shape: Shape::Loose })),
        Some(("regexp" | "regex", expression)) => newest(faults.kept("flux-v1", Pattern::expression(expression))),
        Some(("glob", glob)) => newest(faults.kept("flux-v1", Pattern::star_glob(glob))),
        _ => newest(faults.kept("flux-v1", Pattern::star_glob(pattern))),
    };
    faults.or(policy)
}

fn newest(pattern: Option<Pattern>) -> Option<CompiledPolicy> {
    pattern.map(|pattern| CompiledPolicy {
        allow: Allow::Matching(vec![pattern]),
        habits: Habits { least_text_wins: true, needs_running_time: true, ..Habits::default() },
        ..CompiledPolicy::bare(Order::Created)
    })
}
