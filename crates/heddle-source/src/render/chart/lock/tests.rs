use serde_json::json;

use super::*;

#[test]
fn a_lock_pairs_the_dependencies_of_a_name_and_repository_in_their_order() {
    let of = |version: &str, repository: &str| json!({"name": "db", "version": version, "repository": repository});
    let dependencies = [of("1.0.0", "https://a"), of("^1", "https://b"), of("^1", "https://a"), of("^1", "https://c")];
    let lock = json!({"dependencies": [of("1.0.0", "https://a"), of("1.1.0", "https://b"), of("1.2.0", "https://a")]});
    let all: Vec<_> = (0..5).map(|index| locked(&lock, &dependencies, index)).collect();
    assert_eq!(all, [Some("1.0.0"), Some("1.1.0"), Some("1.2.0"), None, None]);
    assert_eq!(locked(&Value::Null, &dependencies, 0), None);
}
