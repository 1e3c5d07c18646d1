//! Places that change together: keys of one marker, a tag and its digest that stand apart, and places of one alias. All of
//! them get the new build, or none does, whichever mapping or file they stand in.

use std::collections::BTreeMap;

use crate::occurrence::Occurrence;

/// The places that change together, by their index: groups of two and more. Places of different branches are never given
/// together.
pub fn groups(occurrences: &[&Occurrence]) -> Vec<Vec<usize>> {
    let mut bonded: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, occurrence) in occurrences.iter().enumerate() {
        if let Some(bond) = &occurrence.bond {
            bonded.entry(bond).or_default().push(index);
        }
    }
    bonded.into_values().filter(|group| group.len() > 1).collect()
}
