//! Private images: a login that is wrong, right, expired, removed; keys that are rotated; a registry that throttles.

use std::{fs, path::PathBuf};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use heddle_core::pipeline::Station;
use heddle_testkit::{
    hold::{Fault, Match, When},
    registry::{Door, PASSWORD, Registry, TokenServer, USER},
    wait,
};
use heddle_tests::{
    Place, World, WorldOptions,
    command_line::{CommandLine, Printed},
    config_repository::{overlay, overlay_path, rules},
    dashboard::{self, BrowserTest},
    world::{EMAIL, FIRST_TAG, IMAGE_PATH, PASSWORD as PERSONS_PASSWORD, REPOSITORY},
};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::json;

use crate::secrets::everything_told;

/// The registry's host, as images name it.
fn host(world: &World) -> String {
    world.image().split('/').next().unwrap().to_owned()
}

/// `heddle`, which must succeed.
async fn heddle(shell: &CommandLine, args: &[&str], stdin: &str) -> Printed {
    let printed = shell.run(args, stdin).await.unwrap();
    assert_eq!(printed.code, 0, "{args:?}: {printed:?}");
    printed
}

/// Waits until `heddle status` says this of the World's image.
async fn wait_for_reason(world: &World, shell: &CommandLine, reason: &str) {
    wait::until(format!("`{reason}` in the status"), wait::LONG, async || {
        let status = shell.run(&["status"], "").await.map_err(|error| format!("{error:#}"))?;
        if status.out.contains(reason) { Ok(()) } else { Err(format!("{status:?}\n{}", world.complaints())) }
    })
    .await
    .unwrap();
}

/// What a person sees in the browser of a login, with the reason.
async fn look_at_pages(world: &World, stage: &'static str, state: &str, reason: &str) {
    let test = BrowserTest {
        name: "registries",
        dashboard: &world.api_url,
        settings: &[
            ("HEDDLE_EMAIL", EMAIL),
            ("HEDDLE_PASSWORD", PERSONS_PASSWORD),
            ("HEDDLE_STATE", state),
            ("HEDDLE_REASON", reason),
            ("HEDDLE_STAGE", stage),
        ],
        pictures: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("browser/registries"),
    };
    let outcome = test.run(async |errand| anyhow::bail!("nobody does {errand:?}")).await;
    if let Err(error) = outcome {
        panic!("{error:#}\n{}", world.complaints());
    }
}

#[tokio::test]
async fn a_private_image_says_why_with_a_wrong_a_right_and_an_expired_login() {
    let server = TokenServer::start(PASSWORD).await.unwrap();
    let options = WorldOptions {
        registries: vec![server.host()],
        web_dir: Some(dashboard::built().unwrap()),
        proxies: false,
        ..WorldOptions::default()
    };
    let mut world = World::start_with(options).await.unwrap();
    world.registry.push_image(IMAGE_PATH, "2.0.0").await.unwrap();
    world.registry.lock(&server.door()).await.unwrap();
    let (shell, host) = (CommandLine::of(&world).await.unwrap(), host(&world));
    wait_for_reason(&world, &shell, "wants a login, and there is none for `acme/api`").await;
    look_at_pages(&world, "none", "", "wants a login, and there is none").await;

    let (server_host, image) = (server.host(), format!("{host}/{IMAGE_PATH}"));
    let add = ["registry", "add", &host, "--username", USER, "--auth-host", &server_host];
    heddle(&shell, &add, "not-the-password").await;
    let refused = "the credential was not accepted";
    wait_for_reason(&world, &shell, refused).await;
    let list = heddle(&shell, &["registry", "list"], "").await.out;
    assert!(list.contains("not known") && list.contains(refused), "{list}");
    let test = shell.run(&["registry", "test", &image], "").await.unwrap();
    assert!(test.code == 1 && test.out.contains(refused), "{test:?}");
    look_at_pages(&world, "wrong", "Not known there", refused).await;

    let again = ["registry", "add", &host, "--username", USER, "--auth-host", &server_host, "--again"];
    heddle(&shell, &again, PASSWORD).await;
    let test = heddle(&shell, &["registry", "test", &image], "").await.out;
    assert!(test.contains("took the login and showed 2 tags"), "{test}");
    wait::until("the image to be read", wait::LONG, async || {
        let status = world.user.status(world.organization).await.map_err(|error| format!("{error:#}"))?;
        if status.failing_images.is_empty() { Ok(()) } else { Err(format!("{:?}", status.failing_images)) }
    })
    .await
    .unwrap();
    let list = heddle(&shell, &["registry", "list"], "").await.out;
    assert!(list.contains("works"), "{list}");
    look_at_pages(&world, "right", "Works", "").await;

    server.expire();
    wait_for_reason(&world, &shell, "look whether the password or token was changed or has expired").await;
    look_at_pages(&world, "expired", "Not known there", "has expired").await;
    heddle(&shell, &["registry", "remove", &host], "").await;
    wait_for_reason(&world, &shell, "wants a login, and there is none for `acme/api`").await;
    assert_eq!(world.image_in_git("prod").await.unwrap(), FIRST_TAG);
    world.wait_until_image_runs("prod", FIRST_TAG).await.unwrap();
}

