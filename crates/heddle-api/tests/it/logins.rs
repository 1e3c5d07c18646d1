//! Logins to registries: what goes in never comes out, and a scan is lent the one that is for its image.

use heddle_api::seal::{Sealer, rotate};
use heddle_client::ClientError;
use heddle_core::registry::pace::HostReport;
use heddle_db::{Db, registry_logins};
use heddle_wire::{
    automator::{Lease, ScanOutcome, ScanReport, ScanWork, ScannedTag, TestReport, TestWork, Work},
    registry::{LoginOutcome, LoginUse, RegistryLogin, RegistrySecret},
    view::{AddDockerLogins, EnterRegistryLogin, RegistryLoginView, TestRegistryLogin},
};
use serde_json::json;
use uuid::Uuid;

use crate::loom::Loom;

const SECRET: &str = "c4n4ry-of-a-login";

pub fn basic(host: &str, prefix: &str, password: &str) -> EnterRegistryLogin {
    let secret = RegistrySecret::Basic { username: "bot".into(), password: password.to_owned().into() };
    EnterRegistryLogin { host: host.into(), prefix: prefix.into(), auth_host: None, secret }
}

/// Watches an image, whose scan is due at once.
pub async fn watch(loom: &Loom, image: &str) -> Uuid {
    let id = Uuid::now_v7();
    let mut owner = loom.owner().await;
    for sql in [
        "insert into images (id, organization_id, image) values ($1, $2, $3)",
        "insert into work (organization_id, kind, subject_id, due_at) select $2, 'scan', $1, now() where $3 <> ''",
    ] {
        sqlx::query(sql).bind(id).bind(loom.organization.0).bind(image).execute(&mut owner).await.unwrap();
    }
    id
}

/// The next work that is no read.
async fn lease(loom: &Loom) -> Lease {
    let mut owner = loom.owner().await;
    sqlx::query("delete from work where kind = 'read'").execute(&mut owner).await.unwrap();
    loom.lease().await
}

pub async fn lease_scan(loom: &Loom) -> (Lease, ScanWork) {
    let lease = lease(loom).await;
    let Work::Scan(work) = lease.work.clone() else { panic!("a scan is due, not {:?}", lease.work) };
    (lease, work)
}

async fn lease_test(loom: &Loom) -> (Lease, TestWork) {
    let lease = lease(loom).await;
    let Work::Test(work) = lease.work.clone() else { panic!("a test is due, not {:?}", lease.work) };
    (lease, work)
}

fn password(login: Option<&RegistryLogin>) -> Option<&str> {
    login.map(|login| match &login.secret {
        RegistrySecret::Basic { password, .. } => password.expose(),
        other => panic!("{other:?}"),
    })
}

pub fn used(login: &RegistryLogin, outcome: LoginOutcome) -> LoginUse {
    let reason = (outcome != LoginOutcome::Works).then(|| "a reason".to_owned());
    LoginUse { id: login.id, version: login.version, outcome: Some(outcome), reason, offered_host: None }
}

pub fn complete(login: Option<&RegistryLogin>) -> ScanReport {
    let tags = vec![ScannedTag { tag: "1.0.0".parse().unwrap(), description: None }];
    let outcome = ScanOutcome::Complete { tags, etag: Some("\"list\"".into()), undescribed: None };
    ScanReport { login: login.map(|login| used(login, LoginOutcome::Works)), ..ScanReport::new(outcome) }
}

async fn logins(loom: &Loom) -> Vec<RegistryLoginView> {
    loom.user.registry_logins(loom.organization).await.unwrap().logins
}

pub async fn add(loom: &Loom, login: &EnterRegistryLogin) -> RegistryLoginView {
    loom.user.add_registry_login(loom.organization, login).await.unwrap()
}

