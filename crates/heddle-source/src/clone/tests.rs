use std::os::unix::fs::symlink;

use super::*;

fn prepared() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), "https").unwrap();
    dir
}

#[test]
fn configuration_on_disk_has_no_say() {
    let dir = prepared();
    fs::write(
        dir.path().join("config"),
        "[core]\n\tsshCommand = id\n[url \"https://elsewhere/\"]\n\tinsteadOf = https://\n",
    )
    .unwrap();

    // As it is read when nothing was rewritten before.
    let repo = options("https").open(dir.path()).unwrap().to_thread_local();
    let remote = repo.remote_at("https://example.org/acme/config").unwrap();
    assert_eq!(remote.url(gix::remote::Direction::Fetch).unwrap().host(), Some("example.org"));
    assert!(matches!(repo.config_snapshot().trusted_program("core.sshCommand"), Ok(None)));

    open(dir.path(), "https").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("config")).unwrap(), CONFIG);
}

#[test]
fn a_clone_speaks_one_protocol() {
    let dir = prepared();
    let repo = open(dir.path(), "https").unwrap().to_thread_local();
    let is_allowed = |url: &str| {
        let remote = repo.remote_at_without_url_rewrite(url).unwrap();
        remote.sanitized_url_and_version(gix::remote::Direction::Fetch).is_ok()
    };
    assert!(is_allowed("https://example.org/a"));
    for url in ["http://example.org/a", "ssh://example.org/a", "git://example.org/a", "file:///"] {
        assert!(!is_allowed(url), "{url}");
    }
}

#[test]
fn only_packs_heads_and_our_own_configuration_stay() {
    let (dir, elsewhere) = (prepared(), tempfile::tempdir().unwrap());
    let at = |path: &str| dir.path().join(path);
    let kept = ["objects/pack/pack-1.pack", "objects/pack/pack-1.idx", "refs/heads/a/b", "shallow"];
    let removed = [
        "packed-refs",
        "commondir",
        "config.worktree",
        "hooks/post-checkout",
        "info/grafts",
        "objects/info/alternates",
        "objects/12/34",
        "objects/pack/multi-pack-index",
        "objects/pack/tmp_1",
        "refs/replace/12",
        "refs/heads/a/b.lock",
        "shallow.lock",
    ];
    for path in kept.iter().chain(&removed) {
        fs::create_dir_all(at(path).parent().unwrap()).unwrap();
        fs::write(at(path), "x").unwrap();
    }
    symlink(elsewhere.path(), at("refs/heads/link")).unwrap();

    prepare(dir.path()).unwrap();

    kept.iter().for_each(|path| assert!(at(path).exists(), "{path}"));
    removed.iter().for_each(|path| assert!(!at(path).exists(), "{path}"));
    assert!(!at("refs/heads/link").exists());
}

#[test]
fn a_link_in_the_place_of_a_folder_is_removed_and_nothing_is_made_behind_it() {
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["objects", "objects/pack", "refs", "refs/heads"] {
        let dir = prepared();
        fs::remove_dir_all(dir.path().join(name)).unwrap();
        symlink(elsewhere.path(), dir.path().join(name)).unwrap();
        prepare(dir.path()).unwrap();
        assert!(dir.path().join(name).symlink_metadata().unwrap().is_dir(), "{name}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
