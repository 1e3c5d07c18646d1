//! Charts of repositories elsewhere, which the real `helm` has made, pushed and carries out.

use std::{fmt::Write, path::Path, process::Command, sync::Arc, time::Duration};

use axum::http::StatusCode;
use heddle_egress::Egress;
use heddle_source::{
    Bases, Credential, Fetcher, Folder, Hosts, Known, Login, Overlay, Pinned, RenderTools, Rendered, Resolved, Rules,
    Until, WithBases, gather, render,
};
use heddle_testkit::registry::{Door, PASSWORD, Registry, TokenServer, USER};

use crate::{
    charts::{CHART, charts, repository, told},
    git_host::GitHost,
    rendering::tool,
};

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-{{ .Chart.Name }}}\ndata: {text: \
    '{{ .Values.text }}', version: {{ .Chart.Version | quote }}}\n";

/// A host of charts on a loopback address that is open, and a folder of what is kept of it.
struct Setup {
    host: GitHost,
    dir: tempfile::TempDir,
}

impl Setup {
    async fn start() -> Self {
        Self { host: GitHost::start().await, dir: tempfile::tempdir().unwrap() }
    }

    fn authority(&self) -> String {
        format!("localhost:{}", self.host.url.port().unwrap())
    }

    fn repository(&self) -> String {
        format!("https://{}/acme/charts", self.authority())
    }

    /// A program that has just been started.
    fn fetcher(&self) -> Fetcher {
        let egress = Egress::new(&[self.authority()], Some(&self.host.ca_pem)).unwrap();
        Fetcher::open(&self.dir.path().join("kept"), egress, Some(self.host.ca_pem.clone()))
    }

    fn rules(&self, pinned: Pinned) -> Rules {
        let hosts = Hosts::parse(&[format!("{}/acme/", self.authority())]).unwrap();
        Rules { hosts, pinned, logins: Vec::new(), owner: "sync".to_owned() }
    }

    /// Makes a package of a chart, and the index anew; gives the digest of the package.
    fn publish(&self, name: &str, version: &str, text: &str) -> String {
        let file = package(&self.dir.path().join("published"), name, version, text);
        let bytes = std::fs::read(&file).unwrap();
        let place = format!("/acme/charts/{}", file.file_name().unwrap().to_str().unwrap());
        self.host.serve_file(&place, bytes.clone());
        helm(&self.dir.path().join("published"), &["repo", "index", "."]);
        self.serve_index(&self.index());
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes))
    }

    fn index(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("published/index.yaml")).unwrap()
    }

    fn serve_index(&self, text: &str) {
        self.host.serve_file("/acme/charts/index.yaml", text);
    }
}

