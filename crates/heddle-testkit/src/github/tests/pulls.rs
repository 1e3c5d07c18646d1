use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Scene;

/// <https://docs.github.com/rest/pulls/pulls#create-a-pull-request>
#[tokio::test]
async fn a_second_pull_request_for_a_branch_is_422() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let head = bot.bump(&scene.first, "tag: v2\n").await;
    let made = bot.pull().await.expect(StatusCode::CREATED);
    assert_eq!((made["state"].as_str(), made["head"]["sha"].as_str()), (Some("open"), Some(head.as_str())));
    assert_eq!(made["mergeable_state"], "clean");
    let again = bot.pull().await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(again["errors"][0]["message"], "A pull request already exists for acme:bump.");
    let found = bot.get("/repos/acme/config/pulls?head=acme:bump&state=all").await.expect(StatusCode::OK);
    assert_eq!(found.as_array().unwrap().len(), 1);
    let none = bot.get("/repos/acme/config/pulls?head=acme:other&state=all").await.expect(StatusCode::OK);
    assert!(none.as_array().unwrap().is_empty());
}

/// <https://docs.github.com/rest/pulls/pulls#create-a-pull-request>
#[tokio::test]
async fn a_pull_request_needs_a_branch_and_commits() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let missing = bot.pull().await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (missing["errors"][0]["field"].as_str(), missing["errors"][0]["code"].as_str()),
        (Some("head"), Some("invalid"))
    );
    bot.post("/repos/acme/config/git/refs", json!({"ref": "refs/heads/bump", "sha": scene.first})).await;
    let empty = bot.pull().await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(empty["errors"][0]["message"], "No commits between main and bump");
}

/// Seen on GitHub: a head that is forced to a commit of the base closes the pull request, and it cannot be reopened.
/// <https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/closing-a-pull-request>
#[tokio::test]
async fn a_pull_request_closes_when_its_branch_equals_its_base() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    let body = json!({"sha": scene.first, "force": true});
    bot.patch("/repos/acme/config/git/refs/heads/bump", body).await.expect(StatusCode::OK);
    let pull = bot.get("/repos/acme/config/pulls/1").await.expect(StatusCode::OK);
    assert_eq!((pull["state"].as_str(), pull["merged"].as_bool()), (Some("closed"), Some(false)));
    bot.commit("bump", &scene.first, "a.yaml", "tag: v3\n").await;
    let reopened = bot.patch("/repos/acme/config/pulls/1", json!({"state": "open"})).await;
    reopened.expect(StatusCode::UNPROCESSABLE_ENTITY);
}

/// <https://docs.github.com/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges#indirect-merges>
#[tokio::test]
async fn a_pull_request_is_merged_when_its_commits_reach_the_base() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let head = bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    scene.github.force_branch("acme/config", "main", Some(&head), "ada").await.unwrap();
    let pull = bot.get("/repos/acme/config/pulls/1").await.expect(StatusCode::OK);
    assert_eq!((pull["merged"].as_bool(), pull["merged_by"]["login"].as_str()), (Some(true), Some("ada")));
}

/// <https://docs.github.com/pull-requests/collaborating-with-pull-requests/proposing-changes-to-your-work-with-pull-requests/creating-and-deleting-branches-within-your-repository#deleting-a-branch-used-for-a-pull-request>
#[tokio::test]
async fn a_pull_request_closes_when_its_branch_is_deleted() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    bot.call(Method::DELETE, "/repos/acme/config/git/refs/heads/bump", None).await;
    assert_eq!(bot.get("/repos/acme/config/pulls/1").await.body["state"], "closed");
}

/// <https://docs.github.com/rest/pulls/pulls#merge-a-pull-request>
#[tokio::test]
async fn a_merge_is_409_on_another_head_and_405_where_it_cannot_be() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let head = bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    let path = "/repos/acme/config/pulls/1/merge";
    let put = async |body| bot.call(Method::PUT, path, Some(body)).await;
    put(json!({"sha": scene.first})).await.expect(StatusCode::CONFLICT);
    scene.github.push_files("acme/config", "main", &[("a.yaml", Some("tag: v9\n"))], "m", "ada").await.unwrap();
    assert_eq!(bot.get("/repos/acme/config/pulls/1").await.body["mergeable_state"], "dirty");
    put(json!({"sha": head})).await.expect(StatusCode::METHOD_NOT_ALLOWED);
    scene.github.push_files("acme/config", "main", &[("a.yaml", Some("tag: v1\n"))], "m", "ada").await.unwrap();
    let merged = put(json!({"sha": head})).await.expect(StatusCode::OK);
    let main = scene.github.log("acme/config", "main").await.unwrap();
    assert_eq!((merged["sha"].as_str(), main[0].parents.len()), (Some(main[0].sha.as_str()), 2));
    put(json!({})).await.expect(StatusCode::METHOD_NOT_ALLOWED);
}

/// <https://docs.github.com/rest/pulls/pulls#update-a-pull-request>
#[tokio::test]
async fn a_pull_request_is_edited_closed_and_reopened() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    let path = "/repos/acme/config/pulls/1";
    let edited = bot.patch(path, json!({"title": "New", "body": "new"})).await.expect(StatusCode::OK);
    assert_eq!((edited["title"].as_str(), edited["body"].as_str()), (Some("New"), Some("new")));
    assert_eq!(bot.patch(path, json!({"state": "closed"})).await.expect(StatusCode::OK)["state"], "closed");
    assert_eq!(bot.patch(path, json!({"state": "open"})).await.expect(StatusCode::OK)["state"], "open");
    assert_eq!(bot.get(&format!("{path}/files")).await.body[0]["filename"], "a.yaml");
    assert_eq!(bot.get(&format!("{path}/commits")).await.body.as_array().unwrap().len(), 1);
}

/// <https://docs.github.com/rest/issues/comments>
#[tokio::test]
async fn a_pull_request_takes_comments_as_an_issue() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    let made =
        bot.post("/repos/acme/config/issues/1/comments", json!({"body": "one"})).await.expect(StatusCode::CREATED);
    let path = format!("/repos/acme/config/issues/comments/{}", made["id"]);
    bot.patch(&path, json!({"body": "two"})).await.expect(StatusCode::OK);
    let listed = bot.get("/repos/acme/config/issues/1/comments").await.expect(StatusCode::OK);
    assert_eq!((listed[0]["body"].as_str(), listed[0]["user"]["type"].as_str()), (Some("two"), Some("Bot")));
    bot.post("/repos/acme/config/issues/9/comments", json!({"body": "x"})).await.expect(StatusCode::NOT_FOUND);
}

/// A person merges on the page, which is on plain HTTP too.
#[tokio::test]
async fn the_page_shows_the_diff_and_merges() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    bot.bump(&scene.first, "tag: <v2>\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/acme/config/pull/1", scene.github.pages_url());
    let page = http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("+tag: &lt;v2&gt;") && page.contains("Sign in to merge"), "{page}");

    let login = format!("{}/login", scene.github.pages_url());
    let browser = reqwest::Client::builder().no_proxy().cookie_store(true).build().unwrap();
    let page =
        browser.post(login).form(&[("login", "ada"), ("return_to", "/acme/config/pull/1")]).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Merge pull request"));
    let merged = browser.post(format!("{url}/merge")).send().await.unwrap().text().await.unwrap();
    assert!(merged.contains("Merged"), "{merged}");
    assert_eq!(scene.github.read_file("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "tag: <v2>\n");
}
