use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Scene, UPDATE_REFS};

/// <https://docs.github.com/graphql/reference/mutations#createcommitonbranch>
#[tokio::test]
async fn a_commit_lands_only_on_the_expected_head() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let made = bot.commit("main", &scene.first, "a.yaml", "tag: v2\n").await;
    let commit = &made["data"]["createCommitOnBranch"]["commit"];
    assert_eq!(commit["signature"]["isValid"], true);
    let head = scene.github.head("acme/config", "main").await.unwrap().unwrap();
    assert_eq!(commit["oid"], head.as_str());
    assert_eq!(scene.github.read_file("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "tag: v2\n");

    let stale = bot.commit("main", &scene.first, "a.yaml", "tag: v3\n").await;
    assert_eq!(stale["errors"][0]["type"], "STALE_DATA");
    assert_eq!(stale["data"]["createCommitOnBranch"], serde_json::Value::Null);
    assert_eq!(scene.github.head("acme/config", "main").await.unwrap().unwrap(), head);

    let missing = bot.commit("nowhere", &scene.first, "a.yaml", "x").await;
    assert_eq!(missing["errors"][0]["type"], "NOT_FOUND");
}

/// The mutation takes no mode. <https://docs.github.com/graphql/reference/input-objects#fileaddition>
#[tokio::test]
async fn a_commit_by_graphql_loses_the_executable_bit() {
    let scene = Scene::new().await;
    let head = scene.github.set_mode("acme/config", "main", "a.yaml", "100755", "ada").await.unwrap();
    assert_eq!(scene.github.file_mode("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "100755");
    scene.bot().await.commit("main", &head, "a.yaml", "tag: v2\n").await;
    assert_eq!(scene.github.file_mode("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "100644");
}

/// <https://docs.github.com/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>
#[tokio::test]
async fn a_commit_is_verified_only_when_a_bot_names_no_author() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let blob = bot.post("/repos/acme/config/git/blobs", json!({"content": "dGFnOiB2Mgo=", "encoding": "base64"})).await;
    let entry =
        json!({"path": "a.yaml", "mode": "100755", "type": "blob", "sha": blob.expect(StatusCode::CREATED)["sha"]});
    let tree = bot.post("/repos/acme/config/git/trees", json!({"base_tree": scene.first, "tree": [entry]})).await;
    let tree = tree.expect(StatusCode::CREATED)["sha"].clone();
    let path = "/repos/acme/config/git/commits";
    let plain = json!({"message": "m", "tree": tree, "parents": [scene.first]});
    let made = bot.post(path, plain.clone()).await.expect(StatusCode::CREATED);
    assert_eq!(made["verification"]["verified"], true);
    assert_eq!(made["author"]["name"], "heddle[bot]");

    let mut named = plain.clone();
    named["author"] = json!({"name": "x", "email": "x@example.com"});
    assert_eq!(bot.post(path, named).await.expect(StatusCode::CREATED)["verification"]["verified"], false);
    let person = scene.person("ada").post(path, plain).await.expect(StatusCode::CREATED);
    assert_eq!(person["verification"]["verified"], false);

    let sha = made["sha"].as_str().unwrap();
    bot.patch("/repos/acme/config/git/refs/heads/main", json!({"sha": sha})).await.expect(StatusCode::OK);
    assert_eq!(scene.github.file_mode("acme/config", "main", "a.yaml").await.unwrap().unwrap(), "100755");
    let listed = bot.get("/repos/acme/config/commits?sha=main").await.expect(StatusCode::OK);
    assert_eq!(listed[0]["author"]["login"], "heddle[bot]");
    assert_eq!(listed[0]["commit"]["verification"]["verified"], true);
    assert_eq!(listed[1]["commit"]["verification"]["verified"], false);
}

/// <https://docs.github.com/rest/git/refs>
#[tokio::test]
async fn a_reference_is_made_once_and_moves_forward_unless_forced() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let path = "/repos/acme/config/git/refs";
    let head =
        scene.github.push_files("acme/config", "main", &[("a.yaml", Some("tag: v2\n"))], "m", "ada").await.unwrap();
    bot.post(path, json!({"ref": "refs/heads/x", "sha": head})).await.expect(StatusCode::CREATED);
    let again = bot.post(path, json!({"ref": "refs/heads/x", "sha": head})).await;
    assert_eq!(again.expect(StatusCode::UNPROCESSABLE_ENTITY)["message"], "Reference already exists");
    let wrong = json!({"ref": "refs/heads/y", "sha": "1".repeat(40)});
    assert_eq!(
        bot.post(path, wrong).await.expect(StatusCode::UNPROCESSABLE_ENTITY)["message"],
        "Object does not exist"
    );
    let back = bot.patch(&format!("{path}/heads/x"), json!({"sha": scene.first})).await;
    assert_eq!(back.expect(StatusCode::UNPROCESSABLE_ENTITY)["message"], "Update is not a fast forward");
    bot.patch(&format!("{path}/heads/x"), json!({"sha": scene.first, "force": true})).await.expect(StatusCode::OK);
    let shown = bot.get("/repos/acme/config/git/ref/heads/x").await.expect(StatusCode::OK);
    assert_eq!(shown["object"]["sha"], scene.first.as_str());
    assert_eq!(bot.call(Method::DELETE, &format!("{path}/heads/x"), None).await.status, StatusCode::NO_CONTENT);
    bot.get("/repos/acme/config/git/ref/heads/x").await.expect(StatusCode::NOT_FOUND);
}

/// <https://docs.github.com/graphql/reference/mutations#updaterefs>
#[tokio::test]
async fn update_refs_compares_before_it_swaps() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let node = bot.get("/repos/acme/config").await.expect(StatusCode::OK)["node_id"].clone();
    let bumped = bot.bump(&scene.first, "tag: v2\n").await;
    let moved = |before: &str, after: &str, force: bool| {
        let update = json!({"name": "refs/heads/bump", "beforeOid": before, "afterOid": after, "force": force});
        json!({"input": {"repositoryId": node, "refUpdates": [update]}})
    };
    let stale = bot.graphql(UPDATE_REFS, moved(&scene.first, &bumped, true)).await;
    assert_eq!(stale["errors"][0]["type"], "STALE_DATA");
    let backward = bot.graphql(UPDATE_REFS, moved(&bumped, &scene.first, false)).await;
    assert!(backward["errors"][0]["message"].as_str().unwrap().contains("fast forward"));
    let forced = bot.graphql(UPDATE_REFS, moved(&bumped, &scene.first, true)).await;
    assert!(forced.get("errors").is_none(), "{forced}");
    assert_eq!(scene.github.head("acme/config", "bump").await.unwrap().unwrap(), scene.first);
}

/// <https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>
#[tokio::test]
async fn lists_come_in_pages_with_absolute_links() {
    let scene = Scene::new().await;
    for number in 0..4 {
        let content = format!("tag: v{number}\n");
        scene.github.push_files("acme/config", "main", &[("a.yaml", Some(&content))], "m", "ada").await.unwrap();
    }
    let bot = scene.bot().await;
    let first = bot.get("/repos/acme/config/commits?sha=main&per_page=2").await;
    let link = first.header("link").to_owned();
    let next =
        format!("<{}/repos/acme/config/commits?sha=main&per_page=2&page=2>; rel=\"next\"", scene.github.api_url());
    assert!(link.starts_with(&next), "{link}");
    let last = bot.get("/repos/acme/config/commits?sha=main&per_page=2&page=3").await;
    assert!(!last.header("link").contains("next"));
    assert_eq!(last.expect(StatusCode::OK)[0]["sha"], scene.first.as_str());
}

/// <https://docs.github.com/rest/commits/commits#compare-two-commits>
#[tokio::test]
async fn a_comparison_lists_what_the_head_has_more() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let bumped = bot.bump(&scene.first, "tag: v2\n").await;
    scene.github.push_files("acme/config", "main", &[("b.yaml", Some("x: 2\n"))], "m", "ada").await.unwrap();
    let body = bot.get("/repos/acme/config/compare/main...bump").await.expect(StatusCode::OK);
    assert_eq!((body["status"].as_str(), body["ahead_by"].as_u64()), (Some("diverged"), Some(1)));
    assert_eq!(body["commits"][0]["sha"], bumped.as_str());
    assert_eq!(body["merge_base_commit"]["sha"], scene.first.as_str());
    assert_eq!(body["files"][0]["filename"], "a.yaml");
    assert!(body["files"][0]["patch"].as_str().unwrap().contains("-tag: v1\n+tag: v2"));
    bot.get(&format!("/repos/acme/config/compare/{}...bump", "1".repeat(40))).await.expect(StatusCode::NOT_FOUND);
}

/// <https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging>
#[tokio::test]
async fn a_protected_branch_changes_by_a_merge_alone() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    scene.github.set_protected("acme/config", "main", true);
    let refused = bot.commit("main", &scene.first, "a.yaml", "tag: v2\n").await;
    assert_eq!(refused["errors"][0]["type"], "UNPROCESSABLE");
    let words = refused["errors"][0]["message"].as_str().unwrap();
    assert!(words.contains("Changes must be made through a pull request."), "{words}");
    assert_eq!(scene.github.head("acme/config", "main").await.unwrap().unwrap(), scene.first);
    scene.github.set_protected("acme/config", "main", false);
    assert!(bot.commit("main", &scene.first, "a.yaml", "tag: v2\n").await["errors"].is_null());
}
