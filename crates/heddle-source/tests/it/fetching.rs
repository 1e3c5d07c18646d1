use axum::http::StatusCode;
use heddle_core::git::BranchName;
use heddle_source::{Credential, FetchError, FileMode, ReadError, Remote, Snapshot, Store, TreePath};

use crate::git_host::{GitHost, PASSWORD};

fn at(path: &str) -> TreePath {
    TreePath::parse(path).unwrap()
}

fn main_branch() -> BranchName {
    "main".parse().unwrap()
}

struct Setup {
    host: GitHost,
    store: Store,
    dir: tempfile::TempDir,
}

impl Setup {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { host: GitHost::start().await, store: Store::open(dir.path()), dir }
    }

    async fn fetch(&self) -> Result<Snapshot, FetchError> {
        self.store.fetch(&self.host.remote(), &main_branch()).await
    }

    async fn fetch_as(&self, change: impl FnOnce(&mut Remote)) -> FetchError {
        let mut remote = self.host.remote();
        change(&mut remote);
        self.store.fetch(&remote, &main_branch()).await.unwrap_err()
    }
}

#[tokio::test]
async fn a_snapshot_holds_the_files_of_the_head() {
    let setup = Setup::new().await;
    std::os::unix::fs::symlink("a.yaml", setup.host.work_tree().join("link")).unwrap();
    let head = setup.host.commit(&[("a.yaml", Some("a: 1\n")), ("deep/er/b.yaml", Some("b: 2\n"))]);

    let snapshot = setup.fetch().await.unwrap();

    assert_eq!(snapshot.revision.as_str(), head);
    let files = snapshot.files().unwrap();
    let paths: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.mode)).collect();
    assert_eq!(
        paths,
        [("a.yaml", FileMode::Regular), ("deep/er/b.yaml", FileMode::Regular), ("link", FileMode::Symlink)]
    );
    assert_eq!(snapshot.read(&at("deep/er/b.yaml")).unwrap(), b"b: 2\n");
    assert_eq!(snapshot.read(&at("link")).unwrap(), b"a.yaml");
    assert!(matches!(snapshot.read(&at("no.yaml")), Err(ReadError::Missing { .. })));
    assert!(matches!(snapshot.read(&at("deep")), Err(ReadError::NotAFile { .. })));
    assert_eq!(snapshot.tree_id(&at("deep/er")).unwrap(), setup.host.git(&["rev-parse", "HEAD:deep/er"]));
    assert_eq!(snapshot.tree_id(&at("nowhere")), None);
}

#[tokio::test]
async fn a_known_head_costs_no_pack_and_a_new_one_costs_one() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    let first = setup.fetch().await.unwrap();
    setup.fetch().await.unwrap();
    assert_eq!(setup.host.packs_sent(), 1);

    let head = setup.host.commit(&[("a.yaml", Some("a: 2\n")), ("b.yaml", Some("b: 1\n"))]);
    let second = setup.fetch().await.unwrap();

    assert_eq!(setup.host.packs_sent(), 2);
    assert_eq!(second.revision.as_str(), head);
    assert_eq!(second.read(&at("a.yaml")).unwrap(), b"a: 2\n");
    assert_eq!(first.read(&at("a.yaml")).unwrap(), b"a: 1\n");
}

#[tokio::test]
async fn a_fetch_answers_all_who_asked_before_it_began_by_the_same_login() {
    let setup = Setup::new().await;
    let head = setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);

    let all = tokio::join!(setup.fetch(), setup.fetch(), setup.fetch(), setup.fetch(), setup.fetch());

    let all = <[_; 5]>::from(all);
    assert!(all.into_iter().all(|snapshot| snapshot.unwrap().revision.as_str() == head));
    // The first may have begun before the others asked.
    assert!(setup.host.conversations() <= 2, "{}", setup.host.conversations());
    let before = setup.host.conversations();
    let wrong = |remote: &mut Remote| {
        remote.credential = Some(Credential { username: "x-access-token".into(), password: "wrong".into() });
    };
    let (right, wrong, nobody) =
        tokio::join!(setup.fetch(), setup.fetch_as(wrong), setup.fetch_as(|remote| remote.credential = None));
    assert_eq!(right.unwrap().revision.as_str(), head);
    for refused in [wrong, nobody] {
        assert!(refused.is_about_credentials(), "{refused:?}");
    }
    assert!(setup.host.conversations() >= before + 3, "each of them asks by itself");
}

