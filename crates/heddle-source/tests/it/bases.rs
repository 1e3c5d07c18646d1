//! Remote bases and files, from a real git host over HTTPS.

use std::{collections::BTreeMap, sync::Arc};

use axum::http::StatusCode;
use heddle_egress::Egress;
use heddle_source::{
    Bases, Fetcher, Hosts, Known, Login, Overlay, Pinned, RenderTools, Rendered, Resolved, Rules, Snapshot, Store,
    Until, WithBases, gather, render,
};

use crate::{git_host::GitHost, rendering::kustomize};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";

/// A config repository, and a host of bases that is not its own.
struct Setup {
    config: GitHost,
    base: GitHost,
    dir: tempfile::TempDir,
}

impl Setup {
    async fn start() -> Self {
        let (config, base) = (GitHost::start().await, GitHost::start().await);
        base.make_public();
        Self { config, base, dir: tempfile::tempdir().unwrap() }
    }

    fn host(&self) -> String {
        format!("localhost:{}", self.base.url.port().unwrap())
    }

    /// A fetcher to which the host of bases is open, although it is on a loopback address.
    fn fetcher(&self) -> Fetcher {
        let egress = Egress::new(&[self.host()], Some(&self.base.ca_pem)).unwrap();
        Fetcher::open(&self.dir.path().join("bases"), egress, Some(self.base.ca_pem.clone()))
    }

    fn rules(&self, pinned: Pinned) -> Rules {
        let hosts = Hosts::parse(&[format!("{}/acme/", self.host())]).unwrap();
        Rules { hosts, pinned, logins: Vec::new(), owner: "sync".to_owned() }
    }

    /// A revision of the config repository with one kustomization that names these.
    async fn overlay(&self, resources: &[&str]) -> Arc<Snapshot> {
        let lines: String = resources.iter().map(|resource| format!("- {resource}\n")).collect();
        self.overlay_of(&format!("namePrefix: own-\nresources:\n{lines}")).await
    }

    async fn overlay_of(&self, kustomization: &str) -> Arc<Snapshot> {
        self.config.commit(&[("app/kustomization.yaml", Some(kustomization)), ("secret.yaml", Some(CONFIG))]);
        let store = Store::open(self.dir.path().join("own"));
        Arc::new(store.fetch(&self.config.remote(), &"main".parse().unwrap()).await.unwrap())
    }

    /// The address of the directory `base` at a state.
    fn address(&self, directory: &str, state: &str) -> String {
        format!("{}//{directory}?ref={state}", self.base.url)
    }
}

async fn look(snapshot: &Arc<Snapshot>, fetcher: &Fetcher, rules: &Rules, known: &Known) -> (Bases, Vec<Resolved>) {
    gather(fetcher, rules, known, (Arc::clone(snapshot), "app", &Overlay::default())).await
}

fn build(snapshot: &Arc<Snapshot>, bases: &Bases) -> Rendered {
    let tree = WithBases::new(&**snapshot, bases);
    render(&tree, "app", &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default())
}

async fn rendered(snapshot: &Arc<Snapshot>, fetcher: &Fetcher, rules: &Rules) -> Rendered {
    let (bases, _) = look(snapshot, fetcher, rules, &Known::default()).await;
    build(snapshot, &bases)
}

fn names(rendered: &Rendered) -> Vec<&str> {
    assert_eq!(rendered.errors, []);
    rendered.objects.iter().map(|object| object.value["metadata"]["name"].as_str().unwrap()).collect()
}

/// The one fault, at its line.
fn fault(rendered: &Rendered) -> &str {
    assert_eq!(rendered.errors.len(), 1, "{:?}", rendered.errors);
    assert_eq!(rendered.errors[0].line, Some(3));
    assert_eq!(rendered.objects, []);
    &rendered.errors[0].message
}

