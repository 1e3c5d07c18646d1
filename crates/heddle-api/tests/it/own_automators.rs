//! Automators that organizations run themselves: each gets the scans of its own registries and nothing else.

use heddle_api::secret;
use heddle_client::{AutomatorClient, ClientError, Http, UserClient};
use heddle_core::id::OrganizationId;
use heddle_wire::{
    automator::{Done, Lease, LeaseRequest, ReadReport, ScanOutcome, ScanReport, Work},
    view::{AddOwnAutomator, OwnAutomatorAdded},
};
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    logins::{add, basic, complete},
    loom::Loom,
    told::read_report,
};

/// Another organization, with a person in it.
async fn neighbor(loom: &Loom) -> (UserClient, OrganizationId) {
    let (organization, user) = (Uuid::now_v7(), Uuid::now_v7());
    let token = "hdlt_of-a-neighbor-in-tests";
    let mut owner = loom.owner().await;
    for sql in [
        "insert into organizations (id, name) select $1, 'Other' where $2::uuid is not null and $3::bytea is not null",
        "insert into users (id, email, name, password_hash)
         select $2, 'eve@example.com', 'Eve', '-' where $1::uuid is not null and $3::bytea is not null",
        "insert into memberships (organization_id, user_id, role)
         select $1, $2, 'owner' where $3::bytea is not null",
        "insert into tokens (id, secret_hash, user_id, organization_id, role, name, expires_at)
         values (gen_random_uuid(), $3, $2, $1, 'owner', 'test', now() + interval '1 day')",
    ] {
        sqlx::query(sql).bind(organization).bind(user).bind(secret::hash(token)).execute(&mut owner).await.unwrap();
    }
    let http = Http::new(loom.base.clone(), None).unwrap();
    (UserClient::new(http, token.to_owned().into()), organization.into())
}

async fn watch(loom: &Loom, organization: OrganizationId, image: &str) {
    let id = Uuid::now_v7();
    let mut owner = loom.owner().await;
    for sql in [
        "insert into images (id, organization_id, image) values ($1, $2, $3)",
        "insert into work (organization_id, kind, subject_id, due_at) select $2, 'scan', $1, now() where $3 <> ''",
    ] {
        sqlx::query(sql).bind(id).bind(organization.0).bind(image).execute(&mut owner).await.unwrap();
    }
}

async fn serve(user: &UserClient, organization: OrganizationId, name: &str, hosts: &[&str]) -> OwnAutomatorAdded {
    let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
    user.add_own_automator(organization, &AddOwnAutomator { name: name.into(), hosts }).await.unwrap()
}

fn client(loom: &Loom, added: &OwnAutomatorAdded) -> AutomatorClient {
    let token: SecretString = added.token.expose().to_owned().into();
    AutomatorClient::new(Http::new(loom.base.clone(), None).unwrap(), token)
}

/// The images that an automator is given, until there are no more; their leases are kept.
async fn lease_all(automator: &AutomatorClient) -> Vec<(String, Lease)> {
    let mut leased = Vec::new();
    let request = LeaseRequest { wait_secs: 0, automator: "own".to_owned(), knows_requests: 0 };
    while let Some(lease) = automator.lease(&request).await.unwrap() {
        let Work::Scan(work) = &lease.work else { panic!("{:?}", lease.work) };
        assert!(work.login.is_none(), "no login that the hub stores");
        leased.push((work.image.to_string(), lease));
    }
    leased.sort_by(|one, other| one.0.cmp(&other.0));
    leased
}

fn names(leased: &[(String, Lease)]) -> Vec<&str> {
    leased.iter().map(|(image, _)| image.as_str()).collect()
}