fn helm(dir: &Path, arguments: &[&str]) {
    let output = Command::new(tool("helm")).args(arguments).current_dir(dir).env("HOME", dir).output().unwrap();
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The package that helm makes of a chart in a folder.
fn package(dir: &Path, name: &str, version: &str, text: &str) -> std::path::PathBuf {
    let chart = CHART.replace("name: web", &format!("name: {name}")).replace("0.1.0", version);
    let values = format!("text: {text}\n");
    for (file, text) in [("Chart.yaml", &*chart), ("values.yaml", &*values), ("templates/c.yaml", TEMPLATE)] {
        let file = dir.join(name).join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    helm(dir, &["package", name]);
    dir.join(format!("{name}-{version}.tgz"))
}

async fn look(dir: &Path, fetcher: &Fetcher, rules: &Rules, known: &Known) -> (Rendered, Vec<Resolved>, Bases) {
    let folder = Arc::new(Folder::open(&dir.join("app")).unwrap());
    let overlay = Overlay { charts: charts(None), ..Overlay::default() };
    let (bases, resolved) = gather(fetcher, rules, known, (Arc::clone(&folder), "app", &overlay)).await;
    let tools = RenderTools::new(tool("kustomize"), tool("helm"));
    let tree = WithBases::new(&*folder, &bases);
    (render(&tree, "app", &overlay, &tools, &Until::default()), resolved, bases)
}

fn known(resolved: &[Resolved], approved: &[&str]) -> Known {
    Known { resolved: resolved.to_vec(), approved: approved.iter().map(|id| (*id).to_owned()).collect() }
}

/// Each object by its name, with its text and the version of its chart.
fn made(rendered: &Rendered) -> Vec<String> {
    assert_eq!(told(rendered), Vec::<String>::new());
    let one = |value: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        [&value["metadata"]["name"], &value["data"]["text"], &value["data"]["version"]].map(text).join(" ")
    };
    rendered.objects.iter().map(|object| one(&object.value)).collect()
}

fn entry(repository: &str, version: &str) -> String {
    format!("helmCharts:\n- name: web\n  repo: {repository}\n  version: '{version}'\n  releaseName: one\n")
}

#[tokio::test]
async fn a_chart_of_an_index_is_rendered_as_one_of_the_repository_and_is_there_while_its_host_is_away() {
    let setup = Setup::start().await;
    let digest = setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let rules = setup.rules(Pinned::Required);
    let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
    assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
    let place = setup.authority().replace(':', "_");
    let file = format!(".remote/{place}/acme/charts/web-0.1.0@{digest}/templates/c.yaml");
    assert_eq!(rendered.objects[0].file.as_deref(), Some(&*file));
    let [one] = &resolved[..] else { panic!("{resolved:?}") };
    assert_eq!(one.address, format!("web 0.1.0 of {}", setup.repository()));
    assert_eq!((one.version.as_deref(), &one.id, one.is_branch), (Some("0.1.0"), &digest, false));

    setup.host.fail_with(Some(StatusCode::BAD_GATEWAY));
    let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
    assert!(resolved[0].away.as_deref().unwrap().contains("502"), "{resolved:?}");
    let (rendered, _, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
    assert!(
        told(&rendered)[0].contains("cannot be fetched: its repository cannot be reached: it answered 502"),
        "{rendered:?}"
    );
}

#[tokio::test]
async fn another_package_under_the_same_version_waits_until_its_digest_is_approved() {
    let setup = Setup::start().await;
    let first = setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let rules = setup.rules(Pinned::Required);
    let (_, before, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
    let second = setup.publish("web", "0.1.0", "second");
    // What the index does not say is not known before the package is there.
    for index in [setup.index(), setup.index().replace("digest:", "other:")] {
        setup.serve_index(&index);
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&before, &[])).await;
        assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
        if index.contains("digest:") {
            assert_eq!((&resolved[0].id, resolved[0].moved_to.as_ref()), (&first, Some(&second)));
        }
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&before, &[&second])).await;
        assert_eq!(made(&rendered), ["one-web second 0.1.0"]);
        assert_eq!((&resolved[0].id, &resolved[0].moved_to), (&second, &None));
    }

    // A new volume has no package of before, and the one that there is now is not taken for it.
    std::fs::remove_dir_all(setup.dir.path().join("kept")).unwrap();
    for index in [setup.index(), setup.index().replace("digest:", "other:")] {
        setup.serve_index(&index);
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&before, &[])).await;
        let told = told(&rendered);
        assert!(told[0].contains(&first) && told[0].contains(&second), "{told:?}");
        assert_eq!((&resolved[0].id, resolved[0].moved_to.as_ref()), (&first, Some(&second)));
        std::fs::remove_dir_all(setup.dir.path().join("kept")).ok();
    }
    // It is not fetched at each look only to be told.
    let fetcher = setup.fetcher();
    let told = async || look(dir.path(), &fetcher, &rules, &known(&before, &[])).await.1[0].moved_to.clone();
    assert_eq!(told().await.as_ref(), Some(&second));
    let sent = setup.host.files_sent();
    assert_eq!(told().await.as_ref(), Some(&second));
    assert_eq!(setup.host.files_sent(), sent);
}

