use serde_json::json;

use super::*;

#[test]
fn values_are_merged_by_their_keys_lists_as_a_whole_and_nothing_takes_one_away() {
    let under = json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": 1, "stays": true});
    let over = json!({"a": {"b": 3}, "list": [4], "gone": null, "new": {"d": 5}});
    let wanted = json!({"a": {"b": 3, "c": 2}, "list": [4], "stays": true, "new": {"d": 5}});
    assert_eq!(merge(over, under), wanted);

    // Below what is not there, too, and over what is no mapping.
    let over = json!({"new": {"gone": null, "inner": {"gone": null, "a": 1}}, "list": {"gone": null}});
    let wanted = json!({"new": {"inner": {"a": 1}}, "list": {}});
    assert_eq!(merge(over, json!({"list": [1]})), wanted);
}