#[tokio::test]
async fn a_public_repository_is_read_also_by_who_brings_a_login_that_has_ended() {
    let setup = Setup::new().await;
    let head = setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    let credential = Some(Credential { username: "x-access-token".into(), password: "ended".into() });
    let remote = Remote { credential, ..setup.host.remote() };

    let refused = setup.store.fetch(&remote, &main_branch()).await.unwrap_err();
    assert!(refused.is_about_credentials(), "{refused:?}");
    assert_eq!(setup.host.logins(), 1, "hosts count the logins that they refuse");
    setup.host.make_public();
    assert_eq!(setup.store.fetch(&remote, &main_branch()).await.unwrap().revision.as_str(), head);
}

#[tokio::test]
async fn a_rewritten_branch_is_followed() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    setup.host.commit(&[("a.yaml", Some("a: 2\n"))]);
    setup.fetch().await.unwrap();
    setup.host.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    setup.host.git(&["push", "--quiet", "--force", "origin", "main"]);

    assert_eq!(setup.fetch().await.unwrap().read(&at("a.yaml")).unwrap(), b"a: 1\n");
}

#[tokio::test]
async fn a_restarted_process_uses_the_clone_it_finds_and_mends_a_broken_one() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    drop(setup.fetch().await.unwrap());
    let again = Store::open(setup.dir.path());
    again.fetch(&setup.host.remote(), &main_branch()).await.unwrap();
    assert_eq!(setup.host.packs_sent(), 1);

    let clone = std::fs::read_dir(setup.dir.path()).unwrap().next().unwrap().unwrap().path().join("0");
    for pack in std::fs::read_dir(clone.join("objects/pack")).unwrap() {
        std::fs::write(pack.unwrap().path(), "rubbish").unwrap();
    }
    let mended = Store::open(setup.dir.path()).fetch(&setup.host.remote(), &main_branch()).await.unwrap();

    assert_eq!(mended.read(&at("a.yaml")).unwrap(), b"a: 1\n");
    assert!(!clone.exists());
}

#[tokio::test]
async fn the_last_head_is_read_without_the_host() {
    let setup = Setup::new().await;
    let remote = setup.host.remote();
    assert!(setup.store.last(&remote, &main_branch()).await.is_none());
    let head = setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    setup.fetch().await.unwrap();
    setup.host.fail_with(Some(StatusCode::SERVICE_UNAVAILABLE));

    let again = Store::open(setup.dir.path());
    again.fetch(&remote, &main_branch()).await.unwrap_err();
    let last = again.last(&remote, &main_branch()).await.unwrap();
    assert_eq!(last.revision.as_str(), head);
    assert_eq!(last.read(&at("a.yaml")).unwrap(), b"a: 1\n");
    assert!(again.last(&remote, &"other".parse().unwrap()).await.is_none());
}

#[tokio::test]
async fn a_clone_with_many_packs_is_made_anew_and_old_snapshots_stay_readable() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    let old = setup.fetch().await.unwrap();
    let clone = std::fs::read_dir(setup.dir.path()).unwrap().next().unwrap().unwrap().path();
    for number in 0..50 {
        std::fs::write(clone.join(format!("0/objects/pack/pack-{number}.pack")), "").unwrap();
    }

    setup.fetch().await.unwrap();

    assert!(clone.join("1").exists());
    assert_eq!(old.read(&at("a.yaml")).unwrap(), b"a: 1\n");
    drop(old);
    assert!(!clone.join("0").exists());
}

#[tokio::test]
async fn each_fault_has_its_own_error_and_none_shows_the_password() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    let missing = setup.store.fetch(&setup.host.remote(), &"no-such".parse().unwrap()).await.unwrap_err();
    assert!(matches!(missing, FetchError::BranchMissing { .. }), "{missing}");

    let anonymous = setup.fetch_as(|remote| remote.credential = None).await;
    assert!(matches!(anonymous, FetchError::Unauthorized), "{anonymous}");
    let password = format!("{PASSWORD}-old");
    let wrong = setup
        .fetch_as(|remote| remote.credential = Some(Credential { username: "x".into(), password: password.into() }))
        .await;
    assert!(matches!(wrong, FetchError::Unauthorized), "{wrong}");
    let untrusted = setup.fetch_as(|remote| remote.ca_pem = None).await;
    assert!(matches!(untrusted, FetchError::Unreachable { .. }), "{untrusted}");
    let unknown = setup.fetch_as(|remote| remote.url.set_path("/acme/other")).await;
    assert!(matches!(unknown, FetchError::NotFound), "{unknown}");
    let closed = setup.fetch_as(|remote| remote.url.set_port(Some(1)).unwrap()).await;
    assert!(matches!(closed, FetchError::Unreachable { .. }), "{closed}");

    for error in [missing, anonymous, wrong, untrusted, unknown, closed] {
        assert!(!format!("{error} {error:?}").contains(PASSWORD), "{error:?}");
    }
}