#[tokio::test]
async fn what_a_login_found_that_was_removed_meanwhile_counts_no_more() {
    let mut world = World::start().await.unwrap();
    world.registry.lock(&Door::Basic).await.unwrap();
    let (shell, host) = (CommandLine::of(&world).await.unwrap(), host(&world));
    heddle(&shell, &["registry", "add", &host, "--username", USER], PASSWORD).await;
    world.push_tag("1.4.1").await.unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Merged).await.unwrap();

    // The automator is asked for a login, and has it in its hands, when it is removed.
    let list = Match::new(Method::GET, "/v2/acme/api/tags/list");
    let mut gate = world.stop_at(Place::Registry(list, When::BeforeAnswer)).await.unwrap();
    world.push_tag("1.4.2").await.unwrap();
    gate.reached().await.unwrap();
    heddle(&shell, &["registry", "remove", &host], "").await;
    let taken = |world: &World| {
        let answers = world.proxies.registry.as_ref().unwrap().answers(Method::GET, "/v2/acme/api/tags/list");
        answers.iter().filter(|status| **status == StatusCode::OK).count()
    };
    let before = taken(&world);
    gate.open().await.unwrap();
    wait_for_reason(&world, &shell, "wants a login, and there is none for `acme/api`").await;
    assert_eq!(taken(&world), before + 1, "the scan went on with the login that it had");
    assert!(world.find_change("staging", "1.4.2").await.unwrap().is_none(), "{}", world.describe_changes().await);
    assert_eq!(world.image_in_git("staging").await.unwrap(), "1.4.1");
    assert_eq!(world.bot_commits().await.unwrap(), 1, "{:?}", world.subjects().await.unwrap());
}

/// Secrets that are planted, each in another kind of login.
const PLANTED: [&str; 5] = [
    "c4n4ry-of-a-wrong-password",
    "c4n4ry-of-a-docker-configuration",
    "c4n4ry-of-an-identity-token",
    "c4n4ry-of-an-access-key-of-amazon",
    "c4n4ry-of-a-client-secret-of-azure",
];

/// How a secret could stand somewhere: as it is, coded, with the user's name, in an address.
fn forms(secret: &str) -> Vec<String> {
    let pair = format!("{USER}:{secret}");
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    vec![
        secret.to_owned(),
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(&pair),
        hex(secret),
        secret.replace('-', "%2D"),
        // The end of a coded text depends on what goes before it.
        STANDARD.encode(format!("\0{secret}"))[4..].trim_end_matches('=').to_owned(),
    ]
}

