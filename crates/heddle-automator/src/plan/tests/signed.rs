//! Rules that ask for a signature.

use heddle_core::policy::{SignatureCheck, SignerId};

use super::*;

const KEY: &str = "cosign.pub";

/// The keys as they were read, known by their path.
pub fn know_keys(config: &mut Config, lost: bool) {
    if lost {
        return;
    }

    let policies = config.rules.iter_mut().filter_map(|rule| rule.ruling.policy.as_mut());
    for signer in policies.flat_map(|policy| &mut policy.signed_by) {
        signer.id = Some(SignerId::of_path(&signer.key));
    }
}

pub fn check(signed: &Signed) -> SignatureCheck {
    SignatureCheck { signer: SignerId::of_path(KEY), outcome: signed.clone() }
}

/// Staging at 1.4.1, with 1.4.2 and 1.4.3 of which this is known.
fn world(signer: &str, signed: &[(&'static str, Signed)]) -> World {
    let rule =
        format!("  - {{name: acme/api, environments: [staging], policy: {{semver: '*', signed_by: [{signer}]}}}}\n");
    let rules = RULES.replace("  - {name: acme/*, policy: {semver: '<2'}}\n", "");
    let at = rules.find("  - {name: acme/api").unwrap();
    World {
        rules: format!("{}{rule}", &rules[..at]),
        described: vec![("1.4.1", 0, "linux/amd64"), ("1.4.2", 0, "linux/amd64"), ("1.4.3", 0, "linux/amd64")],
        digests: vec![("1.4.1", '1'), ("1.4.2", '2'), ("1.4.3", '3')],
        signed: signed.to_vec(),
        ..World::new("1.4.1", "1.4.1", &["1.4.1", "1.4.2", "1.4.3"])
    }
}

#[test]
fn the_newest_signed_tag_is_written_with_the_digest_that_was_verified() {
    let signed = [("1.4.1", Signed::Yes), ("1.4.2", Signed::Yes), ("1.4.3", Signed::No)];
    let plan = world("{key: cosign.pub}", &signed)
        .check("new pull-request staging: Update api to 1.4.2 in staging [staging/kustomization.yaml]\n");
    let digest = images::digest('2');
    assert_eq!(
        plan.writes[0][0].text,
        format!("images:\n  - name: acme/api\n    newTag: 1.4.2\n    digest: {digest}\n")
    );
    let body = &plan.request.proposals[0].body;
    assert!(body.contains("(`.heddle.yaml:6`) | `cosign.pub` |\n"), "{body}");
    assert!(!body.contains("another image"), "{body}");
}

#[test]
fn an_unsigned_tag_has_a_line_that_says_so_and_nothing_is_written() {
    let signed = [("1.4.1", Signed::No), ("1.4.2", Signed::No), ("1.4.3", Signed::No)];
    let plan = world("{key: cosign.pub}", &signed)
        .check("gated staging 1.4.3: it carries no signature by `cosign.pub` (`.heddle.yaml:6`)\n");
    assert_eq!(plan.request.gated[0].gate.kind, GateKind::Signature);
}

#[test]
fn what_runs_and_is_signed_gets_the_digest_that_was_verified() {
    let signed = [("1.4.1", Signed::Yes), ("1.4.2", Signed::No), ("1.4.3", Signed::No)];
    let plan = world("{key: cosign.pub}", &signed).plan();
    assert_eq!(plan.request.proposals[0].title, "Update api to 1.4.1@sha256:111111111111 in staging");
}

#[test]
fn a_tag_that_nobody_can_judge_keeps_the_signed_one_below_it_back() {
    let unknown = Signed::Unknown { reason: "the registry is away".into() };
    world("{key: cosign.pub}", &[("1.4.1", Signed::Yes), ("1.4.2", Signed::Yes), ("1.4.3", unknown)]).check(
        "gated staging 1.4.3: nobody can say whether it is signed by `cosign.pub`: the registry is away \
         (`.heddle.yaml:6`)\n",
    );
}

#[test]
fn the_tag_alone_is_written_where_the_rule_says_so_and_the_pull_request_says_what_that_means() {
    let signed = [("1.4.1", Signed::Yes), ("1.4.3", Signed::Yes)];
    let plan = world("{key: cosign.pub, tag_only: true}", &signed)
        .check("new pull-request staging: Update api to 1.4.3 in staging [staging/kustomization.yaml]\n");
    assert_eq!(plan.writes[0][0].text, "images:\n  - name: acme/api\n    newTag: 1.4.3\n");
    let body = &plan.request.proposals[0].body;
    assert!(body.contains("it may come to name another image, which nobody verified"), "{body}");
}

#[test]
fn what_a_person_names_is_never_said_to_be_signed() {
    let mut world =
        world("{key: cosign.pub}", &[("1.4.1", Signed::Yes), ("1.4.3", Signed::No)]).asked("staging", "1.4.3");
    world.requests[0].to_digest = Some(images::digest('3'));
    let plan = world.plan();
    let body = &plan.request.proposals[0].body;
    assert!(plan.writes[0][0].text.contains("newTag: 1.4.3") && body.contains("| not known |"), "{body}");
    assert!(!body.contains("verified") && body.contains("ask for a signature by `cosign.pub`, and none"), "{body}");
}

#[test]
fn what_a_person_names_is_said_to_be_signed_where_that_is_known_of_its_digest() {
    let signed = [("1.4.1", Signed::Yes), ("1.4.3", Signed::Yes)];
    let said = |digit: char| {
        let mut world = world("{key: cosign.pub}", &signed).asked("staging", "1.4.3");
        world.requests[0].to_digest = Some(images::digest(digit));
        world.plan().request.proposals[0].body.clone()
    };
    assert!(said('3').contains("| `cosign.pub` |") && said('9').contains("| not known |"));
}

/// Prod at 1.4.1 under a rule with a key, and an open pull request for 1.4.2 with its digest.
fn proposed(signed: &[(&'static str, Signed)]) -> World {
    let mut world = world("{key: cosign.pub}", signed).proposed("1.4.2");
    world.rules = world.rules.replace("[staging]", "[prod]");
    world.open[0].changes[0].to_digest = Some(images::digest('2'));
    let _ = writeln!(world.files[1].1, "    digest: {}", images::digest('1'));
    world
}

#[test]
fn a_pull_request_whose_image_no_longer_counts_as_signed_is_closed() {
    let refused = [("1.4.1", Signed::Yes), ("1.4.2", Signed::No), ("1.4.3", Signed::No)];
    let said = "it carries no signature by `cosign.pub`";
    proposed(&refused).check(&format!(
        "gated prod 1.4.3: {said} (`.heddle.yaml:6`)\nclose: `1.4.2` does not count as signed: {said}\n"
    ));
    // Nobody can read the key any more.
    let mut gone = proposed(&[("1.4.2", Signed::Yes)]);
    gone.lost_keys = true;
    let said = "nothing counts as signed: `cosign.pub` could not be read from the default branch";
    gone.check(&format!(
        "gated prod 1.4.3: {said} (`.heddle.yaml:6`)\nclose: `1.4.2` does not count as signed: {said}\n"
    ));
    // It is another image than the one that was proposed: of that nothing is known.
    let mut moved = proposed(&refused);
    moved.digests = vec![("1.4.1", '1'), ("1.4.2", '9'), ("1.4.3", '3')];
    assert!(moved.plan().closes.is_empty());
}

#[test]
fn a_pull_request_stays_while_nobody_can_say_whether_its_image_is_signed() {
    let unknown = || Signed::Unknown { reason: "the registry is away".into() };
    let plan = proposed(&[("1.4.1", Signed::Yes), ("1.4.2", unknown()), ("1.4.3", unknown())]).plan();
    assert!(plan.closes.is_empty() && plan.request.proposals.is_empty(), "{plan:?}");
    let plan = proposed(&[("1.4.1", Signed::Yes), ("1.4.2", Signed::Yes)]).plan();
    assert!(plan.closes.is_empty() && plan.request.proposals.is_empty(), "{plan:?}");
}

#[test]
fn a_pull_request_is_moved_to_what_is_signed_instead_of_being_closed() {
    proposed(&[("1.4.1", Signed::Yes), ("1.4.2", Signed::No), ("1.4.3", Signed::Yes)])
        .check("move pull-request prod: Update api to 1.4.3 in prod [prod/kustomization.yaml]\n");
}

#[test]
fn the_new_image_of_a_followed_tag_has_a_line_and_leaves_the_pull_request_for_the_signed_one() {
    let mut world = proposed(&[("latest", Signed::No)]);
    world.rules = world.rules.replace("{semver: '*',", "{digest: latest,");
    world.tags = vec!["latest"];
    world.described = vec![("latest", 0, "linux/amd64")];
    world.digests = vec![("latest", '9')];
    world.files[1].1 =
        format!("images:\n  - name: acme/api\n    newTag: latest\n    digest: {}\n", images::digest('1'));
    world.open[0].changes[0].to = "latest".parse().unwrap();
    world.check("gated prod latest: it carries no signature by `cosign.pub` (`.heddle.yaml:6`)\n");
}

/// Staging and prod read one overlay, each under a rule with these signers.
fn shared(staging: &str, prod: &str) -> World {
    let mut world = world("{key: cosign.pub}", &[("1.4.1", Signed::Yes), ("1.4.3", Signed::Yes)]);
    let rule = |name: &str, more: &str| {
        format!("  - {{name: acme/api, environments: [{name}], policy: {{semver: '*', pin_digest: true{more}}}}}\n")
    };
    let at = world.rules.find("images:\n").unwrap();
    world.rules.truncate(at);
    world.rules.push_str(&format!("images:\n{}{}", rule("staging", staging), rule("prod", prod)));
    world.files[1].1 = "resources: [../staging]\n".into();
    world
}

#[test]
fn a_place_that_environments_share_names_the_signers_of_all_their_rules() {
    let plan = shared("", ", signed_by: [{key: cosign.pub}]").plan();
    let body = &plan.request.proposals[0].body;
    assert!(body.contains("| `cosign.pub` |\n"), "{body}");
}

#[test]
fn where_a_signature_and_time_are_waited_for_no_time_is_named() {
    let mut world = shared(", min_age: 2d", ", signed_by: [{key: cosign.pub}]");
    world.signed = vec![("1.4.1", Signed::Yes), ("1.4.3", Signed::No)];
    world.tags.retain(|tag| *tag != "1.4.2");
    let _ = writeln!(world.files[0].1, "    digest: {}", images::digest('1'));
    let plan = world.plan();
    let gates: Vec<_> = plan.request.gated.iter().map(|gated| (gated.gate.kind, gated.gate.until)).collect();
    assert!(!gates.is_empty() && gates.iter().all(|gate| *gate == (GateKind::Signature, None)), "{gates:?}");
}

#[test]
fn a_tag_that_is_written_alone_waits_until_somebody_saw_what_it_names() {
    let mut world = world("{key: cosign.pub, tag_only: true}", &[("1.4.1", Signed::Yes), ("1.4.3", Signed::Yes)]);
    world.seen_at = None;
    let plan = world.check(
        "gated staging 1.4.3: it was signed by `cosign.pub`, and nobody saw whether it still names that image \
         (`.heddle.yaml:6`)\n",
    );
    assert_eq!(plan.request.gated[0].gate.kind, GateKind::Signature);
}

#[test]
fn a_place_that_takes_no_digest_gets_nothing_and_the_ways_out() {
    let mut world = world("{key: cosign.pub}", &[("1.4.1", Signed::Yes), ("1.4.3", Signed::Yes)]);
    world.rules.push_str("resources: [{kind: Cache, group: acme.dev, repository: spec.image, tag: spec.version}]\n");
    let cache =
        "apiVersion: acme.dev/v1\nkind: Cache\nmetadata: {name: api}\nspec: {image: acme/api, version: 1.4.1}\n";
    world.files[0] = ("staging/cache.yaml".into(), cache.into());
    let plan = world.plan();
    assert!(plan.request.proposals.is_empty(), "{:?}", plan.request.proposals);
    let said: Vec<_> = plan.request.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(said.iter().any(|said| said.contains("or write `tag_only: true` beside the signer's `key`")), "{said:?}");
}