fn code(error: ClientError) -> String {
    match error {
        ClientError::Problem(problem) => problem.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let loom = Loom::start().await;
    let added = add(&loom, &basic("ghcr.io", "acme", SECRET)).await;
    assert_eq!((added.user_name.as_str(), added.last_four.as_str()), ("bot", "ogin"));
    assert_eq!((added.added_by.as_str(), added.unreadable), ("token `test`", None));
    let again = loom.user.add_registry_login(loom.organization, &basic("GHCR.io", "acme/", "other")).await;
    assert_eq!(code(again.unwrap_err()), "login-exists");
    let config = json!({"auths": {"quay.io": {"username": "bot", "password": SECRET}, "ghcr.io": {"auth": "Og=="}}});
    let docker = AddDockerLogins { config: config.to_string().into() };
    let refused = loom.user.add_docker_logins(loom.organization, &docker).await;
    assert_eq!(code(refused.unwrap_err()), "invalid");
    assert_eq!(logins(&loom).await.len(), 1, "all or none");
    let entered = basic("ghcr.io", "acme", &SECRET.to_uppercase());
    loom.user.enter_registry_login(loom.organization, added.id, &entered).await.unwrap();
    let dump = loom.database.dump().await.unwrap();
    let audit = loom.user.audit(loom.organization, &heddle_client::PageQuery::default()).await.unwrap();
    let actions: Vec<&str> = audit.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["registry-login.enter", "registry-login.add"]);
    let shown = format!("{:?} {:?}", logins(&loom).await, audit);
    for secret in [SECRET.to_owned(), SECRET.to_uppercase(), hex::encode(SECRET), hex::encode(SECRET.to_uppercase())] {
        assert!(!shown.contains(&secret), "{shown}");
        for (table, rows) in &dump {
            assert!(rows.iter().all(|row| !row.to_string().contains(&secret)), "{table} holds it");
        }
    }
    loom.user.delete_registry_login(loom.organization, added.id).await.unwrap();
    assert!(logins(&loom).await.is_empty());
}

#[tokio::test]
async fn a_scan_is_lent_the_login_with_the_longest_prefix_and_tells_of_its_use() {
    let loom = Loom::start().await;
    watch(&loom, "ghcr.io/acme/api").await;
    add(&loom, &basic("ghcr.io", "", "wide")).await;
    let narrow = add(&loom, &basic("ghcr.io", "acme", "narrow")).await;
    add(&loom, &basic("ghcr.io", "acme/api/more", "too-narrow")).await;
    let (scan, work) = lease_scan(&loom).await;
    assert_eq!(password(work.login.as_ref()), Some("narrow"));
    assert!(!format!("{scan:?}").contains("narrow\""), "{scan:?}");
    let login = work.login.unwrap();
    let outcome = ScanOutcome::Failed { reason: "it says no".into(), retry_at: None, fault: None };
    let told = Some(used(&login, LoginOutcome::Refused));
    loom.automator.scan_report(&scan, &ScanReport { login: told, ..ScanReport::new(outcome) }).await.unwrap();
    let seen = logins(&loom).await.into_iter().find(|login| login.id == narrow.id).unwrap();
    assert_eq!((seen.outcome, seen.reason.as_deref()), (Some(LoginOutcome::Refused), Some("a reason")));
    let status = loom.user.status(loom.organization).await.unwrap();
    assert_eq!(status.failing_images[0].reason, "it says no");
}

#[tokio::test]
async fn what_was_found_with_another_login_counts_no_more() {
    let loom = Loom::start().await;
    watch(&loom, "ghcr.io/acme/api").await;
    let added = add(&loom, &basic("ghcr.io", "", "first")).await;
    let (scan, work) = lease_scan(&loom).await;
    let login = work.login.unwrap();
    // Removed while the scan runs.
    loom.user.delete_registry_login(loom.organization, added.id).await.unwrap();
    loom.automator.scan_report(&scan, &complete(Some(&login))).await.unwrap();
    let status = loom.user.status(loom.organization).await.unwrap();
    assert_eq!(status.scanned_at, None, "the list was taken");
    let (scan, work) = lease_scan(&loom).await;
    assert_eq!(password(work.login.as_ref()), None);
    loom.automator.scan_report(&scan, &complete(None)).await.unwrap();
    assert!(loom.user.status(loom.organization).await.unwrap().scanned_at.is_some());
    // The entity tag of the list that nobody logged in for is not shown to whoever logs in.
    add(&loom, &basic("ghcr.io", "", "second")).await;
    let (scan, work) = lease_scan(&loom).await;
    assert_eq!((password(work.login.as_ref()), work.etag), (Some("second"), None));
    let login = work.login.unwrap();
    let outcome = ScanOutcome::Failed { reason: "away".into(), retry_at: None, fault: None };
    let failed = ScanReport { login: Some(used(&login, LoginOutcome::Failed)), ..ScanReport::new(outcome) };
    loom.automator.scan_report(&scan, &failed).await.unwrap();
    let (scan, work) = lease_scan(&loom).await;
    assert_eq!(work.etag, None, "a failed scan has listed nothing");
    loom.automator.scan_report(&scan, &complete(work.login.as_ref())).await.unwrap();
    let mut owner = loom.owner().await;
    sqlx::query("update work set due_at = now()").execute(&mut owner).await.unwrap();
    let (_, work) = lease_scan(&loom).await;
    assert_eq!(work.etag.as_deref(), Some("\"list\""));
}