#[tokio::test]
async fn what_all_may_have_is_fetched_once_and_what_took_leave_is_kept_for_its_sync_alone() {
    let setup = Setup::start().await;
    setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let login =
        |prefix: &str| Login::new(prefix, Credential { username: USER.to_owned(), password: PASSWORD.into() }).unwrap();
    let rules =
        |owner: &str, logins: Vec<Login>| Rules { logins, owner: owner.to_owned(), ..setup.rules(Pinned::Required) };
    let fetcher = setup.fetcher();
    let (one, other) = (rules("one", Vec::new()), rules("other", vec![login("ghcr.io/acme")]));
    let none = Known::default();
    let (one, other) = tokio::join!(look(dir.path(), &fetcher, &one, &none), look(dir.path(), &fetcher, &other, &none));
    for (rendered, ..) in [&one, &other] {
        assert_eq!(made(rendered), ["one-web first 0.1.0"]);
    }
    assert_eq!(setup.host.files_sent(), 2, "the index and the package, each once");
    assert_eq!(setup.host.logins(), 0);
    // A login makes nothing of what is kept unknown, and what it opened is not there without it.
    let packages = || -> Vec<_> {
        let entries = std::fs::read_dir(setup.dir.path().join("kept/charts/packages")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let look_as = async |rules: Rules| look(dir.path(), &setup.fetcher(), &rules, &known(&one.1, &[])).await.0;
    let away = || setup.host.fail_with(Some(StatusCode::BAD_GATEWAY));
    away();
    assert_eq!(made(&look_as(rules("one", vec![login(&setup.authority())])).await), ["one-web first 0.1.0"]);
    setup.host.fail_with(None);
    let of_all = packages();
    assert_eq!(of_all.len(), 1);
    std::fs::remove_file(&of_all[0]).unwrap();
    let mine = rules("third", vec![login(&setup.authority())]);
    assert_eq!(made(&look_as(mine.clone()).await), ["one-web first 0.1.0"]);
    assert!(setup.host.logins() > 0);
    away();
    assert_eq!(made(&look_as(mine).await), ["one-web first 0.1.0"]);
    for stranger in [rules("third", Vec::new()), rules("fourth", vec![login(&setup.authority())])] {
        assert!(told(&look_as(stranger).await)[0].contains("is not kept here any more"));
    }
    setup.host.fail_with(None);

    // An index leads to what the operator has listed, which one Sync names and the other does not.
    let elsewhere = GitHost::start().await;
    let open = [setup.authority(), format!("localhost:{}", elsewhere.url.port().unwrap())];
    let authorities = [&setup.host.ca_pem[..], &elsewhere.ca_pem].concat();
    let led = format!("- https://{}/web.tgz", open[1]);
    setup.serve_index(&setup.index().replace("- web-0.1.0.tgz", &led));
    elsewhere.serve_file("/web.tgz", std::fs::read(setup.dir.path().join("published/web-0.1.0.tgz")).unwrap());
    let kept = tempfile::tempdir().unwrap();
    let fetcher = Fetcher::open(kept.path(), Egress::new(&open, Some(&authorities)).unwrap(), None);
    let names_both = Rules { hosts: Hosts::parse(&open).unwrap(), ..rules("one", Vec::new()) };
    for _ in 0..2 {
        let (rendered, _, _) = look(dir.path(), &fetcher, &names_both, &Known::default()).await;
        assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
        let (rendered, _, _) = look(dir.path(), &fetcher, &rules("other", Vec::new()), &Known::default()).await;
        assert!(told(&rendered)[0].contains("which `spec.remote.hosts` has to name too"), "{rendered:?}");
    }
    assert_eq!(elsewhere.files_sent(), 1);
}

#[tokio::test]
async fn a_package_in_use_is_not_what_goes_first() {
    let setup = Setup::start().await;
    setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let (fetcher, rules) = (setup.fetcher(), setup.rules(Pinned::Required));
    let (_, resolved, _in_use) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    let packages = std::fs::read_dir(setup.dir.path().join("kept/charts/packages")).unwrap();
    let packages: Vec<_> = packages.map(|entry| std::fs::File::open(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(packages.len(), 1);
    packages[0].set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    look(dir.path(), &fetcher, &rules, &known(&resolved, &[])).await;
    assert_ne!(packages[0].metadata().unwrap().modified().unwrap(), std::time::SystemTime::UNIX_EPOCH);
}

#[tokio::test]
async fn another_build_of_the_version_that_is_named_is_asked_about_as_another_package() {
    let setup = Setup::start().await;
    let first = setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let rules = setup.rules(Pinned::Required);
    let (_, before, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;

    // The version itself is withdrawn, and one is there that Helm takes for it.
    std::fs::remove_file(setup.dir.path().join("published/web-0.1.0.tgz")).unwrap();
    let second = setup.publish("web", "0.1.0+x", "second");
    let version_is_lost = before.iter().map(|one| Resolved { version: None, ..one.clone() }).collect();
    for before in [before, version_is_lost] {
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&before, &[])).await;
        assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
        assert_eq!((&resolved[0].id, resolved[0].moved_to.as_ref()), (&first, Some(&second)));
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &known(&before, &[&second])).await;
        assert_eq!(made(&rendered), ["one-web second 0.1.0+x"]);
        assert_eq!((&resolved[0].id, resolved[0].version.as_deref()), (&second, Some("0.1.0+x")));
    }
}

#[tokio::test]
async fn what_is_kept_goes_on_while_its_host_is_silent_and_that_one_is_waited_for_once() {
    let setup = Setup::start().await;
    let mut text = "helmCharts:\n".to_owned();
    for name in ["cache", "db", "web"] {
        setup.publish(name, "0.1.0", "first");
        let repository = setup.repository();
        writeln!(text, "- {{name: {name}, repo: '{repository}', version: 0.1.0, releaseName: one}}").unwrap();
    }
    let file = setup.host.serve_file("/acme/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: file}\n");
    writeln!(text, "resources: ['{file}']").unwrap();
    let dir = repository(&[("app/kustomization.yaml", &text)]);
    let rules = setup.rules(Pinned::Resolve);
    let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
    assert_eq!(made(&rendered).len(), 4);

    setup.host.fall_silent();
    let fetcher = setup.fetcher();
    // Time passes while nothing else does.
    tokio::time::pause();
    let (rendered, resolved, _) = look(dir.path(), &fetcher, &rules, &known(&resolved, &[])).await;
    assert_eq!(made(&rendered).len(), 4);
    assert_eq!(resolved.len(), 4);
    assert!(resolved.iter().all(|one| one.away.is_some()), "{resolved:?}");
    assert!(setup.host.asked_in_vain() <= 1, "it is asked nothing more once it was waited for");
}

#[tokio::test]
async fn a_range_is_followed_where_that_is_asked_for_and_an_index_that_did_not_change_is_not_sent_again() {
    let setup = Setup::start().await;
    setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "^0.1"))]);
    let (fetcher, rules) = (setup.fetcher(), setup.rules(Pinned::Resolve));
    let (rendered, _, _) = look(dir.path(), &fetcher, &setup.rules(Pinned::Required), &Known::default()).await;
    assert!(told(&rendered)[0].contains("names no single version"), "{rendered:?}");
    let (rendered, resolved, bases) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    assert_eq!(made(&rendered), ["one-web first 0.1.0"]);
    assert!(resolved[0].is_branch && !bases.are_settled());
    let sent = setup.host.files_sent();

    let pass = async || {
        tokio::time::pause();
        tokio::time::advance(heddle_source::limits::INDEX_FRESH + Duration::from_secs(1)).await;
        tokio::time::resume();
    };
    pass().await;
    let (_, resolved, same) = look(dir.path(), &fetcher, &rules, &known(&resolved, &[])).await;
    assert_eq!(setup.host.files_sent(), sent, "neither the index nor the package is sent again");
    assert!(same.are_the_same_as(&bases));
    setup.publish("web", "0.1.7", "second");
    let (rendered, _, _) = look(dir.path(), &fetcher, &rules, &known(&resolved, &[])).await;
    assert_eq!(made(&rendered), ["one-web first 0.1.0"], "what was just asked is taken for what is");
    pass().await;
    let (rendered, resolved, _) = look(dir.path(), &fetcher, &rules, &known(&resolved, &[])).await;
    assert_eq!(made(&rendered), ["one-web second 0.1.7"]);
    assert_eq!((resolved[0].version.as_deref(), &resolved[0].moved_to), (Some("0.1.7"), &None));
}

