//! Webhooks of GitHub and of registries: what they move, and what moves nothing.

use heddle_core::change::Mode;
use heddle_wire::{agent::Hint, automator::Done, view::CreateReceiver};
use uuid::Uuid;

use crate::{
    loom::{Loom, at},
    steps::{one_change, push_body, read, scan},
    told::{agent_report, plan, planned, read_report},
};

#[tokio::test]
async fn forged_and_replayed_webhooks_change_nothing() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    scan(&loom, &["1.4.1"]).await;
    let body = push_body(&loom);
    assert_eq!(loom.webhook("push", "d-1", &body, "not-the-secret").await, 401);
    assert!(loom.try_lease(0).await.is_none());
    assert_eq!(loom.webhook("push", "d-1", &body, &loom.webhook_secret).await, 202);
    read(&loom, read_report(&[], "1.4.1")).await;
    assert_eq!(loom.webhook("push", "d-1", &body, &loom.webhook_secret).await, 202);
    assert!(loom.try_lease(0).await.is_none());
    let large = format!("{body}{}", " ".repeat(2 << 20));
    assert_eq!(loom.webhook("push", "d-2", &large, &loom.webhook_secret).await, 413);
    assert_eq!(loom.webhook("push", "d-3", "{", &loom.webhook_secret).await, 400);
}

#[tokio::test]
async fn what_shuts_us_out_at_github_stands_at_the_repository_until_it_is_undone() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    let (_, full_name) = loom.repository_url.split_once('/').unwrap();
    let error = async || loom.user.repositories(loom.organization).await.unwrap()[0].error.clone();
    let send = async |event: &str, delivery: &str, more: serde_json::Value| {
        let mut body = serde_json::json!({ "installation": { "id": loom.installation } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(loom.webhook(event, delivery, &body.to_string(), &loom.webhook_secret).await, 202);
    };
    assert_eq!(error().await, None);
    send("installation", "d-1", serde_json::json!({ "action": "suspend" })).await;
    assert!(error().await.unwrap().contains("suspended"));
    send("installation", "d-2", serde_json::json!({ "action": "unsuspend" })).await;
    assert_eq!(error().await, None);
    assert!(loom.try_lease(0).await.is_some(), "it is read again");
    let removed = serde_json::json!({ "action": "removed", "repositories_removed": [{ "full_name": full_name }] });
    send("installation_repositories", "d-3", removed.clone()).await;
    assert!(error().await.unwrap().contains("taken out"));
    let added = serde_json::json!({ "action": "added", "repositories_added": [{ "full_name": full_name }] });
    send("installation_repositories", "d-4", added).await;
    assert_eq!(error().await, None);
    // A replay changes nothing.
    send("installation_repositories", "d-3", removed).await;
    assert_eq!(error().await, None);
    send("installation", "d-5", serde_json::json!({ "action": "deleted" })).await;
    assert!(error().await.unwrap().contains("uninstalled"));
}

#[tokio::test]
async fn a_moved_branch_wakes_the_agents_that_follow_it() {
    let loom = Loom::start().await;
    loom.agent.report(&agent_report(&loom, Uuid::new_v4(), 1, vec![])).await.unwrap();
    let waiting = tokio::spawn({
        let agent = loom.agent.clone();
        async move { agent.hints(std::time::Duration::from_secs(50)).await.unwrap() }
    });
    assert_eq!(loom.webhook("push", "d-1", &push_body(&loom), &loom.webhook_secret).await, 202);
    let head = Some("4b825dc642cb6eb9a060e54bf8d69288fbee4904".parse().unwrap());
    let (repository, branch) = (loom.repository_url.parse().unwrap(), "main".parse().unwrap());
    let mut hint = Hint::BranchMoved { repository, branch, revision: head };
    assert_eq!(waiting.await.unwrap().hints, [hint.clone()]);

    // An agent that was told of one of two heads might take itself to be there.
    let other = push_body(&loom).replace("4b825dc642cb", "000000000000");
    assert_eq!(loom.webhook("push", "d-2", &push_body(&loom), &loom.webhook_secret).await, 202);
    assert_eq!(loom.webhook("push", "d-3", &other, &loom.webhook_secret).await, 202);
    let Hint::BranchMoved { revision, .. } = &mut hint else { unreachable!() };
    *revision = None;
    assert_eq!(loom.agent.hints(std::time::Duration::ZERO).await.unwrap().hints, [hint]);
}

#[tokio::test]
async fn a_push_notice_makes_the_scan_due_and_says_when_the_tag_was_pushed() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    let update = scan(&loom, &["1.4.1"]).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let request = CreateReceiver { name: "registry".into() };
    let made = loom.user.create_receiver(loom.organization, &request).await.unwrap();
    let notice = |secret: &str| {
        let event = serde_json::json!({
            "id": "1", "timestamp": at(10), "action": "push",
            "target": { "repository": "acme/api", "tag": "1.4.2", "mediaType": "application/json" },
            "request": { "host": "registry.example.com" },
        });
        reqwest::Client::new()
            .post(loom.base.join(&format!("webhooks/registry/{}", made.receiver.id)).unwrap())
            .bearer_auth(secret)
            .header("content-type", "application/vnd.docker.distribution.events.v1+json")
            .body(serde_json::json!({ "events": [event] }).to_string())
            .send()
    };
    assert_eq!(notice("hdlr_not-the-secret").await.unwrap().status(), 401);
    assert!(loom.try_lease(0).await.is_none());
    assert_eq!(notice(made.secret.expose()).await.unwrap().status(), 202);
    let update = scan(&loom, &["1.4.1", "1.4.2"]).await;
    let request = plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"));
    loom.automator.intents(&update, &request).await.unwrap();
    assert_eq!(one_change(&loom).await.line.knots[0].at, Some(at(10)));
}
