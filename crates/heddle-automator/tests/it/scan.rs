//! Scans of a real registry.

use heddle_testkit::registry::Registry;
use heddle_wire::automator::ScanOutcome;

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