async fn plant(shell: &CommandLine, host: &str) -> Vec<Printed> {
    let [wrong, docker, identity, amazon, azure] = PLANTED;
    let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    let config = json!({"auths": {
        "quay.io": {"auth": STANDARD.encode(format!("{USER}:{docker}"))},
        format!("{host}/other"): {"username": USER, "password": docker},
    }});
    let runs: [(&[&str], String); 8] = [
        (&["registry", "add", host, "--username", USER], wrong.to_owned()),
        (&["registry", "add", "--docker-config", "-"], config.to_string()),
        (&["registry", "add", "--docker-config", "-"], json!({"auths": {"ghcr.io": {"auth": docker}}}).to_string()),
        (&["registry", "add", "--docker-config", "-"], format!("{{\"auths\": {docker}}}")),
        (&["registry", "add", "acme.example.com", "--kind", "identity-token"], identity.to_owned()),
        (&["registry", "add", ecr, "--kind", "ecr", "--access-key-id", "AKIAIOSFODNN7EXAMPLE"], amazon.to_owned()),
        (
            &["registry", "add", "acme.azurecr.io", "--kind", "acr", "--tenant", "acme", "--client-id", "heddle"],
            azure.to_owned(),
        ),
        (&["registry", "add", "ghcr.io", "--kind", "gar"], json!({"private_key": azure}).to_string()),
    ];
    let mut printed = Vec::new();
    for (args, stdin) in runs {
        printed.push(shell.run(args, &stdin).await.unwrap());
    }
    for image in [format!("{host}/{IMAGE_PATH}"), format!("{host}/other/api"), "acme.azurecr.io/acme/api".to_owned()] {
        printed.push(shell.run(&["registry", "test", &image], "").await.unwrap());
    }
    printed
}

#[tokio::test]
async fn sealing_keys_are_rotated_under_load_and_no_byte_of_a_secret_is_told() {
    let mut world = World::start().await.unwrap();
    // Also who looks closely must not see it.
    for service in [&mut world.api, &mut world.automator] {
        service.set("HEDDLE_LOG", "debug");
        service.kill().await.unwrap();
        service.start().await.unwrap();
    }
    world.registry.lock(&Door::Basic).await.unwrap();
    let (shell, host) = (CommandLine::of(&world).await.unwrap(), host(&world));
    let mut printed = plant(&shell, &host).await;
    let added = printed.iter().filter(|one| one.code == 0 && one.out.contains("added")).count();
    assert_eq!(added, 5, "{printed:#?}");
    wait_for_reason(&world, &shell, "does not take this login for `acme/api`").await;
    heddle(&shell, &["registry", "add", &host, "--username", USER, "--again"], PASSWORD).await;

    // Scans go on, logins are entered, and the key is changed meanwhile.
    let keys = world.folder().join("sealing-keys");
    let (old, new) = (fs::read_to_string(&keys).unwrap(), "a7".repeat(32));
    fs::write(&keys, format!("{new}\n{}\n", old.trim())).unwrap();
    let entering = async {
        for number in 0..5 {
            let reach = format!("{host}/team{number}");
            let add = ["registry", "add", &host, "--prefix", &reach[host.len() + 1..], "--username", USER];
            heddle(&shell, &add, PLANTED[0]).await;
        }
    };
    let pushing = async { world.push_tag("1.4.1").await.unwrap() };
    let rotating = async { world.api.run(&["rotate-secrets"]).await.unwrap() };
    let ((), _, first) = tokio::join!(entering, pushing, rotating);
    assert!(first.printed.contains("sealed anew with key"), "{first:?}");
    let mut last = first;
    while !last.success {
        // What the API sealed with the old key meanwhile: the program fails and says so, until nothing is left.
        assert!(last.printed.contains("must stay; run this again"), "{last:?}");
        last = world.api.run(&["rotate-secrets"]).await.unwrap();
    }
    assert!(last.printed.contains("may be dropped from the file"), "{last:?}");
    fs::write(&keys, format!("{new}\n")).unwrap();
    world.wait_for_station("staging", "1.4.1", Station::Merged).await.unwrap();
    world.push_tag("1.4.2").await.unwrap();
    world.wait_for_station("staging", "1.4.2", Station::Merged).await.unwrap();
    let list = heddle(&shell, &["registry", "list"], "").await;
    assert!(!list.out.contains("unreadable") && list.out.contains("works"), "{list:?}");
    printed.push(list);

    let mut told = everything_told(&world).await;
    told.extend(printed.iter().map(|one| ("the shell".to_owned(), format!("{}\n{}", one.out, one.err))));
    let status = world.user.status(world.organization).await.unwrap();
    told.push(("the status".to_owned(), serde_json::to_string(&status).unwrap()));
    for secret in PLANTED.iter().copied().chain([PASSWORD, old.trim(), new.as_str()]) {
        for form in forms(secret) {
            for (place, text) in &told {
                let at = text.find(&form).map(|at| &text[at.saturating_sub(200)..at + form.len()]);
                assert!(at.is_none(), "{place} holds `{form}`: …{}", at.unwrap_or_default());
            }
        }
    }
}

