use heddle_core::{change::Mode, place::Place, policy::TagPolicy};
use heddle_wire::automator::GoverningRule;

use super::*;

fn occurrence(image: &str, rules: Vec<GoverningRule>) -> Occurrence {
    Occurrence {
        branch: "main".parse().unwrap(),
        place: Place {
            file: "clusters/prod/api.yaml".into(),
            line: 9,
            object: "Deployment api".into(),
            field: "spec.template.spec.containers[0].image".into(),
        },
        container: None,
        image: image.parse().unwrap(),
        environments: vec!["prod".parse().unwrap()],
        rules,
    }
}

fn rule(policy: Option<TagPolicy>) -> GoverningRule {
    GoverningRule {
        environment: "prod".parse().unwrap(),
        file: ".heddle.yaml".into(),
        line: 4,
        mode: Mode::PullRequest,
        policy,
        interval_secs: None,
    }
}

#[test]
fn an_image_counts_once_and_only_where_a_rule_needs_it() {
    let lockstep = vec!["ghcr.io/acme/web".to_owned(), "ghcr.io/acme/api".to_owned()];
    let policy = TagPolicy { semver: Some(">=1.0".into()), lockstep, ..TagPolicy::default() };
    let report = ReadReport {
        rules: None,
        drift: Vec::new(),
        branches: vec![],
        environments: vec![],
        occurrences: vec![
            occurrence("ghcr.io/acme/api:1.4.1", vec![rule(Some(policy.clone()))]),
            occurrence("ghcr.io/acme/api:1.4.2", vec![rule(Some(policy))]),
            occurrence("ghcr.io/acme/broken:1", vec![rule(None)]),
            occurrence("ghcr.io/acme/ungoverned:1", vec![]),
        ],
        findings: vec![],
        proposals: vec![],
        placed_revisions: vec![],
        looked_up: vec![],
    };
    let governed: Vec<&str> = governed_images(&report).into_iter().collect();
    assert_eq!(governed, ["ghcr.io/acme/api", "ghcr.io/acme/broken", "ghcr.io/acme/web"]);
}