#[tokio::test]
async fn a_token_server_that_nobody_confirmed_stops_the_login_until_it_is_entered_again() {
    let loom = Loom::start().await;
    watch(&loom, "registry.example.com/acme/api").await;
    let added = add(&loom, &basic("registry.example.com", "", "first")).await;
    let (scan, work) = lease_scan(&loom).await;
    let mut told = used(work.login.as_ref().unwrap(), LoginOutcome::TokenServer);
    told.offered_host = Some("auth.example.com".into());
    let outcome = ScanOutcome::Failed { reason: "another token server".into(), retry_at: None, fault: None };
    loom.automator.scan_report(&scan, &ScanReport { login: Some(told), ..ScanReport::new(outcome) }).await.unwrap();
    // Stopped: no secret leaves, and the image says why.
    assert!(loom.try_lease(4).await.is_none());
    let status = loom.user.status(loom.organization).await.unwrap();
    assert!(status.failing_images[0].reason.contains("names the token server `auth.example.com`"), "{status:?}");
    let seen = logins(&loom).await;
    assert_eq!(seen[0].offered_host.as_deref(), Some("auth.example.com"));
    let entered =
        EnterRegistryLogin { auth_host: Some("auth.example.com".into()), ..basic("registry.example.com", "", "first") };
    loom.user.enter_registry_login(loom.organization, added.id, &entered).await.unwrap();
    let (_, work) = lease_scan(&loom).await;
    assert_eq!(work.login.unwrap().auth_host.as_deref(), Some("auth.example.com"));
}

#[tokio::test]
async fn a_test_is_made_by_an_automator() {
    let loom = Loom::start().await;
    let added = add(&loom, &basic("ghcr.io", "acme", SECRET)).await;
    let ask = |image: &str| TestRegistryLogin { image: image.into() };
    let other = loom.user.test_registry_login(loom.organization, added.id, &ask("other/api")).await;
    assert_eq!(code(other.unwrap_err()), "invalid");
    let asked = loom.user.test_registry_login(loom.organization, added.id, &ask("acme/api")).await.unwrap();
    assert_eq!(asked.test.unwrap().done_at, None);
    let (test, work) = lease_test(&loom).await;
    assert_eq!((work.image.as_str(), password(Some(&work.login))), ("ghcr.io/acme/api", Some(SECRET)));
    let login = used(&work.login, LoginOutcome::Denied);
    let (passed, message) = (false, "it lacks read:packages".into());
    let report = TestReport { image: work.image, passed, message, login, host: HostReport::default() };
    loom.automator.test_report(&test, &report).await.unwrap();
    let seen = logins(&loom).await.remove(0);
    let done = seen.test.unwrap();
    assert_eq!((done.passed, done.message.as_deref()), (Some(false), Some("it lacks read:packages")));
    assert_eq!(seen.outcome, Some(LoginOutcome::Denied));
    // Ten at once, and then they are counted.
    for _ in 0..9 {
        loom.user.test_registry_login(loom.organization, added.id, &ask("acme/api")).await.unwrap();
    }
    let more = loom.user.test_registry_login(loom.organization, added.id, &ask("acme/api")).await;
    assert!(matches!(more, Err(ClientError::RateLimited { .. })), "{more:?}");
}

#[tokio::test]
async fn a_secret_is_found_for_the_version_that_is_lent_alone() {
    let loom = Loom::start().await;
    let added = add(&loom, &basic("ghcr.io", "acme", SECRET)).await;
    let mut tx = loom.app.db.organization(loom.organization).await.unwrap();
    let before = registry_logins::find(&mut *tx, loom.organization, added.id).await.unwrap().unwrap();
    let moved = basic("registry.example.com", "acme", "another");
    loom.user.enter_registry_login(loom.organization, added.id, &moved).await.unwrap();
    let old = registry_logins::find_sealed(&mut *tx, loom.organization, (added.id, before.version)).await.unwrap();
    assert_eq!(old, None, "the new secret is not for the old host");
    let now = registry_logins::find(&mut *tx, loom.organization, added.id).await.unwrap().unwrap();
    let new = registry_logins::find_sealed(&mut *tx, loom.organization, (added.id, now.version)).await.unwrap();
    assert!(new.is_some());
}

