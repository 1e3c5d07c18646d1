//! What the API server is asked, by its own audit log.

use std::{collections::BTreeMap, fmt::Write};

use crate::setup::{Setup, config, run};

const OBJECTS: usize = 1000;

/// A thousand ConfigMaps in ten files; the first one's value is given.
fn files(value: &str) -> Vec<(String, String)> {
    let mut files = vec![String::new(); 10];
    for index in 0..OBJECTS {
        let value = if index == 0 { value } else { "same" };
        writeln!(files[index * 10 / OBJECTS], "---\n{}", config(&format!("map-{index:04}"), value)).unwrap();
    }
    files.into_iter().enumerate().map(|(number, text)| (format!("apps/{number}.yaml"), text)).collect()
}

#[test]
fn a_thousand_objects_cost_a_request_each_unchanged_none_and_one_changed_one() {
    run(async |cluster| {
        let first = files("first");
        let borrowed: Vec<_> = first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let setup = Setup::start(cluster, "apps", &borrowed).await;
        setup.condition("Ready", "True", "Ready").await;
        let applied = setup.requests("configmaps");
        assert_eq!(applied.get("patch"), Some(&OBJECTS), "{applied:?}");
        assert!(applied.values().sum::<usize>() <= OBJECTS + OBJECTS / 10, "{applied:?}");

        let since = |before: &BTreeMap<String, usize>| {
            let mut counts = setup.requests("configmaps");
            counts.retain(|verb, count| {
                *count -= before.get(verb).unwrap_or(&0);
                *count > 0
            });
            counts
        };
        // Beside the path: it is not even rendered.
        let head = setup.push(&[("README", Some("only words"))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(since(&applied), BTreeMap::new());
        let metrics = setup.probe("/metrics").await;
        assert!(metrics.contains(r#"heddle_sync_renders_total{sync="shop",result="skipped"} 1"#), "{metrics}");
        // In the path, and nothing that is applied.
        let head = setup.push(&[("apps/notes.txt", Some("only words"))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(since(&applied), BTreeMap::new());

        let second = files("second");
        let head = setup.push(&[(&second[0].0, Some(&second[0].1))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(since(&applied), BTreeMap::from([("patch".to_owned(), 1)]));
    });
}
