//! CNCF Distribution itself.

use heddle_registry::{Access, Credential, Login, LoginFault, Session, TagPage};
use heddle_testkit::registry::{Door, PASSWORD, Registry, TokenServer, USER};

use super::{image, list, own, reason, session, tags};

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
    assert_eq!(failed, "`127.0.0.1` is on a private address, which only an allowed host may be");
}

fn bot(password: &str) -> Credential {
    Credential::Password { username: USER.into(), password: password.to_owned().into() }
}

/// What listing a private image with a login comes to, and whether the registry took the login.
async fn list_with(registry: &Registry, others: &[String], login: Login) -> (TagPage, bool) {
    let allowed = [&[registry.host()], others].concat();
    let session = Session::new(Access::new(&allowed, None).unwrap(), &registry.host(), Some(login));
    let page = session.list_tags(&image(&registry.host(), "acme/private"), None).await;
    (page, session.login_works())
}

fn fault(page: &TagPage) -> Option<LoginFault> {
    match page {
        TagPage::Failed(failure) => failure.login.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_private_image_is_listed_with_the_right_password_alone() {
    let mut registry = Registry::start().await.unwrap();
    registry.push_image("acme/private", "1.0.0").await.unwrap();
    registry.lock(&Door::Basic).await.unwrap();
    let host = registry.host();
    let wanted =
        format!("`{host}` wants a login, and there is none for `acme/private`; add one (Settings, Registries)");
    assert_eq!(reason(list(&host, "acme/private").await), wanted);
    let (page, works) = list_with(&registry, &[], own(bot("wrong"))).await;
    assert_eq!((fault(&page), works), (Some(LoginFault::Refused), false));
    assert!(reason(page).starts_with(&format!("`{host}` does not take this login for `acme/private`; ")));
    let (page, works) = list_with(&registry, &[], own(bot(PASSWORD))).await;
    assert_eq!((tags(&page), works), (vec!["1.0.0"], true));
}

#[tokio::test]
async fn a_private_image_behind_a_token_server_is_listed_when_the_server_is_confirmed() {
    let mut registry = Registry::start().await.unwrap();
    registry.push_image("acme/private", "1.0.0").await.unwrap();
    let server = TokenServer::start(PASSWORD).await.unwrap();
    registry.lock(&server.door()).await.unwrap();
    let others = [server.host()];
    let (page, _) = list_with(&registry, &others, own(bot(PASSWORD))).await;
    assert_eq!(fault(&page), Some(LoginFault::TokenServer { host: server.host() }));
    let confirmed = |password: &str| Login { auth_host: Some(server.host()), ..own(bot(password)) };
    let (page, works) = list_with(&registry, &others, confirmed(PASSWORD)).await;
    assert_eq!((tags(&page), works), (vec!["1.0.0"], true));
    let (page, _) = list_with(&registry, &others, confirmed("wrong")).await;
    assert_eq!(fault(&page), Some(LoginFault::Refused));
    server.take_rights();
    let (page, _) = list_with(&registry, &others, confirmed(PASSWORD)).await;
    assert_eq!(fault(&page), Some(LoginFault::Denied));
    server.expire();
    let (page, _) = list_with(&registry, &others, confirmed(PASSWORD)).await;
    assert_eq!(fault(&page), Some(LoginFault::Refused));
    let told = format!("the login at `{}` failed: the credential was not accepted; ", registry.host());
    assert!(reason(page).starts_with(&told));
}
