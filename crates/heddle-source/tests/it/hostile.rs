//! Repositories that were made to do harm, on a host that does not check what is pushed.

use heddle_source::{
    FetchError, Overlay, PathError, ReadError, RenderTools, Rendered, Snapshot, Store, TreePath, Until,
    limits::{MAX_FILE_BYTES, MAX_OBJECT_BYTES, MAX_TREE_DEPTH},
    render,
};

use crate::{git_host::GitHost, rendering::kustomize};

const CONFIG: &[u8] = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

fn at(path: &str) -> TreePath {
    TreePath::parse(path).unwrap()
}

async fn fetch(host: &GitHost, store: &Store) -> Snapshot {
    store.fetch(&host.remote(), &"main".parse().unwrap()).await.unwrap()
}

/// A repository with `staging`, which holds `name`, and a harmless `prod`.
fn commit(host: &GitHost, mode: &str, name: &[u8], id: &str) {
    let config = host.blob(CONFIG);
    let kustomization = host.blob(b"resources: [a.yaml]\n");
    let files: [(&str, &[u8], &str); 2] =
        [("100644", b"a.yaml", &config), ("100644", b"kustomization.yaml", &kustomization)];
    let prod = host.tree(&files);
    let staging = host.tree(&[(mode, name, id), files[0], files[1]]);
    host.commit_tree(&host.tree(&[("40000", b"prod", &prod), ("40000", b"staging", &staging)]));
}

fn rendered(snapshot: &Snapshot, path: &str) -> Rendered {
    render(snapshot, path, &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default())
}

#[tokio::test]
async fn a_tree_with_a_name_that_leads_elsewhere_is_refused_whole_and_no_other_with_it() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("store"));
    let canary = dir.path().join("canary.txt");
    let absolute = canary.as_os_str().as_encoded_bytes();
    let blob = host.blob(b"harm");
    let folder = host.tree(&[("100644", b"canary.txt", &blob)]);
    let names: [&[u8]; 9] =
        [b"..", b".", b".git", b".GIT", b"git~1", b"a/../../b", b"a\\b", absolute, ".g\u{200c}it".as_bytes()];
    for name in names {
        let shown = String::from_utf8_lossy(name);
        for (mode, id) in [("40000", &folder), ("100644", &blob), ("120000", &blob)] {
            commit(&host, mode, name, id);
            let snapshot = fetch(&host, &store).await;

            assert!(matches!(snapshot.files(), Err(ReadError::BadTree { .. })), "{mode} {shown}");
            let staging = rendered(&snapshot, "staging");
            assert_eq!((staging.objects.len(), staging.errors.len()), (0, 1), "{mode} {shown}: {staging:?}");
            let prod = rendered(&snapshot, "prod");
            assert_eq!((prod.objects.len(), prod.errors.len()), (1, 0), "{mode} {shown}: {prod:?}");
        }
    }
    assert!(!canary.exists());
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["store"]);
}

#[tokio::test]
async fn a_name_that_is_no_text_is_told_with_its_directory_and_stops_no_other() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (blob, folder) = (host.blob(CONFIG), host.tree(&[("100644", b"b.yaml", &host.blob(CONFIG))]));
    let entries: [(&str, &str, &[u8], &str); 3] = [
        ("100644", &blob, b"b\r.yaml", r#""b\r.yaml""#),
        ("100644", &blob, b"\xff.yaml", r#".yaml""#),
        ("40000", &folder, b"b\x07", r#""b\u{7}""#),
    ];
    for (mode, id, name, shown) in entries {
        commit(&host, mode, name, id);
        let snapshot = fetch(&host, &Store::open(dir.path())).await;
        assert!(
            matches!(snapshot.files(), Err(ReadError::BadTree { source: PathError::NoText { .. }, .. })),
            "{shown}"
        );
        let staging = rendered(&snapshot, "staging");
        assert_eq!((staging.objects.len(), staging.errors.len()), (1, 1), "{shown}: {staging:?}");
        let error = &staging.errors[0];
        assert_eq!(error.file.as_deref(), Some("staging"));
        assert!(error.message.contains("is no text") && error.message.contains(shown), "{error:?}");
        let prod = rendered(&snapshot, "prod");
        assert_eq!((prod.objects.len(), prod.errors.len()), (1, 0), "{shown}: {prod:?}");
    }
    // What desktops leave behind is no manifest.
    commit(&host, "100644", b"Icon\r", &blob);
    let snapshot = fetch(&host, &Store::open(dir.path())).await;
    assert_eq!(rendered(&snapshot, "staging").errors, []);
    let files = snapshot.files().unwrap();
    assert!(files.iter().all(|file| !file.path.contains("Icon")), "{files:?}");
}

#[tokio::test]
async fn a_link_is_not_followed_in_the_place_of_a_kustomization() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let (link, config) = (host.blob(b"/etc/passwd"), host.blob(CONFIG));
    let staging = host.tree(&[("100644", b"a.yaml", &config), ("120000", b"kustomization.yaml", &link)]);
    host.commit_tree(&host.tree(&[("40000", b"staging", &staging)]));

    let rendered = rendered(&fetch(&host, &Store::open(dir.path())).await, "staging");
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1));
    assert!(rendered.errors[0].message.contains("symbolic link"), "{:?}", rendered.errors);
}

