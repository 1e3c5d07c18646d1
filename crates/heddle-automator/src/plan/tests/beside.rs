//! Policies that stand beside the image instead of in `.heddle.yaml`.

use super::World;

const NO_RULES: &str = "version: 1\nenvironments: [{name: prod, path: prod}]\n";

const POLICY: &str = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: api, namespace: flux-system}\n\
    spec:\n  imageRepositoryRef: {name: api}\n  policy: {semver: {range: 1.x}}\n";

const AUTOMATION: &str = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\n\
    metadata: {name: all, namespace: flux-system}\nspec:\n  git: {checkout: {ref: {branch: main}}}\n  update: {path: ./}\n";

fn world(rules: &str, image: &str, more: &[(&str, &str)]) -> World {
    let workload = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n      \
         - name: api\n        {image}\n"
    );
    let mut world = World::new("1.0.0", "1.0.0", &["1.0.0", "1.1.0", "2.0.0"]);
    world.rules = rules.to_owned();
    world.files = vec![("prod/api.yaml".to_owned(), workload)];
    world.files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    world
}

const MARKED: &str = r#"image: acme/api:1.0.0 # {"$imagepolicy": "flux-system:api"}"#;

#[test]
fn a_flux_set_up_is_followed_as_it_stands_and_a_person_merges() {
    let more = [("flux/policy.yaml", POLICY), ("flux/automation.yaml", AUTOMATION)];
    let plan =
        world(NO_RULES, MARKED, &more).check("new pull-request prod: Update api to 1.1.0 in prod [prod/api.yaml]\n");
    assert!(plan.request.proposals[0].changes[0].why.ends_with("(`flux/policy.yaml:1`)"), "{plan:?}");
}

#[test]
fn without_its_policy_a_marker_updates_nothing() {
    world(NO_RULES, MARKED, &[("flux/automation.yaml", AUTOMATION)]).check("");
}

#[test]
fn annotations_of_flux_1_and_keel_are_followed_and_a_locked_one_is_only_watched() {
    let annotated = |annotations: &str| {
        let mut world = world(NO_RULES, "image: acme/api:1.0.0", &[]);
        let text = &mut world.files[0].1;
        *text = text.replace("{name: api}", &format!("{{name: api, annotations: {{{annotations}}}}}"));
        world
    };
    let proposed = |tag: &str| format!("new pull-request prod: Update api to {tag} in prod [prod/api.yaml]\n");
    annotated("fluxcd.io/automated: 'true', fluxcd.io/tag.api: 'semver:~1'").check(&proposed("1.1.0"));
    annotated("keel.sh/policy: major").check(&proposed("2.0.0"));
    annotated("keel.sh/policy: minor").check(&proposed("1.1.0"));
    annotated("keel.sh/policy: never").check("");
    let locked = "fluxcd.io/automated: 'true', fluxcd.io/locked: 'true', fluxcd.io/tag.api: 'semver:~1'";
    annotated(locked).check("gated prod 1.1.0: the rule observes only (`prod/api.yaml:9`)\n");
}

#[test]
fn a_rule_is_nearer_than_a_peers_words_and_a_comment_is_nearer_than_a_rule() {
    let rules = format!("{NO_RULES}images: [{{name: acme/api, policy: {{semver: '>=2'}}, mode: commit}}]\n");
    world(&rules, MARKED, &[("flux/policy.yaml", POLICY)])
        .check("new commit prod: Update api to 2.0.0 in prod [prod/api.yaml]\n");
    let comment = r#"image: acme/api:1.0.0 # heddle: {"policy": {"semver": "1.x"}, "mode": "commit"}"#;
    for rules in [NO_RULES, &rules] {
        let plan = world(rules, comment, &[]).check("new commit prod: Update api to 1.1.0 in prod [prod/api.yaml]\n");
        assert!(plan.request.proposals[0].changes[0].why.ends_with("(`prod/api.yaml:9`)"), "{plan:?}");
    }
}

#[test]
fn a_comment_that_cannot_be_read_stops_its_place_and_says_so() {
    let rules = format!("{NO_RULES}images: [{{name: '*', policy: {{semver: '*'}}}}]\n");
    for (comment, told) in [
        (r#"{"policy": {"semvar": "1.x"}}"#, "write `semver`"),
        (r#"{"policy": {"semver": "1.x"}, "path": "x"}"#, "has no key `path`"),
        (r#"{"policy""#, "cannot be read"),
        ("later", "must be a mapping"),
    ] {
        let world = world(&rules, &format!("image: acme/api:1.0.0 # heddle: {comment}"), &[]);
        world.check("");
        let (config, _) = heddle_manifest::config::read(&world.rules);
        let findings = world.branch(&config).found.findings;
        assert!(findings.iter().any(|finding| finding.message.contains(told)), "{comment}: {findings:?}");
        assert!(findings.iter().all(|finding| finding.file == "prod/api.yaml" && finding.position.line == 9));
    }
}

#[test]
fn what_cannot_be_read_in_the_configuration_stops_a_peers_words_too() {
    world(
        "version: 1\nenvironments: [{name: prod, path: prod}]\nfreeze: []\n",
        MARKED,
        &[("flux/policy.yaml", POLICY)],
    )
    .check("");
}
