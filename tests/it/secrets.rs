//! A secret in a manifest is in the cluster, and in no report, log, row or error.

use base64::{Engine, engine::general_purpose::STANDARD};
use heddle_testkit::wait;
use heddle_tests::{World, config_repository::rules};

const GOOD: &str = "c4n4ry-of-the-good-one";
const BROKEN: &str = "c4n4ry-of-the-broken-ones";
const DRIFTED: &str = "c4n4ry-of-the-drifted-one";

/// The manifests: one that is good, and one for each way in which an error could tell too much.
fn manifests() -> Vec<(String, String)> {
    let head = |name: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: shop-prod}}\n");
    let good = format!("{}stringData:\n  password: {GOOD}\n", head("good"));
    let broken = [
        ("no-text", format!("stringData:\n  password: {{{BROKEN}: {BROKEN}}}\n")),
        ("no-map", format!("stringData: {BROKEN}\n")),
        ("no-base64", format!("data:\n  password: \"{BROKEN}\"\n")),
        ("no-field", format!("stringDataa:\n  password: {BROKEN}\n")),
        ("no-type", format!("type: [{BROKEN}]\n")),
        ("no-key", format!("stringData:\n  \"{BROKEN} !\": {BROKEN}\n")),
        // The automator reads files that speak of images.
        ("no-yaml", format!("stringData:\n  image: \"{BROKEN}\n  other: {BROKEN}: {BROKEN}\n")),
    ];
    let file = |name: &str| format!("plain/{name}.yaml");
    let mut all = vec![(file("good"), good)];
    all.extend(broken.into_iter().map(|(name, text)| (file(name), head(name) + &text)));
    all
}

async fn password(world: &World) -> String {
    let args = ["get", "secret", "good", "-n", "shop-prod", "-o", "jsonpath={.data.password}"];
    world.cluster.kubectl(&args, "").await.unwrap_or_else(|error| format!("{error:#}"))
}

async fn wait_for_password(world: &World, what: &str) {
    wait::until(what, wait::LONG, async || match password(world).await {
        seen if seen == STANDARD.encode(GOOD) => Ok(()),
        seen => Err(seen),
    })
    .await
    .unwrap();
}

/// All that Heddle told anybody: place and text.
pub(crate) async fn everything_told(world: &World) -> Vec<(String, String)> {
    let mut told = vec![
        ("the API's log".to_owned(), world.api.output()),
        ("the automator's log".to_owned(), world.automator.output()),
        ("the agent's log".to_owned(), world.agent.output()),
    ];
    let outbox = world.folder().join("agent/outbox.json");
    told.push(("the agent's outbox".to_owned(), std::fs::read_to_string(outbox).unwrap()));
    let kinds = ["get", "syncs,configmaps,events,deployments", "-A", "-o", "yaml"];
    told.push(("objects of the cluster".to_owned(), world.cluster.kubectl(&kinds, "").await.unwrap()));
    for (table, rows) in world.database().unwrap().dump().await.unwrap() {
        told.extend(rows.iter().map(|row| (format!("a row of {table}"), row.to_string())));
    }
    told
}

#[tokio::test]
async fn a_secret_in_a_manifest_is_in_no_report_log_row_or_error() {
    let mut world = World::start().await.unwrap();
    // Also who looks closely must not see it.
    for service in [&mut world.agent, &mut world.automator] {
        service.set("HEDDLE_LOG", "debug");
        service.kill().await.unwrap();
        service.start().await.unwrap();
    }
    let files = manifests();
    let broken = files.len() - 1;
    let rules =
        rules(&world.image()).replace("environments:\n  -", "environments:\n  - {name: plain, path: plain}\n  -");
    let texts = files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str())));
    let commit: Vec<_> = texts.chain([(".heddle.yaml", Some(rules.as_str()))]).collect();
    world.commit(&commit, "Add secrets").await.unwrap();
    world.add_sync("plain", "plain", "shop-prod").await.unwrap();
    wait_for_password(&world, "the good secret").await;
    let errors = wait::until("an error for each broken one", wait::LONG, async || {
        let sync = world.sync("plain").await.map_err(|error| format!("{error:#}"))?;
        if sync.errors.len() >= broken { Ok(sync.errors) } else { Err(format!("{:#?}", sync.errors)) }
    })
    .await
    .unwrap();
    for (file, _) in files.iter().skip(1) {
        assert!(errors.iter().any(|error| error.file.as_deref() == Some(file)), "no error names {file}: {errors:#?}");
    }
    wait::until("the automator's finding", wait::LONG, async || {
        let findings = world.user.findings(world.organization).await.map_err(|error| format!("{error:#}"))?;
        if findings.iter().any(|finding| finding.file == "plain/no-yaml.yaml") {
            Ok(())
        } else {
            Err(format!("{findings:?}"))
        }
    })
    .await
    .unwrap();

    // Somebody changes it by hand.
    let patch = format!(r#"{{"stringData": {{"password": "{DRIFTED}"}}}}"#);
    world.cluster.kubectl(&["patch", "secret", "good", "-n", "shop-prod", "-p", &patch], "").await.unwrap();
    wait_for_password(&world, "the secret to be put back").await;
    let drift = wait::until("the drift in a report", wait::LONG, async || {
        let sync = world.sync("plain").await.map_err(|error| format!("{error:#}"))?;
        sync.drifts.first().cloned().ok_or_else(|| "no drift".to_owned())
    })
    .await
    .unwrap();
    assert_eq!(drift.object, "Secret shop-prod/good");

    for (place, text) in everything_told(&world).await {
        for secret in [GOOD, BROKEN, DRIFTED] {
            for form in [secret.to_owned(), STANDARD.encode(secret)] {
                let at = text.find(&form).map(|at| &text[at.saturating_sub(300)..at + form.len()]);
                assert!(at.is_none(), "{place} holds `{form}`: …{}", at.unwrap_or_default());
            }
        }
    }
}
