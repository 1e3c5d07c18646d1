//! `Chart.lock`: the versions that `helm dependency update` has chosen.

use serde_json::Value;

use super::word;

/// The version that is locked for one of a chart's dependencies. The lock has them in the order of `Chart.yaml`, so the second
/// of a name and repository there is for the second here.
pub(super) fn locked<'a>(lock: &'a Value, dependencies: &[Value], index: usize) -> Option<&'a str> {
    let wanted = dependencies.get(index)?;
    let is_alike =
        |other: &&Value| ["name", "repository"].iter().all(|field| word(other, field) == word(wanted, field));
    let before = dependencies[..index].iter().filter(is_alike).count();
    let locked = lock["dependencies"].as_array()?.iter().filter(is_alike).nth(before)?;
    locked["version"].as_str()
}

#[cfg(test)]
mod tests;