const BASE: [(&str, Option<&str>); 4] = [
    ("base/kustomization.yaml", Some("resources: [settings.yaml, ../more]\npatches: [{path: ../patch.yaml}]\n")),
    ("base/settings.yaml", Some(CONFIG)),
    ("more/kustomization.yaml", Some("configMapGenerator: [{name: more, literals: [a=b]}]\n")),
    ("patch.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n")),
];

#[tokio::test]
async fn a_base_at_a_commit_is_rendered_as_one_of_the_repository_and_its_files_are_named() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
    let rules = setup.rules(Pinned::Required);
    let (bases, resolved) = look(&snapshot, &setup.fetcher(), &rules, &Known::default()).await;
    assert_eq!(resolved, []);
    assert!(bases.are_settled());
    let rendered = build(&snapshot, &bases);

    assert!(names(&rendered).iter().any(|name| name.starts_with("own-more-")));
    let settings = rendered.objects.iter().find(|object| object.value["metadata"]["name"] == "own-settings").unwrap();
    assert_eq!(settings.value["data"]["a"], "b");
    let place = format!(".remote/{}/acme/config@{commit}", setup.host().replace(':', "_"));
    assert_eq!(settings.file.as_deref(), Some(&*format!("{place}/base/settings.yaml")));
    // What was fetched is no input of the revision: it is compared by itself.
    assert!(rendered.inputs.are_the_same_in(&snapshot));
    assert_eq!(setup.base.logins(), 0, "no login of the config repository is sent to the other host");
}

#[tokio::test]
async fn what_was_fetched_once_is_there_while_its_host_is_away() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let address = setup.base.serve_file("/acme/install.yaml", CONFIG);
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(CONFIG));
    let file = format!("{address}#sha256={digest}");
    let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
    assert_eq!(names(&rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await).len(), 2);
    let alone = setup.overlay(&[&file]).await;
    assert_eq!(names(&rendered(&alone, &setup.fetcher(), &setup.rules(Pinned::Required)).await), ["own-settings"]);

    setup.base.fail_with(Some(StatusCode::BAD_GATEWAY));
    for (snapshot, count) in [(&snapshot, 2), (&alone, 1)] {
        let rendered = rendered(snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
        assert_eq!(names(&rendered).len(), count);
    }
}

#[tokio::test]
async fn nothing_is_fetched_but_from_below_the_prefixes() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
    for prefixes in [vec![], vec!["github.com/".to_owned()], vec![format!("{}/other", setup.host())]] {
        let hosts = Hosts::parse(&prefixes).unwrap();
        let rendered = rendered(&snapshot, &setup.fetcher(), &Rules { hosts, ..setup.rules(Pinned::Required) }).await;
        assert!(fault(&rendered).contains("below no prefix of `spec.remote.hosts`"), "{prefixes:?}");
    }
    assert_eq!(setup.base.packs_sent(), 0);
}

#[tokio::test]
async fn a_private_address_needs_leave_behind_a_name_too() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
    let egress = Egress::new(&[], Some(&setup.base.ca_pem)).unwrap();
    let fetcher = Fetcher::open(&setup.dir.path().join("other"), egress, Some(setup.base.ca_pem.clone()));
    let rendered = rendered(&snapshot, &fetcher, &setup.rules(Pinned::Required)).await;
    assert!(fault(&rendered).contains("`localhost` does not answer"), "{}", fault(&rendered));
    assert_eq!(setup.base.packs_sent(), 0);
}

#[tokio::test]
async fn an_address_has_to_say_which_bytes_it_means_unless_it_is_followed() {
    let setup = Setup::start().await;
    setup.base.commit(&BASE);
    let file = setup.base.serve_file("/acme/install.yaml", CONFIG);
    for (address, remedy) in [
        (setup.address("base", "main"), "git ls-remote"),
        (format!("{}//base", setup.base.url), "git ls-remote"),
        (file, "sha256sum"),
    ] {
        let snapshot = setup.overlay(&[&address]).await;
        let refused = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
        assert!(fault(&refused).contains(remedy), "{}", fault(&refused));
        let followed = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Resolve)).await;
        assert!(names(&followed).contains(&"own-settings"), "{address}");
    }
}

