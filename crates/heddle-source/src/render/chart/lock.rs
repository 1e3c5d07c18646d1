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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lock_pairs_the_dependencies_of_a_name_and_repository_in_their_order() {
        let of = |version: &str, repository: &str| json!({"name": "db", "version": version, "repository": repository});
        let dependencies =
            [of("1.0.0", "https://a"), of("^1", "https://b"), of("^1", "https://a"), of("^1", "https://c")];
        let lock =
            json!({"dependencies": [of("1.0.0", "https://a"), of("1.1.0", "https://b"), of("1.2.0", "https://a")]});
        let all: Vec<_> = (0..5).map(|index| locked(&lock, &dependencies, index)).collect();
        assert_eq!(all, [Some("1.0.0"), Some("1.1.0"), Some("1.2.0"), None, None]);
        assert_eq!(locked(&Value::Null, &dependencies, 0), None);
    }
}
