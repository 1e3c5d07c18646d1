//! Scans of a real registry.

use chrono::{DateTime, Utc};
use heddle_core::policy::{NewestBy, TagInfo, TagList, TagPolicy};
use heddle_testkit::{
    hold::{Fault, Match, Proxy},
    registry::Registry,
};
use heddle_wire::automator::{ScanOutcome, ScannedTag, TagChoice};
use reqwest::{Method, StatusCode};

use crate::shop::Shop;

#[tokio::test]
async fn a_scan_reports_every_tag_or_why_not() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();
    registry.push_image("acme/api", "1.4.2").await.unwrap();
    let image = format!("{}/acme/api", registry.host());

    let report = shop.scan(&image).await.scan.unwrap();
    let ScanOutcome::Complete { tags, .. } = report.outcome else { panic!("{report:?}") };
    let mut tags: Vec<_> = tags.iter().map(|tag| tag.tag.as_str()).collect();
    tags.sort_unstable();
    assert_eq!(tags, ["1.4.1", "1.4.2"]);

    registry.stop().await.unwrap();
    let report = shop.scan(&image).await.scan.unwrap();
    let ScanOutcome::Failed { reason, .. } = report.outcome else { panic!("{report:?}") };
    assert_eq!(reason, format!("`{}` cannot be reached", registry.host()));
}

fn described(tags: &[ScannedTag]) -> Vec<&str> {
    let mut names: Vec<_> = tags.iter().filter(|tag| tag.description.is_some()).map(|tag| tag.tag.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn only_the_tags_on_which_a_choice_depends_are_described_and_each_once() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    let created: DateTime<Utc> = "2026-11-02T08:00:00Z".parse().unwrap();
    for tag in ["main-1", "main-2", "main-3", "dev-1"] {
        registry.push_created("acme/api", tag, created).await.unwrap();
    }
    let image = format!("{}/acme/api", registry.host());
    let policy = TagPolicy { newest: Some(NewestBy::Created), matches: Some("^main-".into()), ..TagPolicy::default() };
    let choices = || vec![TagChoice { policy: policy.clone(), current: Some("main-1".parse().unwrap()), digest: None }];
    let known = TagInfo {
        created_at: Some(created),
        platforms: Some(vec!["linux/amd64".into()]),
        ..TagInfo::named("main-2".parse().unwrap(), created)
    };

    let report = shop.scan_for(&image, choices(), Some(TagList::whole(vec![known]))).await.scan.unwrap();
    let ScanOutcome::Complete { tags, .. } = report.outcome else { panic!("{report:?}") };
    assert_eq!(tags.len(), 4);
    assert_eq!(described(&tags), ["main-1", "main-3"]);
    let description = tags.iter().find_map(|tag| tag.description.as_ref()).unwrap();
    assert_eq!((description.created_at, &*description.platforms), (Some(created), &["linux/amd64".to_owned()][..]));
}

#[tokio::test]
async fn a_tag_that_cannot_be_described_is_told_and_keeps_nothing_else_back() {
    let shop = Shop::open("1.4.1").await;
    let registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "main-1").await.unwrap();
    registry.push_image("acme/api", "main-2").await.unwrap();
    let proxy = Proxy::start(registry.url().unwrap(), None, None).await.unwrap();
    proxy.fail(Match::new(Method::GET, "/manifests/main-2"), Fault::status(StatusCode::SERVICE_UNAVAILABLE));
    let image = format!("{}/acme/api", proxy.host());
    let policy = TagPolicy { newest: Some(NewestBy::Created), ..TagPolicy::default() };

    let report = shop
        .scan_for(&image, vec![TagChoice { policy, current: Some("main-1".parse().unwrap()), digest: None }], None)
        .await
        .scan
        .unwrap();
    let ScanOutcome::Complete { tags, undescribed, .. } = report.outcome else { panic!("{report:?}") };
    let reason = format!("`main-2` could not be read: `{}` answered with status 503", proxy.host());
    assert_eq!(undescribed.map(|fault| fault.reason), Some(reason));
    assert_eq!((tags.len(), described(&tags)), (2, vec!["main-1"]));
}
