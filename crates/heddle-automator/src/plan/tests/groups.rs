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
