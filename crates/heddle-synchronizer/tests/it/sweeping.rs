//! What a sweep asks and writes where nobody touched anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::setup::{Setup, config, run};

const KINDS: &str = include_str!("kinds.yaml");

/// Kinds that can be applied and are not tried, and why.
const LEFT_OUT: [&str; 1] = [
    // Its controller deletes each one that belongs to no Service.
    "IPAddress",
];

/// The kinds of the API server itself.
async fn built_in_kinds(setup: &Setup) -> BTreeSet<String> {
    let text = setup.kubectl(&["api-resources", "--verbs=create,patch,delete", "--no-headers"], "").await;
    // Other tests define kinds of their own in the same cluster.
    let is_built_in = |version: &str| {
        version.split_once('/').is_none_or(|(group, _)| !group.contains('.') || group.ends_with(".k8s.io"))
    };
    let kinds = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace().rev();
        let (kind, _, version) = (words.next()?, words.next()?, words.next()?);
        is_built_in(version).then(|| kind.to_owned())
    });
    kinds.collect()
}

impl Setup {
    /// What the Sync's account has written of any kind, apart from dry runs, by verb and address.
    fn writes(&self) -> BTreeMap<String, usize> {
        let account = format!("system:serviceaccount:{}:heddle-deployer", self.system);
        let mut counts = BTreeMap::new();
        for line in std::fs::read_to_string(self.cluster.audit_log()).unwrap().lines() {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let (verb, uri) =
                (event["verb"].as_str().unwrap_or_default(), event["requestURI"].as_str().unwrap_or_default());
            let is_write = matches!(verb, "patch" | "create" | "update" | "delete") && !uri.contains("dryRun=");
            if event["impersonatedUser"]["username"] == account.as_str() && is_write {
                let path = uri.split('?').next().unwrap_or_default();
                *counts.entry(format!("{verb} {path}")).or_default() += 1;
            }
        }
        counts
    }

    async fn sweeps(&self) -> u64 {
        let metrics = self.probe("/metrics").await;
        let line = metrics.lines().find(|line| line.starts_with("heddle_sync_sweeps_total"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }
}

#[test]
fn a_sweep_finds_and_writes_nothing_of_any_kind_where_nobody_touched_anything() {
    run(async |cluster| {
        let setup = Setup::start_sweeping(cluster, "apps", &[("apps/stub.yaml", &config("stub", "x"))], "2s").await;
        setup.condition("Ready", "True", "Ready").await;
        let tried: BTreeSet<&str> =
            KINDS.split("kind: ").skip(1).filter_map(|rest| rest.split([',', '\n', '}']).next()).collect();
        let missing: Vec<String> = built_in_kinds(&setup)
            .await
            .into_iter()
            .filter(|kind| !tried.contains(kind.as_str()) && !LEFT_OUT.contains(&kind.as_str()))
            .collect();
        assert!(missing.is_empty(), "kinds of which no object is tried: {missing:?}");

        setup.allow_everything().await;
        let number = setup.target.rsplit('-').next().unwrap().parse::<u8>().unwrap();
        let text = KINDS.replace("{number}", &(100 + number).to_string());
        setup.push(&[("apps/kinds.yaml", Some(&text))]).await;
        setup
            .eventually("all of them applied", async || {
                let status = setup.sync().await["status"].clone();
                let is_applied =
                    status["attemptedRevision"] == status["appliedRevision"] && status["objects"].as_u64() > Some(50);
                if is_applied { Ok(()) } else { Err(serde_json::to_string_pretty(&status["errors"]).unwrap()) }
            })
            .await;
        // A first sweep after all has come to rest.
        let after = async |count: u64| {
            let begun = setup.sweeps().await;
            setup
                .eventually("sweeps", async || {
                    let now = setup.sweeps().await;
                    if now >= begun + count { Ok(()) } else { Err(format!("{begun} → {now}")) }
                })
                .await;
        };
        after(2).await;
        let before = setup.writes();
        after(3).await;
        let mut written = setup.writes();
        written.retain(|what, count| before.get(what) != Some(count));
        assert!(written.is_empty(), "{written:?}");
        let drifts = setup.api.state("shop").map(|state| state.drifts).unwrap_or_default();
        assert!(drifts.is_empty(), "{drifts:?}");
        for policy in ["a", "d", "f", "h"] {
            let object = setup.find(&format!("networkpolicy/{policy}")).await.unwrap();
            assert_eq!(object["metadata"]["generation"], 1, "{policy}");
        }
    });
}