#[tokio::test]
async fn what_a_chart_depends_on_is_fetched_by_the_version_of_its_lock() {
    let setup = Setup::start().await;
    setup.publish("db", "1.0.0", "old");
    setup.publish("db", "1.2.0", "new");
    let chart = format!(
        "{CHART}dependencies:\n- {{name: db, version: ^1, repository: {0}}}\n- {{name: db, version: 1.2.0, repository: {0}, alias: \
         other}}\n",
        setup.repository()
    );
    let lock = |version: &str| {
        format!(
            "dependencies:\n- {{name: db, repository: {0}, version: {version}}}\n- {{name: db, repository: {0}, version: 1.2.0}}\n",
            setup.repository()
        )
    };
    let dir = repository(&[("app/Chart.yaml", &chart), ("app/values.yaml", "other: {text: mine}\n")]);
    let (fetcher, rules) = (setup.fetcher(), setup.rules(Pinned::Required));
    let (rendered, _, _) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    let said = told(&rendered);
    assert!(said[0].starts_with("app/Chart.yaml:5: its dependency `db ^1 of "), "{said:?}");
    assert!(said[0].contains("names no single version"), "{said:?}");

    std::fs::write(dir.path().join("app/Chart.lock"), lock("1.0.0")).unwrap();
    let (rendered, resolved, _) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    assert_eq!(made(&rendered), ["shop-db old 1.0.0", "shop-other mine 1.2.0"]);
    assert_eq!(resolved.len(), 2);

    // In the other order of both: the lock pairs them by their place, though 1.0.0 would fit `^1` too.
    let turned = chart.replace("version: ^1,", "version: 1.0.0,").replace("version: 1.2.0,", "version: ^1,");
    std::fs::write(dir.path().join("app/Chart.yaml"), turned).unwrap();
    let (rendered, _, _) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    assert_eq!(made(&rendered), ["shop-db old 1.0.0", "shop-other mine 1.2.0"]);

    std::fs::write(dir.path().join("app/Chart.yaml"), chart.replace("1.2.0", "3.0.0")).unwrap();
    let (rendered, _, _) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    let said = told(&rendered);
    assert!(said.len() == 1 && said[0].starts_with("app/Chart.yaml:6: its dependency `db 3.0.0 of "), "{said:?}");
    assert!(said[0].contains("`helm dependency update`"), "{said:?}");
}