#[tokio::test]
async fn what_a_test_says_of_one_image_is_not_said_of_another() {
    let loom = Loom::start().await;
    let added = add(&loom, &basic("ghcr.io", "acme", SECRET)).await;
    let ask = async |image: &str| {
        let request = TestRegistryLogin { image: image.into() };
        loom.user.test_registry_login(loom.organization, added.id, &request).await.unwrap();
    };
    ask("acme/api").await;
    let (test, work) = lease_test(&loom).await;
    ask("acme/web").await;
    let login = used(&work.login, LoginOutcome::Works);
    let (passed, message) = (true, "12 tags".into());
    let report = TestReport { image: work.image, passed, message, login, host: HostReport::default() };
    loom.automator.test_report(&test, &report).await.unwrap();
    let seen = logins(&loom).await.remove(0).test.unwrap();
    assert_eq!((seen.image.as_str(), seen.done_at), ("ghcr.io/acme/web", None));
    assert_eq!(lease_test(&loom).await.1.image.as_str(), "ghcr.io/acme/web");
}

#[tokio::test]
async fn a_lost_key_loses_the_logins_that_it_sealed_and_nothing_else() {
    let loom = Loom::start().await;
    watch(&loom, "ghcr.io/acme/api").await;
    watch(&loom, "docker.io/library/nginx").await;
    let added = add(&loom, &basic("ghcr.io", "", SECRET)).await;
    let mut owner = loom.owner().await;
    // As if the file held another key: what the row names is not in it.
    let lose = "update registry_logins set sealed_with = '\\x0000000000000000',
                    sealed = overlay(sealed placing '\\x0000000000000000'::bytea from 2)";
    sqlx::query(lose).execute(&mut owner).await.unwrap();
    let seen = logins(&loom).await;
    assert_eq!(seen[0].unreadable.as_deref(), Some("its sealing key is gone; enter it again"));
    let (scan, work) = lease_scan(&loom).await;
    assert_eq!(work.image.as_str(), "docker.io/library/nginx", "the other image is scanned");
    loom.automator.scan_report(&scan, &complete(None)).await.unwrap();
    assert!(loom.try_lease(4).await.is_none());
    let status = loom.user.status(loom.organization).await.unwrap();
    let reason = &status.failing_images[0].reason;
    assert!(reason.starts_with("the login for `ghcr.io` cannot be read: the sealing key 0000000000000000"), "{reason}");
    loom.user.enter_registry_login(loom.organization, added.id, &basic("ghcr.io", "", SECRET)).await.unwrap();
    let (_, work) = lease_scan(&loom).await;
    assert_eq!(password(work.login.as_ref()), Some(SECRET));
}

#[tokio::test]
async fn keys_are_rotated_while_logins_are_added_and_lent() {
    let loom = Loom::start().await;
    for number in 0..100 {
        add(&loom, &basic("ghcr.io", &format!("team{number}"), SECRET)).await;
    }
    watch(&loom, "ghcr.io/team7/api").await;
    let db = Db::connect(loom.database.options(), 2).await.unwrap();
    // The new key is put first; the API, which was started with the old one, goes on with that.
    let (old, new) = ("aa".repeat(32), "bb".repeat(32));
    std::fs::write(&loom.keys_file, format!("{new}\n{old}\n")).unwrap();
    let sealer = Sealer::load(&loom.keys_file).unwrap();
    let entering = async {
        for login in logins(&loom).await.into_iter().take(20) {
            let again = basic("ghcr.io", &login.prefix, SECRET);
            loom.user.enter_registry_login(loom.organization, login.id, &again).await.unwrap();
        }
    };
    let (first, ()) = tokio::join!(rotate::rotate(&db, &sealer), entering);
    let mut last = first.unwrap();
    assert!(last.sealed_anew >= 80, "{last}");
    let (_, work) = lease_scan(&loom).await;
    assert_eq!(password(work.login.as_ref()), Some(SECRET), "the API finds the new key in the file");
    // It looked into the file, so it writes with the new key from here on.
    for _ in 0..3 {
        if last.is_done() {
            break;
        }
        last = rotate::rotate(&db, &sealer).await.unwrap();
    }
    assert_eq!(last.older.iter().map(|(_, left)| *left).collect::<Vec<_>>(), [0], "{last}");
    assert!(last.to_string().contains("may be dropped"), "{last}");
    // The old key is dropped, and every login opens.
    std::fs::write(&loom.keys_file, format!("{new}\n")).unwrap();
    let alone = Sealer::load(&loom.keys_file).unwrap();
    let end = rotate::rotate(&db, &alone).await.unwrap();
    assert_eq!((end.sealed_anew, end.older.len(), end.lost.len()), (0, 0, 0), "{end}");
}
