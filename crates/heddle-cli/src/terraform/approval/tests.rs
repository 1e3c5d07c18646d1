use serde_json::{Value, json};

use super::*;

const LOCK: &[u8] = b"provider";

fn plan() -> Value {
    json!({
        "terraform_version": "1.12.6", "timestamp": "2026-11-30T09:00:00Z",
        "variables": {"door": {"value": "hunter2"}},
        "configuration": {"root_module": {}},
        "resource_changes": [
            {"address": "a", "change": {"actions": ["create"], "after": {"n": 1}}},
            {"address": "b", "change": {"actions": ["no-op"], "after": {"n": 1}}},
            {"address": "c", "change": {"actions": ["update"], "after": {"n": 1}}},
        ],
        "output_changes": {"o": {"actions": ["create"]}},
        "prior_state": {"values": {"root_module": {
            "resources": [{"address": "m", "mode": "managed", "values": {"n": 1}}],
            "child_modules": [{"resources": [
                {"address": "module.c.data.b", "mode": "data", "values": {"n": 1}},
                {"address": "module.c.data.a", "mode": "data", "values": {"n": 1}},
            ]}],
        }}},
    })
}

fn basis() -> Basis {
    Basis {
        state: Some(StateId { lineage: "8a2c".to_owned(), serial: 4 }),
        lock: Some(LOCK.to_vec()),
        workspace: "default".to_owned(),
        backend: Some(json!({"type": "s3", "config": {"bucket": "b", "secret_key": null}})),
        commit: Some("4b825dc".to_owned()),
        key: None,
    }
}

fn hash(plan: &Value, basis: &Basis, run: Uuid) -> PlanHash {
    Approval::of(plan.to_string().as_bytes(), false, basis).unwrap().hash(run)
}

fn check(change: impl FnOnce(&mut Value, &mut Basis), is_same: bool, what: &str) {
    let run = Uuid::from_u128(7);
    let approved = hash(&plan(), &basis(), run);
    let (mut other, mut others) = (plan(), basis());
    change(&mut other, &mut others);
    assert_eq!(hash(&other, &others, run) == approved, is_same, "{what}");
}

#[test]
fn whatever_an_apply_does_is_in_the_hash() {
    check(|_, _| {}, true, "nothing");
    check(|plan, _| plan["timestamp"] = json!("2026-11-30T10:00:00Z"), true, "the time of the plan");
    check(|plan, _| plan["resource_changes"].as_array_mut().unwrap().reverse(), true, "the order");
    check(|plan, _| plan["resource_changes"][1]["change"]["after"]["n"] = json!(2), true, "what is left as it is");
    check(|plan, _| plan["resource_changes"][0]["change"]["after"]["n"] = json!(2), false, "a value");
    check(|plan, _| plan["resource_changes"][0]["change"]["actions"] = json!(["delete"]), false, "an action");
    check(|plan, _| plan["resource_changes"][1]["previous_address"] = json!("z"), false, "a move");
    check(|plan, _| plan["resource_changes"][1]["change"]["importing"] = json!({"id": "i"}), false, "an import");
    check(|plan, _| plan["output_changes"]["o"]["actions"] = json!(["update"]), false, "an output");
    check(|plan, _| plan["variables"]["door"]["value"] = json!("hunter3"), false, "a variable");
    check(|plan, _| plan["configuration"]["root_module"] = json!({"x": 1}), false, "the configuration");
    check(|plan, _| plan["terraform_version"] = json!("1.12.7"), false, "the program");
    check(|_, basis| basis.state.as_mut().unwrap().serial = 5, false, "the state's serial");
    check(|_, basis| basis.state.as_mut().unwrap().lineage = "9".to_owned(), false, "the state's lineage");
    check(|_, basis| basis.state = None, false, "no state");
    check(|_, basis| basis.lock = None, false, "the lock file");
    let values = "/prior_state/values/root_module";
    let set = |plan: &mut Value, at: &str| *plan.pointer_mut(&format!("{values}{at}")).unwrap() = json!(2);
    check(|plan, _| set(plan, "/resources/0/values/n"), true, "what stands in the state, which has a serial");
    check(|plan, _| set(plan, "/child_modules/0/resources/0/values/n"), false, "what a data source read");
    let reverse = |plan: &mut Value| {
        plan.pointer_mut(&format!("{values}/child_modules/0/resources")).unwrap().as_array_mut().unwrap().reverse();
    };
    check(|plan, _| reverse(plan), true, "the order of data sources");
    for actions in ["action_invocations", "deferred_action_invocations"] {
        check(|plan, _| plan[actions] = json!([{"address": "action.x"}]), false, actions);
    }
    check(|_, basis| basis.workspace = "prod".to_owned(), false, "the workspace");
    check(|_, basis| basis.backend.as_mut().unwrap()["config"]["bucket"] = json!("c"), false, "the backend");
    check(|_, basis| basis.commit = Some("9".to_owned()), false, "the commit");
    check(|_, basis| basis.key = Some(b"k".to_vec()), false, "the key");
}

#[test]
fn numbers_are_not_rounded() {
    let plan = |number: &str| {
        format!(
            r#"{{"resource_changes": [{{"address": "a", "change": {{"actions": ["create"], "after": {number}}}}}]}}"#
        )
    };
    let hash = |number: &str| Approval::of(plan(number).as_bytes(), false, &basis()).unwrap().hash(Uuid::nil());
    assert_ne!(hash("12345678901234567890123"), hash("12345678901234567890124"));
}

#[test]
fn each_run_has_another_hash_and_one_can_be_made_like_it() {
    let (plan, basis) = (plan().to_string(), basis());
    let approval = Approval::of(plan.as_bytes(), true, &basis).unwrap();
    let approved = approval.new_hash();
    assert_ne!(approved, approval.new_hash());
    assert_eq!(approval.hash_like(&approved.to_string().parse().unwrap()), approved);
}

#[test]
fn secrets_that_anybody_could_try_have_no_hash() {
    let plan = plan().to_string();
    let mut basis = Basis { state: None, ..basis() };
    assert_eq!(Approval::of(plan.as_bytes(), true, &basis).err(), Some(Unapprovable::NoKey));
    assert!(Approval::of(plan.as_bytes(), false, &basis).is_ok());
    let open = basis.backend.replace(json!({"config": {"secret_key": "hunter2"}}));
    assert_eq!(Approval::of(plan.as_bytes(), false, &basis).err(), Some(Unapprovable::NoKey));
    basis.backend = open;
    basis.key = Some(b"of the pipeline".to_vec());
    assert!(Approval::of(plan.as_bytes(), true, &basis).is_ok());
    assert_eq!(Approval::of(b"[]", false, &basis).err(), Some(Unapprovable::NoPlan));
}
