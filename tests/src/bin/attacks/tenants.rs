//! Who has a login and means harm: notices, reports, rules.

use anyhow::{Context, Result};
use chrono::Utc;
use futures::future::join_all;
use heddle_client::{AgentClient, AgentKey, Http, KeyPair};
use heddle_core::{git::Revision, image::ImageRef, name::SyncName};
use heddle_testkit::wait;
use heddle_tests::{World, world::REPOSITORY};
use heddle_wire::{
    agent::{AgentInfo, Deploy, DeployFact, EnrollRequest, Report, Source},
    view::{CreateCluster, CreateReceiver},
};
use reqwest::Client;
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use crate::{
    siege::{Siege, Victim},
    strangers::count,
};

/// Tries them all.
pub async fn attack(siege: &mut Siege<'_>) -> Result<()> {
    let world = siege.world;
    let receiver = world.user.create_receiver(world.organization, &CreateReceiver { name: "evil".to_owned() }).await?;
    let url = world.api_url.join(&receiver.receiver.url)?;
    let secret = receiver.secret.expose().to_owned();
    let notice = |body: String| {
        let request = Client::new().post(url.clone()).bearer_auth(&secret).header("content-type", "application/json");
        async move { request.body(body).timeout(wait::LONG).send().await }
    };
    let many_small = format!("[{}]", vec!["{\"a\":0}"; 240_000].join(","));
    siege.attempt("16 notices of 1.9 MB at once", Victim::Api, notices(&notice, &many_small, 16)).await?;
    let pushes = pushes(18_000);
    siege.attempt("22 notices of 18,000 pushes at once", Victim::Api, notices(&notice, &pushes, 22)).await?;

    let agent = enroll(world).await?;
    siege.attempt("31 reports of 5,000 facts at once", Victim::Api, reports(world, &agent, 5_000)).await?;
    siege.attempt("31 reports of 500 facts at once", Victim::Api, reports(world, &agent, 500)).await?;
    siege.attempt("1,000 policies of \\pL{16}", Victim::Api, policies(world)).await
}

async fn notices<F>(notice: &impl Fn(String) -> F, body: &str, times: usize) -> Result<String>
where
    F: Future<Output = reqwest::Result<reqwest::Response>>,
{
    let answers = join_all((0..times).map(|_| notice(body.to_owned()))).await;
    Ok(count(answers.into_iter().map(status)))
}

fn status(answer: reqwest::Result<reqwest::Response>) -> String {
    answer.map_or_else(|_| "closed".to_owned(), |answer| answer.status().as_str().to_owned())
}

/// A notice as CNCF Distribution sends it, with that many pushes.
fn pushes(times: usize) -> String {
    let event = |number: usize| json!({"action": "push", "target": {"repository": format!("a/{number}"), "tag": "1"}, "request": {"host": "x"}});
    json!({"events": (0..times).map(event).collect::<Vec<_>>()}).to_string()
}

/// An agent whose key the attacker holds.
async fn enroll(world: &World) -> Result<AgentClient> {
    let request = CreateCluster {
        name: "evil".to_owned(),
        repository: world.repository,
        branch: "main".parse()?,
        path: "clusters/prod".to_owned(),
        namespaces: vec!["evil".to_owned()],
    };
    let created = world.user.create_cluster(world.organization, &request).await?;
    let manifest = created.manifest.expose();
    let token = manifest.split_once("token: \"").and_then(|(_, rest)| rest.split('"').next());
    let token = SecretString::from(token.context("the manifest has no token")?.to_owned());
    let http = Http::new(world.api_url.clone(), None)?;
    let pair = KeyPair::generate()?;
    let request = EnrollRequest {
        public_key: pair.public_key(),
        agent_version: "0.1.0".into(),
        kubernetes_version: "v1.34.0".into(),
    };
    let enrolled = AgentClient::enroll(&http, &token, &request).await?;
    Ok(AgentClient::new(http, AgentKey::new(pair, enrolled.cluster_id, enrolled.key_id)))
}

async fn reports(world: &World, agent: &AgentClient, facts: usize) -> Result<String> {
    let sync = SyncName { namespace: "heddle-system".into(), name: "evil".into() };
    let source = Source {
        repository: format!("{}/{REPOSITORY}", world.github.web_url()).parse()?,
        branch: "main".parse()?,
        path: "clusters/prod".into(),
    };
    let image: ImageRef = format!("{}:1.4.0", world.image()).parse()?;
    let now = Utc::now();
    let fact = |number: usize| -> Result<DeployFact> {
        Ok(DeployFact {
            sync: sync.clone(),
            source: source.clone(),
            at: now,
            revision: Revision::try_from(format!("{number:040x}"))?,
            what: Deploy::Applied { images: vec![image.clone()], changed: None },
        })
    };
    let facts = (0..facts).map(fact).collect::<Result<Vec<_>>>()?;
    let report = |sequence: u64| Report {
        epoch: Uuid::new_v4(),
        sequence,
        sent_at: now,
        agent: AgentInfo { version: "0.1.0".into(), kubernetes_version: "v1.34.0".into(), started_at: now },
        syncs: Vec::new(),
        present: Some(vec![sync.clone()]),
        facts: facts.clone(),
        rejected: None,
    };
    let answers = join_all((1..=31).map(|sequence| {
        let report = report(sequence);
        async move { agent.report(&report).await }
    }));
    let words = |answer: Result<_, heddle_client::ClientError>| match answer {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.code().unwrap_or("closed").to_owned(),
    };
    Ok(count(answers.await.into_iter().map(words)))
}

/// Rules that cost more to read than they may: they are a finding, and the rules that were there stay in Git.
async fn policies(world: &World) -> Result<String> {
    let rule = |number: usize| {
        format!("  - name: example.org/evil/{number}\n    policy: {{alphabetical: asc, match: '\\pL{{16}}{number}'}}\n")
    };
    let rules = world.github.read_file(REPOSITORY, "main", ".heddle.yaml").await?.context("there are no rules")?;
    let text = rules.clone() + &(0..1000).map(rule).collect::<String>();
    world.commit(&[(".heddle.yaml", Some(&text))], "Many rules").await?;
    let found = wait::until("a finding on .heddle.yaml", wait::LONG, async || {
        let findings = world.user.findings(world.organization).await.map_err(|error| format!("{error:#}"))?;
        let found = findings.iter().find(|finding| finding.file == ".heddle.yaml");
        found.map(|finding| finding.message.clone()).ok_or_else(|| format!("{findings:?}"))
    })
    .await?;
    world.commit(&[(".heddle.yaml", Some(&rules))], "The rules of before").await?;
    Ok(found)
}