/// What was resolved, as the next look knows it.
fn known(resolved: &[Resolved], approved: &[&str]) -> Known {
    Known { resolved: resolved.to_vec(), approved: approved.iter().map(|id| (*id).to_owned()).collect() }
}

#[tokio::test]
async fn a_branch_is_followed_and_a_tag_that_moved_is_asked_about() {
    let setup = Setup::start().await;
    let first = setup.base.commit(&BASE);
    setup.base.git(&["tag", "-a", "-m", "one", "v1"]);
    setup.base.git(&["push", "--quiet", "origin", "v1"]);
    let (branch, tag) = (setup.address("base", "main"), setup.address("base", "v1"));
    let snapshot = setup.overlay(&[&branch, &tag]).await;
    let rules = setup.rules(Pinned::Resolve);
    let ids = |resolved: &[Resolved]| {
        resolved
            .iter()
            .map(|one| (one.address.clone(), (one.id.clone(), one.moved_to.clone())))
            .collect::<BTreeMap<_, _>>()
    };
    let (bases, resolved) = look(&snapshot, &setup.fetcher(), &rules, &Known::default()).await;
    assert!(!bases.are_settled());
    assert_eq!(ids(&resolved)[&branch], (first.clone(), None));
    assert_eq!(ids(&resolved)[&tag], (first.clone(), None), "of a tag with a text, the commit");

    let second =
        setup.base.commit(&[("base/settings.yaml", Some(&CONFIG.replace("{name", "{labels: {new: \"1\"}, name")))]);
    setup.base.git(&["tag", "-f", "-a", "-m", "two", "v1"]);
    setup.base.git(&["push", "--quiet", "--force", "origin", "v1"]);
    let (moved, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!(ids(&resolved)[&branch], (second.clone(), None));
    assert_eq!(ids(&resolved)[&tag], (first.clone(), Some(second.clone())));
    assert!(!moved.are_the_same_as(&bases));

    let (_, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[&second])).await;
    assert_eq!(ids(&resolved)[&tag], (second.clone(), None));

    setup.base.fail_with(Some(StatusCode::BAD_GATEWAY));
    let (away, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!(ids(&resolved)[&tag], (second, None));
    assert!(resolved.iter().all(|one| one.away.as_deref().is_some_and(|why| why.contains("502"))), "{resolved:?}");
    assert!(!build(&snapshot, &away).objects.is_empty() || !build(&snapshot, &away).errors.is_empty());
}

#[tokio::test]
async fn what_was_a_tag_is_asked_about_when_a_branch_has_taken_its_name() {
    let setup = Setup::start().await;
    let first = setup.base.commit(&BASE);
    setup.base.git(&["tag", "v1"]);
    setup.base.git(&["push", "--quiet", "origin", "v1"]);
    let snapshot = setup.overlay(&[&setup.address("base", "v1")]).await;
    let rules = setup.rules(Pinned::Resolve);
    let (_, resolved) = look(&snapshot, &setup.fetcher(), &rules, &Known::default()).await;

    // At the same commit first, so that there is nothing to ask.
    setup.base.git(&["push", "--quiet", "origin", ":refs/tags/v1", "HEAD:refs/heads/v1"]);
    let (_, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!((&resolved[0].id, &resolved[0].moved_to), (&first, &None));
    let second = setup.base.commit(&[("patch.yaml", Some(&CONFIG.replace("{name", "{labels: {a: b}, name")))]);
    setup.base.git(&["push", "--quiet", "origin", "HEAD:refs/heads/v1"]);
    let (_, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!((&resolved[0].id, &resolved[0].moved_to), (&first, &Some(second)));
}

#[tokio::test]
async fn what_an_address_stood_for_is_remembered_until_a_whole_look_does_not_find_it() {
    let setup = Setup::start().await;
    setup.base.commit(&BASE);
    setup.base.git(&["tag", "v1"]);
    setup.base.git(&["push", "--quiet", "origin", "v1"]);
    let nested = format!("resources:\n- {}\n", setup.address("base", "v1"));
    let outer = setup.base.commit(&[("outer/kustomization.yaml", Some(&nested))]);
    let rules = setup.rules(Pinned::Resolve);
    let fetcher = setup.fetcher();
    let snapshot = setup.overlay(&[&setup.address("outer", &outer)]).await;
    let (_, first) = look(&snapshot, &fetcher, &rules, &Known::default()).await;
    assert_eq!(first.len(), 1);

    // What names it cannot be fetched, so whether it is named is not known.
    let broken = setup.overlay(&[&setup.address("outer", &"0".repeat(40))]).await;
    let (_, second) = look(&broken, &fetcher, &rules, &known(&first, &[])).await;
    assert_eq!(second, first);
    let without = setup.overlay(&["../secret.yaml"]).await;
    let (_, third) = look(&without, &fetcher, &rules, &known(&second, &[])).await;
    assert_eq!(third, []);
}

#[tokio::test]
async fn a_file_that_became_another_one_is_asked_about_and_one_that_is_not_what_it_says_is_not_used() {
    let setup = Setup::start().await;
    let file = setup.base.serve_file("/acme/install.yaml", CONFIG);
    let snapshot = setup.overlay(&[&file]).await;
    let rules = setup.rules(Pinned::Resolve);
    let (_, resolved) = look(&snapshot, &setup.fetcher(), &rules, &Known::default()).await;
    let old = resolved[0].id.clone();

    setup.base.serve_file("/acme/install.yaml", CONFIG.replace("settings", "other"));
    let (bases, resolved) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[])).await;
    assert_eq!(resolved[0].id, old);
    let new = resolved[0].moved_to.clone().unwrap();
    assert_eq!(names(&build(&snapshot, &bases)), ["own-settings"], "the one of before goes on");
    let (bases, _) = look(&snapshot, &setup.fetcher(), &rules, &known(&resolved, &[&new])).await;
    assert_eq!(names(&build(&snapshot, &bases)), ["own-other"]);

    let pinned = setup.overlay(&[&format!("{file}#sha256={}", "0".repeat(64))]).await;
    let refused = rendered(&pinned, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert!(fault(&refused).contains(&new), "{}", fault(&refused));
}

#[tokio::test]
async fn a_base_reads_nothing_outside_of_its_own_repository() {
    let setup = Setup::start().await;
    for field in [
        "resources: [../../../../../../secret.yaml]",
        "resources: [../../../../../../app]",
        "configMapGenerator: [{name: x, files: [../../../../../../secret.yaml]}]",
        "patches: [{path: ../../../../../../secret.yaml}]",
    ] {
        for depth in 0..7 {
            let up = "../".repeat(depth);
            let kustomization = format!("{}\n", field.replace("../../../../../../", &up));
            let commit = setup.base.commit(&[("base/kustomization.yaml", Some(&kustomization))]);
            let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
            let rendered = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
            assert_eq!(rendered.objects, [], "{kustomization}");
            assert!(!rendered.errors.is_empty(), "{kustomization}");
        }
    }
}

#[tokio::test]
async fn what_can_have_no_place_of_its_own_is_given_none() {
    let setup = Setup::start().await;
    let commit = setup
        .base
        .commit(&[("app/kustomization.yaml", Some("resources: [evil.yaml]\n")), ("app/evil.yaml", Some(CONFIG))]);
    setup.base.redirect("/acme/.git/x", "/acme/config");
    let deep = "/a".repeat(70);
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(CONFIG));
    let file = format!("{}#sha256={digest}", setup.base.serve_file(&format!("/acme{deep}/install.yaml"), CONFIG));
    // What lies above the path of the Sync is not read in the place of a directory of the base either.
    setup.config.commit(&[("kustomization.yaml", Some("resources: [secret.yaml]\n"))]);
    for (address, why) in [
        (format!("https://{}/acme/.git/x//base?ref={commit}", setup.host()), "`.git`"),
        (file, "lies deeper"),
        (setup.address(&"a/".repeat(61), &commit), "lies deeper"),
    ] {
        let snapshot = setup.overlay(&[&address]).await;
        let refused = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
        assert!(fault(&refused).contains(why), "{address}: {}", fault(&refused));
        assert_eq!(refused.errors[0].file.as_deref(), Some("app/kustomization.yaml"));
    }
}

#[tokio::test]
async fn the_repository_reads_what_was_fetched_by_its_address_alone() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let place = format!("../.remote/{}/acme/config@{commit}/base", setup.host().replace(':', "_"));
    let snapshot = setup.overlay(&[&place, &setup.address("base", &commit)]).await;
    let rendered = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert!(fault(&rendered).contains("leads out of the repository"), "{}", fault(&rendered));
}

