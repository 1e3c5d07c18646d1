//! CNCF Distribution itself.

use heddle_registry::{Access, Session};
use heddle_testkit::registry::Registry;

use super::{image, list, reason, session, tags};

#[tokio::test]
async fn every_tag_of_an_image_is_listed() {
    let registry = Registry::start().await.unwrap();
    for tag in ["1.0.0", "1.1.0", "latest"] {
        registry.push_image("acme/api", tag).await.unwrap();
    }
    let page = list(&registry.host(), "acme/api").await;
    let mut found = tags(&page);
    found.sort_unstable();
    assert_eq!(found, ["1.0.0", "1.1.0", "latest"]);
}

#[tokio::test]
async fn an_image_that_is_not_there_is_a_failure_and_no_empty_list() {
    let registry = Registry::start().await.unwrap();
    let host = registry.host();
    let expected = format!("`{host}` has no image `acme/api`, or does not show it to this login");
    assert_eq!(reason(list(&host, "acme/api").await), expected);
}

#[tokio::test]
async fn a_registry_that_is_gone_is_a_failure() {
    let registry = Registry::start().await.unwrap();
    let host = registry.host();
    registry.push_image("acme/api", "1.0.0").await.unwrap();
    let session = session(&host, None).await;
    tags(&session.list_tags(&image(&host, "acme/api"), None).await);
    registry.stop().await.unwrap();
    let failed = reason(session.list_tags(&image(&host, "acme/api"), None).await);
    assert_eq!(failed, format!("`{host}` cannot be reached"));
}

#[tokio::test]
async fn a_registry_on_a_private_address_needs_the_operator() {
    let registry = Registry::start().await.unwrap();
    let host = registry.host();
    let access = Access::new(&[], None).unwrap();
    let failed = reason(Session::new(access, &host, None).list_tags(&image(&host, "acme/api"), None).await);
    assert_eq!(failed, "`127.0.0.1` is on a private address, which only an allowed registry may be");
}