#[tokio::test]
async fn a_host_that_throttles_holds_no_other_back() {
    let other = Registry::start().await.unwrap();
    other.push_image("acme/worker", "1.0.0").await.unwrap();
    let worker = format!("{}/acme/worker", other.host());
    let entry = |image: &str, tag: &str| format!("  - name: {image}\n    newTag: \"{tag}\"\n");
    let rule = |image: &str| format!("  - {{name: {image}, policy: {{semver: \"*\"}}, mode: commit}}\n");
    let staging = overlay("shop-staging", "IMAGE", FIRST_TAG) + &entry(&worker, "1.0.0") + &entry("SECOND", "1.0.0");
    let options = WorldOptions {
        registries: vec![other.host()],
        files: vec![
            (overlay_path("staging"), staging),
            (".heddle.yaml".to_owned(), rules("IMAGE") + &rule(&worker) + &rule("SECOND")),
        ],
        ..WorldOptions::default()
    };
    let world = World::start_with(options).await.unwrap();
    let (shell, host) = (CommandLine::of(&world).await.unwrap(), host(&world));
    let registry = world.proxies.registry.as_ref().unwrap();
    world.push_tag_of("acme/second", "1.0.0").await.unwrap();
    wait::until("the second image to be read", wait::LONG, async || {
        let status = world.user.status(world.organization).await.map_err(|error| format!("{error:#}"))?;
        if status.failing_images.is_empty() { Ok(()) } else { Err(format!("{:?}", status.failing_images)) }
    })
    .await
    .unwrap();

    let mut headers = HeaderMap::new();
    headers.insert("retry-after", "3600".parse().unwrap());
    let fault = Fault::Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body: "slow down".to_owned() };
    registry.fail(Match::new(Method::GET, "/tags/list"), fault);
    wait_for_reason(&world, &shell, &format!("`{host}` asks for fewer requests")).await;
    let asked = registry.count(Method::GET, "/tags/list");
    // Both images of the host wait, also when something was pushed.
    world.push_tag("1.4.1").await.unwrap();
    world.push_tag_of("acme/second", "1.0.1").await.unwrap();
    other.push_image("acme/worker", "1.0.1").await.unwrap();
    wait::until("the other host's image to be written", wait::LONG, async || {
        let file = world.github.read_file(REPOSITORY, "main", &overlay_path("staging")).await;
        let text = file.map_err(|error| format!("{error:#}"))?.unwrap_or_default();
        if text.contains("\"1.0.1\"") { Ok(()) } else { Err(format!("{text}\n{}", world.complaints())) }
    })
    .await
    .unwrap();
    assert!(registry.count(Method::GET, "/tags/list") <= asked + 1, "one that was under way, and no more");
    let status = world.user.status(world.organization).await.unwrap();
    let slow: Vec<_> = status.slow_hosts.iter().map(|slow| (slow.login.as_str(), slow.images)).collect();
    assert_eq!(slow, [(host.as_str(), 2)], "{status:#?}");
    let waits = status.waiting_pushes.iter().find(|push| push.tag.as_str() == "1.4.1").unwrap();
    assert!(waits.reason.starts_with("its registry asks for fewer requests; it is asked again at "), "{waits:?}");
}