#[tokio::test]
async fn faults_of_the_host_are_told_apart() {
    let setup = Setup::new().await;
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    setup.host.fail_with(Some(StatusCode::FORBIDDEN));
    assert!(matches!(setup.fetch().await, Err(FetchError::Forbidden)));
    setup.host.fail_with(Some(StatusCode::BAD_GATEWAY));
    assert!(matches!(setup.fetch().await, Err(FetchError::Unreachable { .. })));
    setup.host.fail_with(None);
    setup.fetch().await.unwrap();
}

#[tokio::test]
async fn addresses_that_would_leak_are_refused_before_anything_is_sent() {
    let setup = Setup::new().await;
    for address in ["https://u:p@localhost/acme/config", "http://example.org/acme/config", "file:///etc"] {
        let refused = setup.fetch_as(|remote| remote.url = address.parse().unwrap()).await;
        assert!(matches!(refused, FetchError::Address { .. }), "{refused}");
    }
}

/// The directories of the clones, by name.
fn clones(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

#[tokio::test]
async fn clones_that_nobody_names_are_removed_and_one_in_use_stays() {
    let (setup, other) = (Setup::new().await, GitHost::start().await);
    setup.host.commit(&[("a.yaml", Some("a: 1\n"))]);
    other.commit(&[("b.yaml", Some("b: 1\n"))]);
    let read = setup.fetch().await.unwrap();
    setup.store.fetch(&other.remote(), &main_branch()).await.unwrap();
    let url = |host: &GitHost| host.remote().url;

    setup.store.keep_only([&url(&other)]).unwrap();
    assert_eq!(clones(setup.dir.path()).len(), 2, "a snapshot reads from the first");
    assert_eq!(read.read(&at("a.yaml")).unwrap(), b"a: 1\n");
    drop(read);
    setup.store.keep_only([&url(&other)]).unwrap();
    assert_eq!(clones(setup.dir.path()).len(), 1);

    assert_eq!(setup.fetch().await.unwrap().read(&at("a.yaml")).unwrap(), b"a: 1\n");
    // Another process knows no clone by its address, and may remove all that it finds.
    Store::open(setup.dir.path()).keep_only([&url(&setup.host)]).unwrap();
    assert_eq!(clones(setup.dir.path()).len(), 1);
    Store::open(setup.dir.path()).keep_only([]).unwrap();
    assert_eq!(clones(setup.dir.path()).len(), 0);
    Store::open(setup.dir.path().join("nowhere")).keep_only([]).unwrap();
}

#[tokio::test]
async fn beyond_its_bound_a_store_forgets_what_was_longest_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).holding(600_000);
    let hosts = [GitHost::start().await, GitHost::start().await, GitHost::start().await];
    for host in &hosts {
        let noise: String =
            (0..100_000_u64).map(|number| format!("{:x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        host.commit(&[("noise.txt", Some(&noise[..500_000]))]);
    }
    let fetch = async |host: &GitHost| store.fetch(&host.remote(), &main_branch()).await.unwrap();
    fetch(&hosts[0]).await;
    let first = clones(dir.path());
    fetch(&hosts[1]).await;
    fetch(&hosts[0]).await;
    assert_eq!(clones(dir.path()).len(), 2);
    fetch(&hosts[2]).await;
    let left = clones(dir.path());
    assert!(left.len() == 2 && left.contains(&first[0]), "{left:?}");
    // In use, a clone stays whatever the bound.
    let read = [fetch(&hosts[0]).await, fetch(&hosts[1]).await, fetch(&hosts[2]).await];
    assert_eq!(clones(dir.path()).len(), 3);
    drop(read);
}