#[tokio::test]
async fn what_a_base_names_in_turn_obeys_the_same_rules() {
    let setup = Setup::start().await;
    let inner = setup.base.commit(&BASE);
    let nested = |address: &str| format!("namePrefix: outer-\nresources:\n- {address}\n");
    let outer = setup.base.commit(&[("outer/kustomization.yaml", Some(&nested(&setup.address("base", &inner))))]);
    let snapshot = setup.overlay(&[&setup.address("outer", &outer)]).await;
    let good = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert!(names(&good).contains(&"own-outer-settings"));

    for (address, why) in [
        (setup.address("base", "main"), "names no commit"),
        (format!("https://example.org/acme/x//base?ref={inner}"), "below no prefix"),
    ] {
        let outer = setup.base.commit(&[("outer/kustomization.yaml", Some(&nested(&address)))]);
        let snapshot = setup.overlay(&[&setup.address("outer", &outer)]).await;
        let refused = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
        assert!(fault(&refused).contains(why), "{}", fault(&refused));
        let file = refused.errors[0].file.as_deref().unwrap();
        assert!(file.ends_with("/outer/kustomization.yaml") && file.starts_with(".remote/"), "{file}");
    }
}

#[tokio::test]
async fn bases_name_others_only_so_deep() {
    let setup = Setup::start().await;
    let mut commit = setup.base.commit(&BASE);
    for depth in 1..=9 {
        let directory = if depth == 1 { "base" } else { "chain" };
        let kustomization = format!("resources:\n#\n- {}\n", setup.address(directory, &commit));
        commit = setup.base.commit(&[("chain/kustomization.yaml", Some(&kustomization))]);
        if depth == 7 {
            let snapshot = setup.overlay(&[&setup.address("chain", &commit)]).await;
            assert_eq!(names(&rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await).len(), 2);
        }
    }
    let snapshot = setup.overlay(&[&setup.address("chain", &commit)]).await;
    let refused = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert!(fault(&refused).contains("more than 8 deep"), "{}", fault(&refused));
}