#[tokio::test]
async fn a_package_of_a_chart_whose_name_begins_alike_is_not_the_one_that_is_wanted() {
    let setup = Setup::start().await;
    setup.publish("db", "1.0.0", "first");
    let chart = format!("{CHART}dependencies:\n- {{name: db, version: 1.0.0, repository: {}}}\n", setup.repository());
    let dir = repository(&[("app/Chart.yaml", &chart)]);
    let other = package(&setup.dir.path().join("other"), "db-2fa", "1.0.0", "other");
    std::fs::create_dir_all(dir.path().join("app/charts")).unwrap();
    std::fs::copy(&other, dir.path().join("app/charts/db-2fa-1.0.0.tgz")).unwrap();
    let (rendered, resolved, _) =
        look(dir.path(), &setup.fetcher(), &setup.rules(Pinned::Required), &Known::default()).await;
    assert!(made(&rendered).contains(&"shop-db first 1.0.0".to_owned()), "{:?}", rendered.objects);
    assert_eq!(resolved.len(), 1);
}

#[tokio::test]
async fn nothing_is_fetched_but_from_below_the_prefixes_and_no_package_is_another_than_its_index_says() {
    let setup = Setup::start().await;
    let digest = setup.publish("web", "0.1.0", "first");
    let dir = repository(&[("app/kustomization.yaml", &entry(&setup.repository(), "0.1.0"))]);
    let rules = setup.rules(Pinned::Required);
    for hosts in [Vec::new(), vec![format!("{}/acme/other", setup.authority())]] {
        let rules = Rules { hosts: Hosts::parse(&hosts).unwrap(), ..rules.clone() };
        let (rendered, resolved, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
        assert!(told(&rendered)[0].contains("below no prefix of `spec.remote.hosts`"), "{rendered:?}");
        assert_eq!(resolved, []);
    }
    assert_eq!(setup.host.files_sent(), 0);

    let index = setup.index();
    let check = async |index: &str, words: &str| {
        setup.serve_index(index);
        let (rendered, _, _) = look(dir.path(), &setup.fetcher(), &rules, &Known::default()).await;
        assert!(told(&rendered)[0].contains(words), "{words}: {:?}", told(&rendered));
    };
    check(&index.replace(&digest, &"0".repeat(64)), &format!("what it sent has {digest}")).await;
    check(&index.replace("version: 0.1.0", "version: 0.2.0"), "no such version").await;
    check(&index.replace("  web:", "  other:"), "no chart of this name").await;
    check("entries: []", "is no index of charts").await;
    let in_registry = index.replace("- web-0.1.0.tgz", "- oci://ghcr.io/acme/charts/web:0.1.0");
    check(&in_registry, "name `oci://ghcr.io/acme/charts` as its repository").await;
    let elsewhere = GitHost::start().await;
    let other = format!("https://localhost:{}", elsewhere.url.port().unwrap());
    let led = index.replace("- web-0.1.0.tgz", &format!("- {other}/web.tgz"));
    check(&led, "`localhost` does not answer").await;
    let open = [setup.authority(), other.replace("https://", "")];
    let egress = Egress::new(&open, Some(&setup.host.ca_pem)).unwrap();
    let fetcher = Fetcher::open(&setup.dir.path().join("kept"), egress, None);
    let (rendered, _, _) = look(dir.path(), &fetcher, &rules, &Known::default()).await;
    assert!(told(&rendered)[0].contains("which `spec.remote.hosts` has to name too"), "{rendered:?}");
    setup.host.serve_file("/acme/charts/web-0.1.0.tgz", "no package");
    let digest_of = hex::encode(<sha2::Sha256 as sha2::Digest>::digest("no package"));
    check(&index.replace(&digest, &digest_of), "its package is no package of a chart").await;
}

/// A registry with a chart that the real helm has pushed.
async fn registry_with_chart(dir: &Path) -> Registry {
    let registry = Registry::start().await.unwrap();
    for (version, text) in [("0.1.0", "first"), ("0.2.0+b.1", "second")] {
        let file = package(dir, "web", version, text);
        let to = format!("oci://{}/acme/charts", registry.host());
        helm(dir, &["push", file.to_str().unwrap(), &to, "--plain-http"]);
    }
    registry
}

#[tokio::test]
async fn a_chart_of_a_registry_is_pulled_with_its_login_and_to_the_token_server_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = registry_with_chart(dir.path()).await;
    let host = registry.host();
    let setup = |hosts: &[String]| {
        let egress = Egress::new(hosts, None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        (Fetcher::open(folder.path(), egress, None), folder)
    };
    let rules = |logins: Vec<Login>| {
        let hosts = Hosts::parse(&[format!("{host}/acme")]).unwrap();
        Rules { hosts, pinned: Pinned::Resolve, logins, owner: "sync".to_owned() }
    };
    let app = |version: &str| {
        repository(&[("app/kustomization.yaml", &entry(&format!("oci://{host}/acme/charts"), version))])
    };
    for (version, wanted) in [
        ("0.1.0", "one-web first 0.1.0"),
        ("0.2.0+b.1", "one-web second 0.2.0+b.1"),
        ("^0.1", "one-web first 0.1.0"),
        ("", "one-web second 0.2.0+b.1"),
    ] {
        let (fetcher, _kept) = setup(std::slice::from_ref(&host));
        let (rendered, _, _) = look(app(version).path(), &fetcher, &rules(Vec::new()), &Known::default()).await;
        assert_eq!(made(&rendered), [wanted], "{version}");
    }
    let missing = app("9.9.9");
    let (fetcher, _kept) = setup(std::slice::from_ref(&host));
    let (rendered, _, _) = look(missing.path(), &fetcher, &rules(Vec::new()), &Known::default()).await;
    assert!(told(&rendered)[0].contains("no such version"), "{rendered:?}");

    let login = |prefix: &str, password: &str| {
        Login::new(prefix, Credential { username: USER.to_owned(), password: password.into() }).unwrap()
    };
    let one = app("0.1.0");
    let try_with = async |logins: Vec<Login>, hosts: &[String]| {
        let (fetcher, _kept) = setup(hosts);
        look(one.path(), &fetcher, &rules(logins), &Known::default()).await.0
    };
    registry.lock(&Door::Basic).await.unwrap();
    let own = std::slice::from_ref(&host);
    assert!(told(&try_with(Vec::new(), own).await)[0].contains("wants a login"));
    assert!(told(&try_with(vec![login(&host, "wrong")], own).await)[0].contains("does not take the login"));
    assert_eq!(made(&try_with(vec![login(&host, PASSWORD)], own).await), ["one-web first 0.1.0"]);

    // The token server is another host: nothing is sent there unless the same login is said to be for it.
    let tokens = TokenServer::start(PASSWORD).await.unwrap();
    registry.lock(&tokens.door()).await.unwrap();
    let both = [host.clone(), tokens.host()];
    let with = |more: Option<&str>| {
        let more = more.map(|password| login(&tokens.host(), password));
        std::iter::once(login(&host, PASSWORD)).chain(more).collect::<Vec<_>>()
    };
    let hosts = Hosts::parse(&[format!("{host}/acme"), tokens.host()]).unwrap();
    let look_with = async |logins: Vec<Login>| {
        let (fetcher, _kept) = setup(&both);
        let rules = Rules { hosts: hosts.clone(), ..rules(logins) };
        look(one.path(), &fetcher, &rules, &Known::default()).await.0
    };
    for logins in [with(None), with(Some("other"))] {
        let told = told(&look_with(logins).await);
        assert!(told[0].contains(&format!("name the same Secret for the prefix `{}`", tokens.host())), "{told:?}");
    }
    assert_eq!(made(&look_with(with(Some(PASSWORD))).await), ["one-web first 0.1.0"]);
    let led = told(&try_with(with(Some(PASSWORD)), &both).await);
    assert!(led[0].contains("not allowed"), "no way leads to a private host that the Sync does not name: {led:?}");
}
