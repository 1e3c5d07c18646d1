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

/// Both environments under one policy.
fn under(policy: &str) -> String {
    RULES.replace("{semver: '*'}", policy).replace("{semver: '<2'}", "{semver: '<1'}")
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