#[tokio::test]
async fn a_file_may_stand_wherever_one_is_wanted_and_a_step_of_kustomize_may_not_come_from_elsewhere() {
    let setup = Setup::start().await;
    let digest = |content: &str| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content));
    let settings = format!("{}#sha256={}", setup.base.serve_file("/acme/settings.yaml", CONFIG), digest(CONFIG));
    let generator =
        format!("namePrefix: own-\n#\nconfigMapGenerator: [{{name: x, files: [\"{settings}\", \"k={settings}\"]}}]\n");
    let snapshot = setup.overlay_of(&generator).await;
    let good = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert_eq!(names(&good).len(), 1);
    assert_eq!(good.objects[0].value["data"]["settings.yaml"], CONFIG);
    assert_eq!(good.objects[0].value["data"]["k"], CONFIG);

    let step = format!("namePrefix: own-\ntransformers:\n- \"{settings}\"\n");
    let refused = rendered(&setup.overlay_of(&step).await, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
    assert!(fault(&refused).contains("configures a step of kustomize"), "{}", fault(&refused));
}

#[tokio::test]
async fn a_login_goes_to_its_prefix_and_what_it_opens_is_kept_for_its_owner() {
    let (config, base) = (GitHost::start().await, GitHost::start().await);
    let setup = Setup { config, base, dir: tempfile::tempdir().unwrap() };
    let commit = setup.base.commit(&BASE);
    let snapshot = setup.overlay(&[&setup.address("base", &commit)]).await;
    let without = setup.rules(Pinned::Required);
    assert!(fault(&rendered(&snapshot, &setup.fetcher(), &without).await).contains("spec.remote.logins"));
    assert_eq!(setup.base.logins(), 0);

    let login = |prefix: &str| Login::new(prefix, setup.base.remote().credential.unwrap()).unwrap();
    let other = Rules { logins: vec![login("github.com")], ..without.clone() };
    assert!(fault(&rendered(&snapshot, &setup.fetcher(), &other).await).contains("spec.remote.logins"));
    assert_eq!(setup.base.logins(), 0, "the login is for another host");

    let with = Rules { logins: vec![login(&setup.host())], ..without.clone() };
    assert_eq!(names(&rendered(&snapshot, &setup.fetcher(), &with).await).len(), 2);
    setup.base.fail_with(Some(StatusCode::BAD_GATEWAY));
    assert_eq!(names(&rendered(&snapshot, &setup.fetcher(), &with).await).len(), 2);
    // Neither one without the login, nor one whose owner is another, is given what it opened.
    for stranger in [without, Rules { owner: "other".to_owned(), ..with }] {
        assert!(fault(&rendered(&snapshot, &setup.fetcher(), &stranger).await).contains("cannot be fetched"));
    }
}