#[tokio::test]
async fn a_configuration_that_was_put_into_the_clone_leads_nowhere() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    commit(&host, "100644", b"x", &host.blob(b"x"));
    drop(fetch(&host, &Store::open(dir.path())).await);
    let clone = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path().join("0");
    let poison =
        format!("[url \"https://localhost:1/\"]\n\tinsteadOf = {}\n[http]\n\tproxy = http://localhost:1\n", host.url);
    std::fs::write(clone.join("config"), poison).unwrap();
    std::fs::create_dir_all(clone.join("objects/info")).unwrap();
    std::fs::write(clone.join("objects/info/alternates"), "/elsewhere/objects\n").unwrap();

    commit(&host, "100644", b"y", &host.blob(b"y"));
    let snapshot = fetch(&host, &Store::open(dir.path())).await;

    assert_eq!(snapshot.read(&at("staging/y")).unwrap(), b"y");
    assert!(!std::fs::read_to_string(clone.join("config")).unwrap().contains("insteadOf"));
    assert!(!clone.join("objects/info").exists());
}

/// The most memory that this process has ever had, in MiB; with that of the other tests beside it.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

/// A tree whose every level holds ten times the one below: a push of a kilobyte, and `10^levels` files.
fn bomb(host: &GitHost, levels: usize) -> String {
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let blob = host.blob(CONFIG);
    (0..levels).fold(blob, |below, level| {
        let mode = if level == 0 { "100644" } else { "40000" };
        let entries: Vec<_> = names.iter().map(|name| (mode, name.as_bytes(), below.as_str())).collect();
        host.tree(&entries)
    })
}

#[tokio::test]
async fn a_bomb_of_trees_is_not_unpacked_and_what_lies_beside_it_is_rendered() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    commit(&host, "40000", b"bomb", &bomb(&host, 9));
    let snapshot = fetch(&host, &Store::open(dir.path())).await;

    assert!(matches!(snapshot.files(), Err(ReadError::TooManyEntries { .. })));
    let staging = rendered(&snapshot, "staging");
    assert_eq!((staging.objects.len(), staging.errors.len()), (0, 1));
    assert!(staging.errors[0].message.contains("100000"), "{:?}", staging.errors);
    assert_eq!(rendered(&snapshot, "prod").errors, []);
    assert!(peak_mebibytes() < 256, "{} MiB", peak_mebibytes());
}

#[tokio::test]
async fn a_tree_that_is_too_deep_is_refused() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let deep = (0..MAX_TREE_DEPTH)
        .fold(host.tree(&[("100644", b"a", &host.blob(b"x"))]), |below, _| host.tree(&[("40000", b"d", &below)]));
    commit(&host, "40000", b"deep", &deep);
    let snapshot = fetch(&host, &Store::open(dir.path())).await;
    assert!(matches!(snapshot.files(), Err(ReadError::BadTree { source: PathError::TooDeep { .. }, .. })));
}

#[tokio::test]
async fn an_object_that_is_too_large_ends_the_fetch_and_costs_no_memory() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let size = usize::try_from(MAX_OBJECT_BYTES).unwrap();
    commit(&host, "100644", b"zeros", &host.blob(&vec![0; size + 1]));
    let refused = Store::open(dir.path()).fetch(&host.remote(), &"main".parse().unwrap()).await;
    assert!(matches!(refused, Err(FetchError::ObjectTooLarge { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_read_and_stops_no_other() {
    let host = GitHost::start().await;
    let dir = tempfile::tempdir().unwrap();
    let size = usize::try_from(MAX_FILE_BYTES).unwrap();
    commit(&host, "100644", b"z.yaml", &host.blob(&vec![b'#'; size + 1]));
    let snapshot = fetch(&host, &Store::open(dir.path())).await;
    assert!(matches!(snapshot.read(&at("staging/z.yaml")), Err(ReadError::FileTooLarge { .. })));
    // Below a kustomization it may be no manifest at all.
    let staging = rendered(&snapshot, "staging");
    assert_eq!((staging.objects.len(), staging.errors.len(), staging.notes.len()), (1, 0, 1));
}

#[tokio::test]
async fn a_redirect_is_followed_within_its_host_and_gets_no_login_elsewhere() {
    let (host, other) = (GitHost::start().await, GitHost::start().await);
    let dir = tempfile::tempdir().unwrap();
    commit(&host, "100644", b"x", &host.blob(b"x"));
    let store = Store::open(dir.path());
    let mut remote = host.remote();
    remote.url.set_path("/renamed");

    host.redirect("/renamed", host.url.as_str());
    store.fetch(&remote, &"main".parse().unwrap()).await.unwrap();

    let both = [host.remote().ca_pem.unwrap(), other.remote().ca_pem.unwrap()].concat();
    remote.ca_pem = Some(both);
    host.redirect("/renamed", other.url.as_str());
    let refused = store.fetch(&remote, &"main".parse().unwrap()).await;
    assert!(matches!(&refused, Err(FetchError::Redirected { .. })), "{refused:?}");
    assert_eq!(other.logins(), 0);
}
