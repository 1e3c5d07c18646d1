//! The shared cases. Each file prints how many agree, differ on purpose and are wrong.

use serde_json::Value;

use super::super::{Expressions, HealthExpressions, Profile, judge_as};
use super::now;
use crate::cases;

/// The cases of a file; `None` where `HEDDLE_CASES` is not set.
fn read(file: &str) -> Option<Vec<Value>> {
    let document = cases::read(file)?;
    let text = document["cases"].to_string().replace("{{now}}", &now().to_rfc3339());
    serde_json::from_str(&text).unwrap()
}

/// Runs `check` on each case; it gives what is wrong.
fn run(file: &str, on_purpose: impl Fn(&Value) -> bool, check: impl Fn(&Value) -> Option<String>) {
    let Some(cases) = read(file) else { return };
    let differing: Vec<(&Value, String)> =
        cases.iter().filter_map(|case| check(case).map(|fault| (case, fault))).collect();
    let (apart, wrong): (Vec<_>, Vec<_>) = differing.into_iter().partition(|(case, _)| on_purpose(case));
    let wrong: Vec<String> = wrong.iter().map(|(case, fault)| format!("{}: {fault}", case["id"])).collect();
    let agreed = cases.len() - apart.len() - wrong.len();
    let said =
        format!("conformance: {file}: {agreed} agreed, {} differ on purpose, {} wrong", apart.len(), wrong.len());
    cases::say(&said);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn kstatus_flux_and_their_expressions_agree() {
    run(
        "synchronizer/health.json",
        |_| false,
        |case| {
            let (input, expect) = (&case["input"], &case["expect"]);
            let profile = match case["suite"].as_str() {
                Some("flux-cel") => return check_expressions(case),
                Some("flux-job") => Profile::Flux,
                _ => Profile::Kstatus,
            };
            let verdict = judge_as(profile, input, now());
            if profile.word(verdict.status) != expect["status"] {
                return Some(format!("{}, ours {verdict:?}", expect["status"]));
            }
            let condition = &expect["conditions"][0];
            (condition["reason"].is_string() && condition["reason"] != verdict.reason.as_str())
                .then(|| format!("{condition}, ours {verdict:?}"))
        },
    );
}

fn check_expressions(case: &Value) -> Option<String> {
    let written: HealthExpressions = serde_json::from_value(case["exprs"].clone()).unwrap();
    let expect = &case["expect"];
    match Expressions::read(&written).and_then(|expressions| expressions.judge(&case["input"])) {
        Ok(verdict) if Profile::Flux.word(verdict.status) == expect["status"] => None,
        Err(error) if expect["error_contains"].as_str().is_some_and(|text| error.to_string().contains(text)) => None,
        ours => Some(format!("{expect}, ours {ours:?}")),
    }
}

#[test]
fn argo_cds_custom_resources_agree() {
    // Argo CD asks its scripts about no object that is being deleted; the cases are of the scripts alone.
    let is_deleted = |case: &Value| case["input"]["metadata"]["deletionTimestamp"].is_string();
    run("synchronizer/health-crds.json", is_deleted, |case| {
        let verdict = judge_as(Profile::Argo, &case["input"], now());
        let expected = &case["expect"]["health"];
        (Profile::Argo.word(verdict.status) != *expected).then(|| format!("{expected}, ours {verdict:?}"))
    });
}

/// What the words that most controllers use are worth on kinds that nobody listed: measured on the kinds that are, as
/// if their rules did not exist. A fault may be told as one that lasts, but a kind must rarely be called well that is not.
#[test]
fn kinds_that_nobody_listed_are_rarely_called_well_when_they_are_not() {
    let Some(cases) = read("synchronizer/health-crds.json") else { return };
    let judged = cases.iter().map(|case| {
        let kind = super::super::kind_of(&case["input"]);
        let status = super::super::generic::judge(&kind, &case["input"]).status;
        (Profile::Argo.word(status), case["expect"]["health"].as_str().unwrap())
    });
    let judged: Vec<_> = judged.collect();
    let agreed = judged.iter().filter(|(ours, theirs)| ours == theirs).count();
    let kind = judged.iter().filter(|(ours, theirs)| *ours == "Healthy" && *theirs == "Degraded").count();
    eprintln!(
        "health-crds.json without rules: {agreed} of {} agreed, {kind} called healthy that are degraded",
        judged.len()
    );
    assert!(kind * 10 <= judged.len(), "{kind} of {}", judged.len());
}
