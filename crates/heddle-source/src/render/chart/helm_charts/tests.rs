use serde_json::json;

use super::*;

#[test]
fn values_are_merged_by_their_keys_lists_as_a_whole_and_nothing_takes_one_away() {
    let under = json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": 1, "stays": true});
    let over = json!({"a": {"b": 3}, "list": [4], "gone": null, "new": {"d": 5}});
    let wanted = json!({"a": {"b": 3, "c": 2}, "list": [4], "stays": true, "new": {"d": 5}});
    assert_eq!(merge(over, under, "").unwrap(), wanted);

    // Below what is not there, too.
    let over = json!({"new": {"gone": null, "inner": {"gone": null, "a": 1}}, "none": {"gone": null}});
    let wanted = json!({"new": {"inner": {"a": 1}}, "none": {}});
    assert_eq!(merge(over, json!({"none": null}), "").unwrap(), wanted);
}

#[test]
fn values_of_two_kinds_are_not_merged_as_for_kustomize() {
    let kinds = [json!({"a": null}), json!([1]), json!(1)];
    for (over, under) in kinds.iter().flat_map(|over| kinds.iter().map(move |under| (over, under))) {
        let merged = merge(json!({"x": {"y": over}}), json!({"x": {"y": under}}), "");
        match merged {
            Ok(_) => assert_eq!(over, under),
            Err(told) => assert!(over != under && told.starts_with("`x.y` is "), "{told}"),
        }
        assert!(merge(json!({"y": over}), json!({"y": null}), "").is_ok());
    }
}
