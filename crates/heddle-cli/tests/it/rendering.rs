use std::process::Command;

use heddle_testkit::sops::AgeKey;

use crate::{
    local::{path, with},
    program::{Ended, Person},
};

const CONFIG: &str =
    "# settings\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {region: \"${region}\", on: 'yes'}\n";

/// A pinned program, built once and cached.
fn tool(name: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/build.sh");
    let output = Command::new(script).arg(name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().split_once(' ').unwrap().1.to_owned()
}

async fn render(person: &Person, folder: &str, more: &[&str]) -> Ended {
    let (folder, program) = (path(person, folder), tool("kustomize"));
    let arguments: Vec<&str> =
        ["render", &folder, "--kustomize", &program].into_iter().chain(more.iter().copied()).collect();
    person.run(&arguments).await
}

#[tokio::test]
async fn objects_come_with_their_files_and_lines() {
    let person = with(&[
        ("repo/apps/a.yaml", CONFIG),
        ("repo/apps/web/kustomization.yaml", "resources: [../../base]\nnamePrefix: web-\n"),
        ("repo/base/kustomization.yaml", "resources: [c.yaml]\n"),
        ("repo/base/c.yaml", CONFIG),
        ("repo/other/kustomization.yaml", "resources: [nowhere]\n"),
    ]);
    let ended = render(&person, "repo/apps", &["-o", "json"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let json = ended.json();
    let told: Vec<String> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["file"], one["line"], one["object"]["metadata"]["name"]))
        .collect();
    assert_eq!(told, [r#""a.yaml" 2 "a""#, r#""../base/c.yaml" null "web-a""#]);

    let one = render(&person, "repo/apps/a.yaml", &[]).await;
    assert_eq!(
        one.stdout,
        "---\n# a.yaml:2\napiVersion: v1\ndata:\n  \"on\": \"yes\"\n  region: ${region}\nkind: ConfigMap\nmetadata:\n  name: a\n"
    );
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let person = with(&[
        ("apps/a.yaml", "kind: ConfigMap\n---\na: [\n"),
        ("apps/b/kustomization.yaml", "resources:\n- nowhere.yaml\n"),
        ("apps/c.yaml", CONFIG),
    ]);
    let ended = render(&person, "apps", &[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    for words in ["a.yaml:1: it has no `apiVersion`", "a.yaml:3: ", "b/kustomization.yaml:2: `nowhere.yaml`"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn variables_are_put_in_where_there_are_any() {
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: vars}\ndata: {other: eA==}\nstringData: {region: eu}\n";
    let person = with(&[("apps/a.yaml", CONFIG), ("vars.yaml", secret)]);
    let vars = path(&person, "vars.yaml");
    let region = async |more: &[&str]| {
        let ended = render(&person, "apps", &[&["-o", "json"], more].concat()).await;
        (
            ended.code,
            if ended.code == 0 { ended.json()[0]["object"]["data"]["region"].to_string() } else { ended.stderr },
        )
    };
    assert_eq!(region(&[]).await, (0, "\"${region}\"".to_owned()));
    assert_eq!(region(&["--substitute-from", &vars]).await, (0, "\"eu\"".to_owned()));
    assert_eq!(region(&["--substitute-from", &vars, "--substitute", "region=us"]).await, (0, "\"us\"".to_owned()));
    assert_eq!(region(&["--substitute", "x=y", "--lenient"]).await, (0, "null".to_owned()));
    let (code, words) = region(&["--substitute", "x=y"]).await;
    assert_eq!(code, 2);
    assert!(words.contains("a.yaml:2: `data.region`: the variable `region` is not set"), "{words}");
}

#[tokio::test]
async fn what_gives_no_objects_is_named_what_looks_like_manifests_first() {
    let mut files: Vec<(String, &str)> =
        (10..32).map(|number| (format!("apps/values-{number}.yaml"), "a: 1\n")).collect();
    files.push(("apps/a.yaml".into(), CONFIG));
    files.push(("apps/z.yaml.bak".into(), "apiVersion: v1\nkind: ConfigMap\n"));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, *text)).collect();
    let person = with(&files);
    let ended = render(&person, "apps", &[]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    let notes: Vec<&str> = ended.stderr.lines().collect();
    assert!(notes[0].contains("z.yaml.bak gives no objects: its name ends in none of"), "{notes:?}");
    assert!(notes[1].contains("values-10.yaml gives no objects: it holds no manifest"), "{notes:?}");
    assert!(notes[20].contains("3 more files give no objects") && notes.len() == 21, "{notes:?}");
}

#[tokio::test]
async fn the_repository_around_a_folder_is_the_border_of_what_is_read() {
    let files = [
        ("repo/clusters/a/kustomization.yaml", "resources:\n- ../../apps/a.yaml\n"),
        ("repo/clusters/b/kustomization.yaml", "resources:\n- ../../../beyond.yaml\n"),
        ("repo/apps/a.yaml", CONFIG),
        ("beyond.yaml", CONFIG),
    ];
    let person = with(&files);
    let ended = render(&person, "repo/clusters/a", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("lies in no git repository"), "{ended:?}");
    let person = with(&[&files[..], &[("repo/.git/HEAD", "ref: refs/heads/main\n")]].concat());
    let ended = render(&person, "repo/clusters/a", &["-o", "json"]).await;
    assert_eq!((ended.code, ended.json()[0]["file"].as_str()), (0, Some("../../apps/a.yaml")), "{ended:?}");
    let ended = render(&person, "repo/clusters/b", &[]).await;
    let words = "kustomization.yaml:2: `../../../beyond.yaml` cannot be read: `../../../beyond.yaml` leads out of the repository";
    assert!(ended.code == 2 && ended.stderr.contains(words), "{ended:?}");
}

#[tokio::test]
async fn what_a_sync_adds_is_rendered_and_the_command_line_is_stronger() {
    let sync = |path: &str, prefix: &str| {
        format!(
            "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {{name: s}}\nspec:\n  repository: https://example.org/acme/config\n  path: {path}\n  namePrefix: {prefix}\n  commonMetadata: {{labels: {{team: shop}}}}\n  substitute: {{values: {{region: eu}}, from: [{{kind: Secret, name: vars}}]}}\n  components: [../shared]\n"
        )
    };
    let component = "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nresources: [../b.yaml]\n";
    let person = with(&[
        ("repo/.git/HEAD", "ref: refs/heads/main\n"),
        ("repo/apps/a.yaml", CONFIG),
        ("repo/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"),
        ("repo/shared/kustomization.yaml", component),
        ("repo/syncs.yaml", &format!("{}---\n{}", sync("other", "o-"), sync("apps/", "p-"))),
        ("repo/none.yaml", &sync("other", "o-").repeat(2).replace("\napiVersion", "\n---\napiVersion")),
    ]);
    let syncs = path(&person, "repo/syncs.yaml");
    let told = async |more: &[&str]| {
        let ended = render(&person, "repo/apps", &[&["--sync", &syncs, "-o", "json"], more].concat()).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("the Secret `vars` of `spec.substitute` is in the cluster alone"), "{ended:?}");
        let json = ended.json();
        let one = |one: &serde_json::Value| format!("{} {}", one["file"], one["object"]["metadata"]);
        json.as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&[]).await,
        [
            r#""a.yaml" {"labels":{"team":"shop"},"name":"p-a"}"#,
            r#""../b.yaml" {"labels":{"team":"shop"},"name":"p-b"}"#
        ]
    );
    let flags = [
        "--name-prefix",
        "q-",
        "--name-suffix",
        "-s",
        "--target-namespace",
        "n",
        "--label",
        "team=me",
        "--annotation",
        "x=y",
    ];
    assert_eq!(
        told(&flags).await[0],
        r#""a.yaml" {"annotations":{"x":"y"},"labels":{"team":"me"},"name":"q-a-s","namespace":"n"}"#
    );
    let none = path(&person, "repo/none.yaml");
    let ended = render(&person, "repo/apps", &["--sync", &none]).await;
    assert!(ended.code == 2 && ended.stderr.contains("holds no Sync, or several and none of `apps`"), "{ended:?}");
}

#[tokio::test]
async fn a_chart_is_rendered_with_helms_own_flags_and_as_its_sync_says() {
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\ndata: {tag: \
        \"{{ .Values.tag }}\", key: {{ randAlphaNum 9 }}, for: {{ .Capabilities.KubeVersion.Minor | quote }}}\n";
    let sync = "apiVersion: heddle.dev/v1alpha1\nkind: Sync\nmetadata: {name: shop}\nspec:\n  repository: https://example.org/a/b\n  \
        path: web\n  namespaces: [prod]\n  helm: {valuesFiles: [values-prod.yaml]}\n";
    let person = with(&[
        ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
        ("web/values.yaml", "tag: one\n"),
        ("web/values-prod.yaml", "tag: two\n"),
        ("web/templates/c.yaml", template),
        ("more.yaml", "tag: three\n"),
        ("sync.yaml", sync),
    ]);
    let helm = tool("helm");
    let check = async |more: &[&str], name: &str, namespace: &str, tag: &str| {
        let arguments: Vec<&str> = ["-o", "json", "--helm", &helm].into_iter().chain(more.iter().copied()).collect();
        let ended = render(&person, "web", &arguments).await;
        assert_eq!(ended.code, 0, "{ended:?}");
        let json = ended.json();
        let object = &json[0]["object"];
        let found = [&object["metadata"]["name"], &object["metadata"]["namespace"], &object["data"]["tag"]];
        assert_eq!(found, [name, namespace, tag], "{more:?}");
        assert_eq!(json[0]["file"], "templates/c.yaml");
        assert!(ended.stderr.contains("data.key is another one each time"), "{ended:?}");
        object["data"]["for"].clone()
    };
    check(&[], "web", "default", "one").await;
    let (more, sync) = (path(&person, "more.yaml"), path(&person, "sync.yaml"));
    check(&["--sync", &sync], "shop", "prod", "two").await;
    let flags =
        ["--sync", &sync, "--release-name", "other", "--namespace", "n1", "--values", &more, "--kube-version", "1.31"];
    assert_eq!(check(&flags, "other", "n1", "three").await, "31");

    let none = render(&person, "web", &["--helm", "/nowhere/helm"]).await;
    assert!(none.code == 2 && none.stderr.contains("there is no program `/nowhere/helm`"), "{none:?}");
}

#[tokio::test]
async fn what_is_encrypted_is_opened_with_the_key_and_a_diff_tells_no_value_of_it() {
    let key = AgeKey::new().unwrap();
    let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {word: correct-horse-battery}\n";
    let encrypted = key.encrypt("a.yaml", plain, &["--encrypted-regex", "^data$"]).unwrap();
    let live = plain.replace("correct-horse", "other-horse");
    let person = with(&[
        ("apps/a.yaml", &encrypted),
        ("keys.txt", &key.identity),
        ("live.yaml", &live),
        ("bad.txt", "secret\n"),
    ]);
    let (sops, keys, bad) = (tool("sops"), path(&person, "keys.txt"), path(&person, "bad.txt"));
    let with_key = ["--sops", &sops, "--age-key-file", &keys];

    let closed = render(&person, "apps", &[]).await;
    assert!(closed.code == 2 && closed.stderr.contains("--age-key-file"), "{closed:?}");
    let ended = render(&person, "apps", &with_key).await;
    assert!(ended.code == 0 && ended.stdout.contains("word: correct-horse-battery"), "{ended:?}");
    assert!(!ended.stdout.contains("sops"), "{ended:?}");
    let refused = render(&person, "apps", &["--age-key-file", &bad]).await;
    assert!(refused.code == 2 && refused.stderr.contains("bad.txt: line 1 is no identity of age"), "{refused:?}");

    let (apps, live) = (path(&person, "apps"), path(&person, "live.yaml"));
    let arguments: Vec<&str> = ["diff", &apps, "--live", &live].into_iter().chain(with_key).collect();
    let differs = person.run(&arguments).await;
    assert!(differs.code == 1 && differs.stdout.contains("data.word"), "{differs:?}");
    assert!(!format!("{differs:?}").contains("horse"), "{differs:?}");
}
