//! What needs more of a tag than its name: digests, creation, platforms, other images.

use super::*;

pub fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

/// Staging at the first of these tags, perhaps pinned; the registry has described them all.
fn pinned(policy: &str, standing: Option<char>, digests: &[(&'static str, char)]) -> World {
    let tags: Vec<&'static str> = digests.iter().map(|(tag, _)| *tag).collect();
    let mut world = World::new(tags[0], tags[0], &tags);
    if let Some(digit) = standing {
        let _ = writeln!(world.files[0].1, "    digest: {}", digest(digit).as_str());
    }
    world.rules = under(policy);
    world.described = tags.iter().map(|tag| (*tag, 1, "linux/amd64")).collect();
    world.digests = digests.to_vec();
    world
}

fn check_text(plan: &Plan, tag: &str, digit: char) {
    let text = format!("images:\n  - name: acme/api\n    newTag: {tag}\n    digest: {}\n", digest(digit).as_str());
    assert_eq!(plan.writes[0][0].text, text);
    assert_eq!(plan.request.proposals[0].changes[0].to_digest, Some(digest(digit)));
}

#[test]
fn a_pin_is_written_with_its_tag_and_stays_with_it() {
    let policy = "{semver: '*', pin_digest: true}";
    let one = "new commit staging: Update api to 1.4.2 in staging [staging/kustomization.yaml]\n";
    check_text(&pinned(policy, None, &[("1.4.1", 'a'), ("1.4.2", 'b')]).check(one), "1.4.2", 'b');
    check_text(&pinned(policy, Some('a'), &[("1.4.1", 'a'), ("1.4.2", 'b')]).check(one), "1.4.2", 'b');
    // What stands there without a digest is pinned; what is pinned does not move although its tag did.
    let pin = "new commit staging: Update api to 1.4.1@sha256:aaaaaaaaaaaa in staging [staging/kustomization.yaml]\n";
    check_text(&pinned(policy, None, &[("1.4.1", 'a')]).check(pin), "1.4.1", 'a');
    pinned(policy, Some('c'), &[("1.4.1", 'a')]).check("");
}

#[test]
fn a_place_that_is_pinned_gets_the_digest_of_the_new_tag_by_any_rule() {
    let one = "new commit staging: Update api to 1.4.2 in staging [staging/kustomization.yaml]\n";
    let world = pinned("{semver: '*'}", Some('a'), &[("1.4.1", 'a'), ("1.4.2", 'b')]);
    check_text(&world.check(one), "1.4.2", 'b');
    let unknown = World { digests: vec![("1.4.1", 'a')], ..world };
    unknown.check("");
}

#[test]
fn a_followed_digest_moves_with_its_tag_until_a_person_takes_it_back() {
    let moved =
        "new commit staging: Update api to latest@sha256:bbbbbbbbbbbb in staging [staging/kustomization.yaml]\n";
    let mut world = pinned("{digest: latest}", Some('a'), &[("latest", 'b')]);
    let plan = world.check(moved);
    check_text(&plan, "latest", 'b');
    let change = &plan.request.proposals[0].changes[0];
    assert_eq!(change.why, "`latest` is sha256:bbbbbbbbbbbb now (`.heddle.yaml:6`)");
    world.barred = vec![Barred {
        environment: "staging".parse().unwrap(),
        image: "acme/api".parse().unwrap(),
        place: change.places[0].key(),
        tag: "latest".parse().unwrap(),
        digest: Some(digest('b')),
        change: ChangeId(uuid::Uuid::nil()),
        reason: "reverted in 4b825dc".into(),
    }];
    world.check("");
    world.digests = vec![("latest", 'c')];
    world.check(&moved.replace("bbbbbbbbbbbb", "cccccccccccc"));
}

/// Staging under a policy, and prod under none.
fn under(policy: &str) -> String {
    RULES.replace("{semver: '*'}", policy).replace("acme/*", "acme/other")
}

#[test]
fn the_newest_image_is_written_once_all_are_described() {
    let mut world = World::new("main-1", "main-1", &["main-1", "main-2", "main-3"]);
    world.rules = under("{newest: created}");
    world.described = vec![("main-1", 1, "linux/amd64"), ("main-3", 2, "linux/amd64")];
    world.check("");
    world.described.push(("main-2", 3, "linux/amd64"));
    world.check("new commit staging: Update api to main-2 in staging [staging/kustomization.yaml]\n");
}

#[test]
fn an_image_without_the_platform_is_not_written() {
    let mut world = World::new("1.4.0", "1.4.0", &["1.4.0", "1.4.1", "1.4.2"]);
    world.rules = under("{semver: '*', platforms: [linux/arm64]}");
    world.described = vec![("1.4.0", 1, "linux/arm64"), ("1.4.1", 2, "linux/arm64"), ("1.4.2", 3, "linux/amd64")];
    world.check("new commit staging: Update api to 1.4.1 in staging [staging/kustomization.yaml]\n");
}

#[test]
fn images_in_lockstep_wait_for_each_other() {
    let mut world = World::new("1.4.0", "1.4.0", &["1.4.0", "1.4.1", "1.4.2"]);
    world.rules = under("{semver: '*', lockstep: [acme/worker]}");
    world.check("");
    world.companion = Some(("acme/worker", vec!["1.4.0", "1.4.1"]));
    world.check("new commit staging: Update api to 1.4.1 in staging [staging/kustomization.yaml]\n");
}

/// Staging at a tag, with what the tags point to.
fn imaged(policy: &str, runs: &str, digests: &[(&'static str, char)]) -> World {
    let tags: Vec<&'static str> = digests.iter().map(|(tag, _)| *tag).collect();
    let mut world = World::new(runs, runs, &tags);
    world.rules = under(policy);
    world.digests = digests.iter().filter(|(_, digit)| *digit != '.').copied().collect();
    world.described = world.digests.iter().map(|(tag, _)| (*tag, 1, "linux/amd64")).collect();
    world
}

const LOST: &str = "finding current nothing says which tag is above `latest`, which moves from image to image, and no tag \
                    that the rule can order is known to be its image: write a `match` with `extract` that reads it, a `suffix` \
                    or another policy, let the rule choose `from_any: true`, or release a tag by hand";

#[test]
fn a_tag_that_floats_is_followed_by_the_tags_above_its_image() {
    let named =
        |tag: &str| format!("new commit staging: Update api to {tag} in staging [staging/kustomization.yaml]\n");
    let known = [("latest", 'a'), ("1.4.1", 'a'), ("1.4.0", 'b')];
    imaged("{semver: '*'}", "latest", &known).check(&named("1.4.1"));
    imaged("{semver: '*'}", "latest", &[("latest", 'a'), ("1.4.1", 'a'), ("1.4.2", 'b')]).check(&named("1.4.2"));
}

#[test]
fn what_runs_without_a_place_in_the_order_is_told_and_stays() {
    let unknown = [("latest", 'a'), ("1.4.1", 'b'), ("1.4.0", 'c')];
    imaged("{semver: '*'}", "latest", &unknown).check(&format!("{LOST}\n"));
    let looking = [("latest", 'a'), ("1.4.1", 'b'), ("1.4.0", '.')];
    let more = format!("{LOST}; the next scan compares more tags with it\n");
    imaged("{semver: '*'}", "latest", &looking).check(&more);
    let any = "new commit staging: Update api to 1.4.1 in staging [staging/kustomization.yaml]\n";
    imaged("{semver: '*', from_any: true}", "latest", &unknown).check(any);
}

#[test]
fn more_policies_than_the_limit_stop_the_places_of_the_rest() {
    let mut world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2"]);
    let image = |index: usize| {
        format!(
            "        - name: c{index}\n          image: acme/api:1.4.1 # heddle: {{\"policy\": {{\"semver\": \"<{}\"}}}}\n",
            index + 100
        )
    };
    let images: String = (0..=heddle_core::policy::limit::MAX_POLICIES).map(image).collect();
    let workload = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    spec:\n      containers:\n{images}"
    );
    world.files = vec![("prod/api.yaml".to_owned(), workload)];
    let findings = world.plan().request.findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["too-many-policies"]);
}

#[test]
fn a_chart_of_a_registry_is_moved_by_a_rule_for_charts_alone() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: api}\nspec: {chart: {spec: {chart: api, version: 1.4.1, sourceRef: {kind: HelmRepository, name: acme}}}}\n";
    let repository = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: acme}\nspec: {url: 'oci://docker.io/acme'}\n";
    let mut world = World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2", "2.0.0"]);
    world.files = vec![("staging/api.yaml".into(), release.into()), ("sources/acme.yaml".into(), repository.into())];
    let rules = |key: &str| {
        format!(
            "version: 1\nenvironments: [{{name: staging, path: staging}}]\n{key}: [{{name: '*', policy: {{semver: 1.x}}}}]\n"
        )
    };
    world.rules = rules("images");
    world.check("");
    world.rules = rules("charts");
    let plan = world.check("new pull-request staging: Update api to 1.4.2 in staging [staging/api.yaml]\n");
    assert_eq!(plan.writes[0][0].text, release.replace("1.4.1", "1.4.2"));
}