fn code(error: ClientError) -> String {
    match error {
        ClientError::Problem(problem) => problem.code,
        ClientError::LeaseLost => "lease-lost".into(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn each_automator_gets_the_scans_of_its_own_registries_and_no_other_work() {
    let loom = Loom::start().await;
    let (eve, other) = neighbor(&loom).await;
    // A login that is stored here is lent to no automator of the organization.
    add(&loom, &basic("registry.lan", "", "secret")).await;
    for image in ["registry.lan/acme/api", "a.example.com/acme/api", "ghcr.io/acme/api"] {
        watch(&loom, loom.organization, image).await;
        watch(&loom, other, image).await;
    }
    let lan = serve(&loom.user, loom.organization, "lan", &["registry.lan"]).await;
    let wide = serve(&loom.user, loom.organization, "wide", &["*.example.com"]).await;
    let theirs = serve(&eve, other, "lan", &["registry.lan"]).await;
    let (lan_client, wide_client, theirs_client) = (client(&loom, &lan), client(&loom, &wide), client(&loom, &theirs));
    let first = lease_all(&lan_client).await;
    assert_eq!(names(&first), ["registry.lan/acme/api"]);
    assert_eq!(first[0].1.organization, loom.organization);
    assert_eq!(names(&lease_all(&wide_client).await), ["a.example.com/acme/api"]);
    let neighbors = lease_all(&theirs_client).await;
    assert_eq!((names(&neighbors), neighbors[0].1.organization), (vec!["registry.lan/acme/api"], other));
    // A read of the organization is due, and is the hosted automator's; so are the registries that nobody claimed, and that
    // of the organization in which nobody did.
    let mut hosted = Vec::new();
    while let Some(lease) = loom.try_lease(0).await {
        match &lease.work {
            Work::Scan(work) => hosted.push(work.image.to_string()),
            Work::Read(_) => {}
            work => panic!("{work:?}"),
        }
    }
    hosted.sort_unstable();
    assert_eq!(hosted, ["a.example.com/acme/api", "ghcr.io/acme/api", "ghcr.io/acme/api"]);

    // Nobody reports for another, whatever lease they know.
    let mine = &first[0].1;
    let report = complete(None);
    for stranger in [&theirs_client, &wide_client] {
        for refused in [
            stranger.scan_report(mine, &report).await.map(drop),
            stranger.renew(mine).await,
            stranger.done(mine, &Done::default()).await,
            stranger.read_report(mine, &ReadReport { ..read_report(&[], "1.0.0") }).await,
        ] {
            let code = code(refused.unwrap_err());
            assert!(["lease-lost", "other-work"].contains(&code.as_str()), "{code}");
        }
    }
    assert_eq!(loom.user.status(loom.organization).await.unwrap().scanned_at, None);
    lan_client.scan_report(mine, &ScanReport { take_update: true, ..report }).await.unwrap();
    assert!(loom.user.status(loom.organization).await.unwrap().scanned_at.is_some());
    assert!(eve.status(other).await.unwrap().scanned_at.is_none());
}

#[tokio::test]
async fn while_it_is_silent_nobody_else_scans_and_every_image_says_so_with_the_time() {
    let loom = Loom::start().await;
    watch(&loom, loom.organization, "registry.lan/acme/api").await;
    let added = serve(&loom.user, loom.organization, "eu", &["registry.lan"]).await;
    let automator = client(&loom, &added);
    let leased = lease_all(&automator).await;
    let why = ScanOutcome::Failed { reason: "x".repeat(100_000), retry_at: None, fault: None };
    automator.scan_report(&leased[0].1, &ScanReport::new(why)).await.unwrap();
    let failing = loom.user.status(loom.organization).await.unwrap().failing_images.remove(0);
    assert!(failing.reason.len() < 5000 && failing.reason.ends_with('…'), "what it says is cut");
    let mut owner = loom.owner().await;
    for sql in [
        "update own_automators set seen_at = '2026-01-02T03:04:05Z', added_at = '2026-01-01T00:00:00Z'",
        "update work set due_at = now(), not_before = null where kind = 'scan'",
        "delete from work where kind = 'read'",
    ] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    }
    assert!(loom.try_lease(0).await.is_none(), "its registry is scanned by nobody else");
    let status = loom.user.status(loom.organization).await.unwrap();
    let silent = &status.silent_automators[0];
    assert_eq!((silent.name.as_str(), silent.images), ("eu", 1));
    let [failing] = &status.failing_images[..] else { panic!("{status:?}") };
    let expected = "the automator `eu`, which alone serves `registry.lan`, was last seen at 2026-01-02 03:04 UTC, ";
    assert!(failing.reason.starts_with(expected), "{}", failing.reason);

    // Removed: its token counts no more, and the hosted ones take over.
    loom.user.delete_own_automator(loom.organization, added.automator.id).await.unwrap();
    let request = LeaseRequest { wait_secs: 0, automator: "own".to_owned(), knows_requests: 0 };
    assert!(matches!(automator.lease(&request).await, Err(ClientError::Unauthorized { .. })));
    let lease = loom.lease().await;
    let Work::Scan(work) = lease.work else { panic!("{:?}", lease.work) };
    assert_eq!(work.image.as_str(), "registry.lan/acme/api");
}

#[tokio::test]
async fn it_is_added_by_an_administrator_with_registries_that_nobody_else_serves() {
    let loom = Loom::start().await;
    let added = serve(&loom.user, loom.organization, "eu", &["registry.lan", "registry.lan", "*.example.com"]).await;
    assert_eq!(added.automator.hosts, ["registry.lan", "*.example.com"]);
    assert!(added.token.expose().starts_with("hdla_"));
    assert!(added.manifest.contains(&format!("  token: \"{}\"\n", added.token.expose())), "{}", added.manifest);
    assert!(
        added.manifest.contains("pod-security.kubernetes.io/enforce: restricted") && !added.manifest.contains("{{")
    );
    let again = async |name: &str, hosts: &[&str]| {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let request = AddOwnAutomator { name: name.into(), hosts };
        code(loom.user.add_own_automator(loom.organization, &request).await.unwrap_err())
    };
    assert_eq!(again("eu", &["quay.io"]).await, "automator-exists");
    assert_eq!(again("us", &["*.example.com"]).await, "registry-served");
    assert_eq!(again("us", &[]).await, "invalid");
    assert_eq!(again("us", &["*"]).await, "invalid");
    let shown = format!("{:?}", loom.user.own_automators(loom.organization).await.unwrap());
    assert!(!shown.contains("hdla_"), "{shown}");
    for (table, rows) in loom.database.dump().await.unwrap() {
        assert!(rows.iter().all(|row| !row.to_string().contains(added.token.expose())), "{table} holds the token");
    }
}
