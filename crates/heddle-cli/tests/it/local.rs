use std::fs;

use serde_json::json;

use crate::program::Person;

const BASE: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: api
          image: 'ghcr.io/acme/api:1.4.1'   # the shop
";

const OVERLAY: &str = "resources: [../base]
images:
  - name: ghcr.io/acme/api
    newTag: 1.4.0
";

const CONFIG: &str = "version: 1
environments: [{name: prod, path: prod}]
images:
  - {name: ghcr.io/acme/*, policy: {semver: 1.x}}
";

/// A person in a folder with these files.
pub fn with(files: &[(&str, &str)]) -> Person {
    let person = Person::new();
    for (path, text) in files {
        let path = person.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    person
}

pub fn path(person: &Person, path: &str) -> String {
    person.home.path().join(path).to_str().unwrap().to_owned()
}

async fn eval(policy: &str, tags: &str, current: &[&str]) -> crate::program::Ended {
    let person = with(&[("policy.yaml", policy), ("tags.txt", tags)]);
    let (policy, tags) = (path(&person, "policy.yaml"), path(&person, "tags.txt"));
    let mut arguments = vec!["policy", "eval", "-o", "json", "--policy", &policy, "--tags", &tags];
    arguments.extend(current);
    person.run(&arguments).await
}

#[tokio::test]
async fn a_policy_chooses_and_says_why_not_the_others() {
    let ended =
        eval("semver: '>=1.2 <2'", "1.2.0\n1.10.0\n{\"tag\": \"2.0.0\"}\nlatest\n", &["--current", "1.2.0"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let json = ended.json();
    assert_eq!(json["chosen"], "1.10.0");
    assert_eq!(json["tags"].as_array().unwrap().len(), 4);
    assert_eq!(json["tags"][0]["verdict"], "chosen");
    assert_eq!(json["tags"][1]["verdict"], "passed-over");
}

#[tokio::test]
async fn a_policy_that_asks_for_a_signature_is_told_who_signed() {
    let policy = "{semver: '*', signed_by: [{key: keys/cosign.pub}]}";
    let signed = "{\"tag\": \"1.4.2\", \"signed\": [\"keys/cosign.pub\"]}\n";
    let refused = "{\"tag\": \"1.4.3\", \"signed\": [\"keys/other.pub\"]}\n";
    let ended = eval(policy, &format!("{signed}{refused}"), &["--current", "1.4.1"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let json = ended.json();
    assert_eq!((&json["chosen"], &json["tags"][1]["rule"]), (&"1.4.2".into(), &"signed_by".into()));
    assert_eq!(json["tags"][1]["reason"], "it carries no signature by `keys/cosign.pub`");
    // Nobody looked: nothing below it is chosen.
    let ended = eval(policy, &format!("{signed}1.4.3\n"), &["--current", "1.4.1"]).await;
    assert_eq!((ended.code, ended.json()["chosen"].is_null()), (3, true), "{ended:?}");
}

#[tokio::test]
async fn what_runs_by_tag_and_digest_is_its_tag() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let eval = |runs: String| async move { eval("semver: '*'", "1.2.0\n1.3.0\n", &["--current", &runs]).await };
    assert_eq!(eval(format!("1.2.0@{digest}")).await.json()["chosen"], "1.3.0");
    let ended = eval("1.2.0@sha256:12".to_owned()).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let (runs, other) = (format!("1.2.0@{digest}"), format!("sha256:{}", "b".repeat(64)));
    let twice = self::eval("semver: '*'", "1.3.0\n", &["--current", &runs, "--current-digest", &other]).await;
    assert_eq!(twice.code, 2, "{twice:?}");
}

#[tokio::test]
async fn mistakes_of_the_rules_are_told_beside_the_images() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'acme/a:1'}]}\n";
    let rules = "version: 1\nimagse: []\n";
    let person = with(&[("c/.heddle.yaml", rules), ("c/a.yaml", pod)]);
    let folder = path(&person, "c");
    let ended = person.run(&["image", "list", &folder, "-o", "json"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    let json = ended.json();
    assert_eq!(json["images"].as_array().unwrap().len(), 1);
    assert_eq!((&json["findings"][0]["file"], &json["findings"][0]["line"]), (&json!(".heddle.yaml"), &json!(2)));
    let set = person.run(&["image", "set", &folder, "--image", "acme/b", "--tag", "2"]).await;
    assert_eq!(set.code, 3, "{set:?}");
}

#[tokio::test]
async fn no_tag_and_bad_input_are_told_apart() {
    let ended = eval("semver: '>=3'", "1.2.0\n", &[]).await;
    assert_eq!((ended.code, &ended.json()["chosen"]), (3, &json!(null)));
    let ended = eval("semvar: '>=3'", "1.2.0\n", &[]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("policy.yaml:1:1: a policy has no key `semvar`, write `semver`"), "{}", ended.stderr);
    let ended = eval("semver: '>=1'", "1.2.0\nno tag\n", &[]).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("tags.txt:2"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_image_without_a_tag_and_a_broken_digest_stop_no_other_tag() {
    let tags = "{\"tag\": \"\"}\n{\"tag\": \"1.2.0\", \"digest\": \"sha256:short\"}\n";
    let ended = eval("semver: '>=1'", tags, &[]).await;
    assert_eq!((ended.code, &ended.json()["chosen"]), (0, &json!("1.2.0")), "{ended:?}");
    assert!(ended.stderr.contains("tags.txt:2: `sha256:short` is no digest"), "{}", ended.stderr);
}

#[tokio::test]
async fn images_are_listed_with_place_and_rule() {
    let person = with(&[
        ("repo/base/api.yaml", BASE),
        ("repo/base/kustomization.yaml", "resources: [api.yaml]\n"),
        ("repo/prod/kustomization.yaml", OVERLAY),
        ("repo/.heddle.yaml", CONFIG),
    ]);
    let ended = person.run(&["image", "list", &path(&person, "repo"), "-o", "json"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let found: Vec<_> = ended.json()["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| format!("{}:{} {} {}", image["file"], image["line"], image["image"], image["policy"]["line"]))
        .collect();
    // What the overlay replaces in its base runs nowhere.
    assert_eq!(found, [r#""prod/kustomization.yaml":4 "ghcr.io/acme/api:1.4.0" 4"#]);
}

#[tokio::test]
async fn an_image_whose_tag_no_rule_can_order_is_a_finding() {
    let image = |tag: &str, name: &str| BASE.replace("1.4.1", tag).replace("name: api", &format!("name: {name}"));
    let rules = CONFIG.replace(
        "policy: {semver: 1.x}",
        "policy: {semver: 1.x}}\n  - {name: '*', policy: {numerical: asc, from_any: true}",
    );
    let person = with(&[
        ("repo/prod/latest.yaml", &image("latest", "a")),
        ("repo/prod/release.yaml", &image("release-v7.2.0", "b")),
        ("repo/prod/right.yaml", &image("1.4.1", "c")),
        ("repo/prod/any.yaml", &image("main", "d").replace("ghcr.io/acme", "ghcr.io/other")),
        ("repo/.heddle.yaml", &rules),
    ]);
    let ended = person.run(&["image", "list", &path(&person, "repo"), "-o", "json"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let found: Vec<_> = ended.json()["findings"].as_array().unwrap().clone();
    let files: Vec<_> = found.iter().map(|finding| (&finding["code"], &finding["file"], &finding["line"])).collect();
    let current = json!("current");
    let (latest, release, line) = (json!("prod/latest.yaml"), json!("prod/release.yaml"), json!(9));
    assert_eq!(files, [(&current, &latest, &line), (&current, &release, &line)], "{}", ended.stdout);
    let message = found[1]["message"].as_str().unwrap();
    for way in ["`release-v7.2.0`", ".heddle.yaml:4", "`match`", "`extract`", "`suffix`", "`from_any: true`"] {
        assert!(message.contains(way), "{way}: {message}");
    }
}

#[tokio::test]
async fn files_that_no_kustomization_refers_to_are_listed_too() {
    let person = with(&[
        ("repo/kustomization.yaml", "resources: [api.yaml]\nimages: [{name: ghcr.io/acme/api, newTag: 2.0.0}]\n"),
        ("repo/api.yaml", BASE),
        ("repo/values.yaml", "web:\n  image: {repository: acme/web, tag: v1}\n"),
        (
            "repo/old/kustomization.yaml",
            "resources: [../api.yaml]\nimages: [{name: ghcr.io/acme/api, newTag: 1.0.0}]\n",
        ),
    ]);
    let ended = person.run(&["image", "list", &path(&person, "repo"), "-o", "json"]).await;
    let found: Vec<_> = ended.json()["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| format!("{} {}", image["file"], image["image"]))
        .collect();
    let expected = [
        r#""kustomization.yaml" "ghcr.io/acme/api:2.0.0""#,
        r#""old/kustomization.yaml" "ghcr.io/acme/api:1.0.0""#,
        r#""values.yaml" "acme/web:v1""#,
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_set_up_of_keel_is_printed_as_rules_and_what_differs_beside() {
    let annotated = BASE.replace("namespace: shop", "namespace: shop, annotations: {keel.sh/policy: patch}");
    let person = with(&[("repo/api.yaml", &annotated)]);
    let ended = person.run(&["import", &path(&person, "repo")]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let (config, findings) = heddle_manifest::config::read(&ended.stdout);
    assert_eq!((config.rules.len(), findings), (1, Vec::new()), "{}", ended.stdout);
    assert!(ended.stderr.contains("api.yaml:9: Keel's annotations: Heddle writes the tag to git"), "{}", ended.stderr);
    let json = person.run(&["import", &path(&person, "repo"), "-o", "json"]).await.json();
    assert_eq!((json["config"].as_str(), json["rules"].as_u64()), (Some(ended.stdout.as_str()), Some(1)));
    assert_eq!(person.run(&["import", &path(&person, "nowhere")]).await.code, 2);
}

#[tokio::test]
async fn a_tag_is_set_and_no_other_byte_changes() {
    let person = with(&[("repo/base/api.yaml", BASE)]);
    let set = ["image", "set", &path(&person, "repo"), "--image", "ghcr.io/acme/api", "--tag", "1.4.2"];
    let dry: Vec<&str> = set.iter().copied().chain(["--dry-run"]).collect();
    let ended = person.run(&dry).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("+          image: 'ghcr.io/acme/api:1.4.2'   # the shop"), "{}", ended.stdout);
    let file = person.home.path().join("repo/base/api.yaml");
    assert_eq!(fs::read_to_string(&file).unwrap(), BASE);

    let ended = person.run(&set).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "base/api.yaml:9  1.4.1 → 1.4.2\n"));
    assert_eq!(fs::read_to_string(&file).unwrap(), BASE.replace("1.4.1", "1.4.2"));
    assert_eq!(person.run(&set).await.code, 3);
    assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no draft is left");
}

#[tokio::test]
async fn one_place_that_cannot_be_edited_keeps_all_files_as_they_were() {
    let anchored =
        BASE.replace("'ghcr.io/acme/api:1.4.1'", "&image ghcr.io/acme/api:1.4.1").replace("name: api,", "name: b,")
            + "          env: [{name: IMAGE, value: *image}]\n";
    let person = with(&[("repo/a.yaml", BASE), ("repo/b.yaml", &anchored)]);
    let ended =
        person.run(&["image", "set", &path(&person, "repo"), "--image", "ghcr.io/acme/api", "--tag", "1.4.2"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("no file was touched"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(person.home.path().join("repo/a.yaml")).unwrap(), BASE);
}

#[tokio::test]
async fn only_the_named_place_is_set() {
    let person = with(&[("repo/a.yaml", BASE), ("repo/b.yaml", &BASE.replace("name: api,", "name: b,"))]);
    let at = "b.yaml:spec.template.spec.containers[name=api].image";
    let ended = person
        .run(&["image", "set", &path(&person, "repo"), "--image", "ghcr.io/acme/api", "--tag", "1.4.2", "--at", at])
        .await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "b.yaml:9  1.4.1 → 1.4.2\n"), "{ended:?}");
}

#[tokio::test]
async fn the_policies_in_the_manual_choose_what_stands_there() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/policy.md");
    let text = fs::read_to_string(page).unwrap();
    let examples: Vec<&str> = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 7, "{examples:?}");
    for example in examples {
        let said: Vec<&str> = example.lines().next().unwrap().trim_start_matches("# ").split(" · ").collect();
        let [tags, runs, chosen] = said[..] else { panic!("{example}") };
        let ended = eval(example, &tags.replace(' ', "\n"), &["--current", runs.trim_start_matches("runs ")]).await;
        assert_eq!(ended.json()["chosen"], chosen, "{example}: {ended:?}");
    }
}

#[test]
fn the_examples_in_the_manual_are_right() {
    let files = "```yaml .heddle.yaml\n";
    for (page, fence) in
        [("reference/heddle-yaml.md", "```yaml\n"), ("getting-started.md", "```yaml\n"), ("reference/policy.md", files)]
    {
        let text = fs::read_to_string(format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let blocks: Vec<&str> = text.split(fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!(!blocks.is_empty(), "{page}");
        for block in blocks {
            let (_, findings) = heddle_manifest::config::read(block);
            assert!(findings.is_empty(), "{page}: {findings:?}");
        }
    }
}

#[tokio::test]
async fn a_root_gives_what_runs_there_and_each_place_can_be_given_back() {
    let two = format!("{BASE}---\n{}", BASE.replace("name: api,", "name: web,"));
    let person = with(&[
        ("repo/base/api.yaml", &two),
        ("repo/base/kustomization.yaml", "resources: [api.yaml]\n"),
        ("repo/prod/kustomization.yaml", OVERLAY),
        ("repo/.heddle.yaml", CONFIG),
    ]);
    let repo = path(&person, "repo");
    let images = |ended: &crate::program::Ended| -> Vec<(String, String)> {
        let json = ended.json();
        let one = |image: &serde_json::Value| (image["at"].as_str().unwrap().to_owned(), image["image"].to_string());
        json["images"].as_array().unwrap().iter().map(one).collect()
    };
    let field = "spec.template.spec.containers[name=api].image";
    let base = person.run(&["image", "list", &repo, "--root", "base", "-o", "json"]).await;
    let listed = images(&base);
    assert_eq!(listed[0].0, format!("base/api.yaml#1:{field}"), "{base:?}");
    assert_eq!(listed[1].0, format!("base/api.yaml#2:{field}"));
    let prod = person.run(&["image", "list", &repo, "--environment", "prod", "-o", "json"]).await;
    assert_eq!(images(&prod)[0].1, "\"ghcr.io/acme/api:1.4.0\"");
    let unknown = person.run(&["image", "list", &repo, "--environment", "test"]).await;
    assert!(unknown.code == 2 && unknown.stderr.contains("it has: prod"), "{unknown:?}");
    let set = ["image", "set", &repo, "--image", "ghcr.io/acme/api", "--tag", "2.0.0", "--at"];
    let ambiguous = person.run(&[set.as_slice(), &[&format!("base/api.yaml:{field}")]].concat()).await;
    assert!(ambiguous.stderr.contains("#1:"), "{ambiguous:?}");
    assert_eq!(person.run(&[set.as_slice(), &[&listed[1].0]].concat()).await.code, 0);
    let text = fs::read_to_string(person.home.path().join("repo/base/api.yaml")).unwrap();
    assert_eq!((text.matches("api:2.0.0").count(), text.matches("api:1.4.1").count()), (1, 1));
}

#[tokio::test]
async fn renovates_configuration_is_named() {
    let person = with(&[("repo/api.yaml", BASE), ("repo/.github/renovate.json5", "{}")]);
    let ended = person.run(&["import", &path(&person, "repo")]).await;
    assert!(ended.code == 0 && ended.stderr.contains(".github/renovate.json5:1: Renovate"), "{ended:?}");
}

#[tokio::test]
async fn a_file_that_is_no_utf_8_refuses_a_set_that_finds_nothing_else() {
    let person = with(&[("repo/good.yaml", BASE)]);
    fs::write(path(&person, "repo/latin.yaml"), b"image: ghcr.io/acme/caf\xe9:1\n").unwrap();
    let repo = path(&person, "repo");
    let ended = person.run(&["image", "set", &repo, "--image", "ghcr.io/acme/web", "--tag", "2"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("latin.yaml:1: the file is no UTF-8"), "{}", ended.stderr);
    // What stands in a file that can be read goes on.
    let set = ["image", "set", &repo, "--image", "ghcr.io/acme/api", "--tag", "2", "--dry-run", "-o", "json"];
    let json = person.run(&set).await.json();
    assert_eq!(
        (json["changes"].as_array().map(Vec::len), &json["findings"][0]["code"]),
        (Some(1), &json!("broken-yaml"))
    );
    for how in [["-o", "json"], ["-o", "text"]] {
        let ended = person.run(&[["import", &repo].as_slice(), &how].concat()).await;
        assert_eq!(ended.code, 2, "what is in the file is in no rule: {ended:?}");
    }
    let json = person.run(&["import", &repo, "-o", "json"]).await.json();
    assert_eq!(json["findings"][0]["file"], "latin.yaml");
}

#[tokio::test]
async fn a_place_takes_its_companions_along() {
    let values = "a: {image: {repository: acme/ha, tag: &tag v1}}\nb: {image: {repository: acme/ha, tag: *tag}}\n";
    let person = with(&[("repo/values.yaml", values)]);
    let repo = path(&person, "repo");
    let set = ["image", "set", &repo, "--image", "acme/ha", "--tag", "v2", "--at", "values.yaml:b.image.tag"];
    assert_eq!(person.run(&set).await.code, 0);
    let text = fs::read_to_string(path(&person, "repo/values.yaml")).unwrap();
    assert_eq!(text, values.replace("v1", "v2"));
}

#[tokio::test]
async fn renovate_and_flux_are_imported_from_the_folder() {
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec: {path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: config}}\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: config, namespace: flux-system}\nspec: {url: \"https://github.com/acme/config\"}\n";
    let renovate = "{kubernetes: {managerFilePatterns: ['/apps/']}, // images\n packageRules: [{matchPackageNames: ['ghcr.io/acme/api'], allowedVersions: '<2', groupName: 'ours'}]}\n";
    let person =
        with(&[("repo/apps/api.yaml", BASE), ("repo/flux.yaml", flux), ("repo/.github/renovate.json5", renovate)]);
    let repo = path(&person, "repo");
    let ended = person.run(&["import", &repo]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let (config, findings) = heddle_manifest::config::read(&ended.stdout);
    assert_eq!((config.rules.len(), config.environments.len(), findings), (1, 1, Vec::new()), "{}", ended.stdout);
    assert!(ended.stdout.contains("semver: '<2'"), "{}", ended.stdout);
    assert!(ended.stderr.contains(".github/renovate.json5:2: Renovate: `groupName: ours`"), "{}", ended.stderr);
    let syncs = person.run(&["import", &repo, "--syncs"]).await.stdout;
    assert!(syncs.contains("kind: Sync") && syncs.contains("repository: 'https://github.com/acme/config'"), "{syncs}");
    assert_eq!(person.run(&["import", &repo, "-o", "json"]).await.json()["syncs"], json!(syncs));
}