#[tokio::test]
async fn a_file_is_led_to_no_private_host_that_the_sync_does_not_name() {
    let (setup, other) = (Setup::start().await, GitHost::start().await);
    let host = format!("localhost:{}", other.url.port().unwrap());
    let authorities = [setup.base.ca_pem.clone(), other.ca_pem.clone()].concat();
    let egress = Egress::new(&[setup.host(), host.clone()], Some(&authorities)).unwrap();
    let fetcher = Fetcher::open(&setup.dir.path().join("bases"), egress, Some(authorities));
    let kept = other.serve_file("/kept.yaml", CONFIG);
    setup.base.redirect("/acme/x.yaml", &kept);
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(CONFIG));
    let snapshot = setup.overlay(&[&format!("https://{}/acme/x.yaml#sha256={digest}", setup.host())]).await;
    let rules = setup.rules(Pinned::Required);
    let refused = rendered(&snapshot, &fetcher, &rules).await;
    assert!(fault(&refused).contains("leads on to `localhost`, which has to be named too"), "{}", fault(&refused));
    let hosts = Hosts::parse(&[setup.host(), host]).unwrap();
    assert_eq!(names(&rendered(&snapshot, &fetcher, &Rules { hosts, ..rules }).await), ["own-settings"]);
}

#[tokio::test]
async fn a_repository_may_be_led_to_on_its_own_host_and_to_no_other() {
    let setup = Setup::start().await;
    let commit = setup.base.commit(&BASE);
    let renamed = format!("https://{}/acme/old//base?ref={commit}", setup.host());
    setup.base.redirect("/acme/old", "/acme/config");
    let snapshot = setup.overlay(&[&renamed]).await;
    assert_eq!(names(&rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await).len(), 2);

    let snapshot = setup.overlay(&[&renamed.replace("old", "evil")]).await;
    for (to, why) in [
        ("https://127.0.0.1:1/acme/config", "`127.0.0.1` is on a private address"),
        ("https://169.254.169.254/latest", "`169.254.169.254` is on a private address"),
        ("http://example.org/acme/config", "is plain HTTP"),
    ] {
        setup.base.redirect("/acme/evil", to);
        let refused = rendered(&snapshot, &setup.fetcher(), &setup.rules(Pinned::Required)).await;
        assert!(fault(&refused).contains(why), "{}", fault(&refused));
    }
}
