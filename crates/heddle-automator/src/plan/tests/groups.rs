//! What goes into one pull request.

use super::*;

/// Prod with a second image, both by pull request.
fn two_images(group: &str) -> World {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]);
    world.rules.push_str(&format!("updates: {{group: {group}}}\n"));
    world.files[1].1.push_str("  - name: acme/shop/web\n    newTag: 1.4.1\n");
    world.rules = world.rules.replace("acme/*", "acme/**");
    world.companion = Some(("acme/shop/web", vec!["1.4.1", "1.4.2"]));
    world
}

#[test]
fn a_group_is_an_environment_an_image_or_everything() {
    let both = "Update api to 1.4.2 and web to 1.4.2 in prod [prod/kustomization.yaml]\n";
    two_images("environment").check(&format!("new pull-request prod: {both}"));
    two_images("all").check(&format!("new pull-request all: {both}"));
    let plan = two_images("none").check(
        "new pull-request prod-acme-api: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n\
         new pull-request prod-acme-shop-web: Update web to 1.4.2 in prod [prod/kustomization.yaml]\n",
    );
    assert!(plan.request.proposals[0].body.contains("the clusters of `prod`"), "{}", plan.request.proposals[0].body);
}

#[test]
fn another_grouping_closes_the_pull_requests_that_it_replaces() {
    two_images("none").proposed("1.4.2").check(
        "new pull-request prod-acme-api: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n\
         new pull-request prod-acme-shop-web: Update web to 1.4.2 in prod [prod/kustomization.yaml]\n\
         close: `updates.group` is another now, so its changes are proposed elsewhere\n",
    );
}

/// Prod with the image of one path at two registries, each in a pull request of its own.
fn two_registries() -> World {
    let mut world = World::new("1.4.2", "1.4.1", &["1.4.1", "1.4.2"]);
    world.rules.push_str("  - {name: quay.io/acme/*, policy: {semver: '<2'}}\nupdates: {group: none}\n");
    world.files[1].1.push_str("  - name: quay.io/acme/api\n    newTag: 1.4.1\n");
    world.companion = Some(("quay.io/acme/api", vec!["1.4.1", "1.4.2"]));
    world
}

#[test]
fn two_groups_of_one_name_are_two_pull_requests() {
    two_registries().check(
        "new pull-request prod-acme-api-8c7ee668: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n\
         new pull-request prod-acme-api-47684236: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n",
    );
}

#[test]
fn a_proposed_group_keeps_its_name_and_another_of_that_name_gets_its_own() {
    let mut world = two_registries().proposed("1.4.2");
    world.open[0].group = "prod-acme-api".into();
    world.check("new pull-request prod-acme-api-47684236: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n");
}

#[test]
fn an_open_pull_request_that_mixed_two_groups_is_replaced_by_both() {
    let mut world = two_registries().proposed("1.4.2");
    world.open[0].group = "prod-acme-api".into();
    let mut other = world.open[0].changes[0].clone();
    other.image = "quay.io/acme/api".parse().unwrap();
    world.open[0].changes.push(other);
    world.check(
        "new pull-request prod-acme-api-8c7ee668: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n\
         new pull-request prod-acme-api-47684236: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n\
         close: `updates.group` is another now, so its changes are proposed elsewhere\n",
    );
}
