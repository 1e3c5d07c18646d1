use serde_json::Value;

use crate::setup::{Setup, config, run};

#[test]
fn of_two_agents_one_works_and_the_other_takes_over_when_it_dies() {
    run(async |cluster| {
        let mut setup = Setup::start(cluster, "apps", &[("apps/a.yaml", &config("a", "x"))]).await;
        setup.condition("Ready", "True", "Ready").await;
        let lease = ["get", "lease", "heddle-synchronizer", "-n", &setup.system.clone(), "-o", "json"];
        let holder = async || {
            let lease: Value = serde_json::from_str(&cluster.kubectl(&lease, "").await.unwrap()).unwrap();
            lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
        };
        let first = holder().await;
        assert!(!first.is_empty());
        let _second = setup.run_another("second");
        let path = setup.log().with_file_name("second.log");
        let log = || std::fs::read_to_string(&path).unwrap_or_default();
        setup
            .eventually("the second agent waiting", async || {
                if log().contains("so this agent waits") { Ok(()) } else { Err(log()) }
            })
            .await;
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "two")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(holder().await, first);
        let metrics = setup.probe("/metrics").await;
        for line in [
            "heddle_agent_leads 1",
            r#"heddle_sync_condition{sync="shop",type="Ready"} 1"#,
            r#"heddle_sync_objects{sync="shop"} 1"#,
            r#"heddle_sync_writes_total{sync="shop",verb="apply",result="ok"} 2"#,
            "# HELP heddle_reports_total",
        ] {
            assert!(metrics.contains(line), "`{line}` is missing:\n{metrics}");
        }
        assert!(setup.probe("/readyz").await.starts_with("HTTP/1.1 200"));
        assert!(!log().contains("begins to work"));

        setup.kill().await;
        let head = setup.push(&[("apps/a.yaml", Some(&config("a", "three")))]).await;
        setup.healthy_at(&head).await;
        assert!(log().contains("begins to work"));
    });
}
