use std::process::Command;

use heddle_source::{Overlay, RenderTools, Rendered, Store, Until, render};

use crate::git_host::GitHost;

/// The pinned `kustomize`, built once and cached.
pub fn kustomize() -> String {
    tool("kustomize")
}

/// A pinned program, built once and cached.
pub fn tool(name: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/build.sh");
    let output = Command::new(script).arg(name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).unwrap();
    line.trim().split_once(' ').unwrap().1.to_owned()
}

async fn rendered(path: &str, files: &[(&str, &str)]) -> Rendered {
    let host = GitHost::start().await;
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
    host.commit(&files);
    let dir = tempfile::tempdir().unwrap();
    let snapshot = Store::open(dir.path()).fetch(&host.remote(), &"main".parse().unwrap()).await.unwrap();
    render(&snapshot, path, &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default())
}

fn names(rendered: &Rendered) -> Vec<(String, Option<&str>, Option<u32>)> {
    let name = |object: &heddle_source::RenderedObject| object.value["metadata"]["name"].as_str().unwrap().to_owned();
    rendered.objects.iter().map(|object| (name(object), object.file.as_deref(), object.line)).collect()
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      \
    containers: [{name: api, image: ghcr.io/acme/api}]\n";

#[tokio::test]
async fn an_overlay_is_rendered_with_its_base_and_each_object_knows_its_file() {
    let overlay = "resources: [../../base]\nimages: [{name: ghcr.io/acme/api, newTag: 1.4.2}]\n\
        configMapGenerator: [{name: settings, literals: [a=b]}]\n";
    let rendered = rendered(
        "clusters/prod",
        &[
            ("clusters/prod/kustomization.yaml", overlay),
            ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
            ("base/deployment.yaml", DEPLOYMENT),
            ("base/unused.txt", "x"),
        ],
    )
    .await;

    assert_eq!(rendered.errors, []);
    let deployment = rendered.objects.iter().find(|object| object.value["kind"] == "Deployment").unwrap();
    assert_eq!(deployment.file.as_deref(), Some("base/deployment.yaml"));
    assert_eq!(deployment.value["spec"]["template"]["spec"]["containers"][0]["image"], "ghcr.io/acme/api:1.4.2");
    assert!(deployment.value["metadata"].get("annotations").is_none());
    let settings = rendered.objects.iter().find(|object| object.value["kind"] == "ConfigMap").unwrap();
    assert_eq!(settings.file.as_deref(), Some("clusters/prod/kustomization.yaml"));
}

#[tokio::test]
async fn cipher_text_of_sops_that_a_generator_encoded_is_refused() {
    let (data, word) = ("p673w".repeat(20), "c2VjcmV0".repeat(4));
    let value = format!("word=ENC[AES256_GCM,data:{data}==,iv:{word}=,tag:{word}==,type:str]\n");
    for field in ["envs: [words.env]", "files: [words.env]"] {
        let kustomization = format!("secretGenerator: [{{name: words, {field}}}]\n");
        let rendered = rendered("a", &[("a/kustomization.yaml", &kustomization), ("a/words.env", &value)]).await;
        assert_eq!(rendered.objects, [], "{field}");
        assert!(rendered.errors.iter().any(|error| error.message.contains("SOPS")), "{:?}", rendered.errors);
    }
}

#[tokio::test]
async fn the_inputs_of_a_render_are_its_path_and_what_its_kustomizations_refer_to() {
    let host = GitHost::start().await;
    host.commit(&[
        ("clusters/prod/kustomization.yaml", Some("resources: [../../base]\n")),
        ("base/kustomization.yaml", Some("resources: [../deep/er]\n")),
        ("deep/er/kustomization.yaml", Some("resources: [a.yaml]\n")),
        ("deep/er/a.yaml", Some(CONFIG)),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let (store, tools, branch) =
        (Store::open(dir.path()), RenderTools::new(kustomize(), "/bin/false"), "main".parse().unwrap());
    let snapshot = store.fetch(&host.remote(), &branch).await.unwrap();
    let rendered = render(&snapshot, "clusters/prod", &Overlay::default(), &tools, &Until::default());
    assert_eq!(rendered.errors, []);
    assert!(rendered.inputs.are_the_same_in(&snapshot));

    let after = async |path: &str| {
        host.commit(&[(path, Some("# changed"))]);
        store.fetch(&host.remote(), &branch).await.unwrap()
    };
    for elsewhere in ["README", "clusters/staging/a.yaml", "deep/b.yaml"] {
        assert!(rendered.inputs.are_the_same_in(&after(elsewhere).await), "{elsewhere} is no input");
    }
    for input in ["clusters/prod/x.txt", "base/x.txt", "deep/er/a.yaml"] {
        let before = render(
            &store.fetch(&host.remote(), &branch).await.unwrap(),
            "clusters/prod",
            &Overlay::default(),
            &tools,
            &Until::default(),
        );
        assert!(!before.inputs.are_the_same_in(&after(input).await), "{input} is an input");
    }
}

#[tokio::test]
async fn a_tree_is_walked_and_each_kustomization_in_it_is_a_unit_of_its_own() {
    let rendered = rendered(
        "apps",
        &[
            ("apps/a.yaml", CONFIG),
            ("apps/b/kustomization.yaml", "namePrefix: b-\nresources: [x.yaml]\n"),
            ("apps/b/x.yaml", CONFIG),
            ("apps/broken/kustomization.yaml", "resources: [nowhere.yaml]\n"),
            ("apps/.hidden/c.yaml", CONFIG),
            ("apps/README.md", "words"),
            ("other/d.yaml", CONFIG),
        ],
    )
    .await;

    assert_eq!(
        names(&rendered),
        [("a".to_owned(), Some("apps/a.yaml"), Some(1)), ("b-a".to_owned(), Some("apps/b/x.yaml"), None)]
    );
    assert_eq!(rendered.errors.len(), 1);
    assert_eq!(rendered.errors[0].file.as_deref(), Some("apps/broken/kustomization.yaml"));
    assert_eq!(rendered.errors[0].line, Some(1));
}

#[tokio::test]
async fn what_lies_outside_of_the_repository_is_refused_before_anything_runs() {
    let remote = "resources:\n- https://example.org/x.yaml\n- github.com/acme/other//base?ref=main\n- ../../../etc\n";
    let rendered = rendered("a", &[("a/kustomization.yaml", remote)]).await;
    assert_eq!(rendered.objects, []);
    let lines: Vec<_> = rendered.errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [Some(2), Some(3), Some(4)]);
}

/// Everything of the field's types that kustomize would fetch, through a listener that must see nothing.
#[tokio::test]
async fn nothing_is_fetched_whatever_field_asks_for_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/x.yaml", listener.local_addr().unwrap());
    for field in [
        "resources: [ADDRESS]",
        "configMapGenerator: [{name: a, files: [\"x=ADDRESS\"]}]",
        "secretGenerator: [{name: a, envs: [\"ADDRESS\"]}]",
        "patches: [{path: \"ADDRESS\"}]",
        "crds: [\"ADDRESS\"]",
        "openapi: {path: \"ADDRESS\"}",
        "transformers: [plugin.yaml]",
        "helmCharts: [{name: x, repo: \"ADDRESS\", version: 1.0.0}]",
    ] {
        let plugin = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: ADDRESS\n";
        let kustomization = format!("{}\nnamePrefix: a\n", field.replace("ADDRESS", &address));
        let files =
            [("a/kustomization.yaml", &*kustomization), ("a/plugin.yaml", &plugin.replace("ADDRESS", &address))];
        let rendered = rendered("a", &files).await;
        let told = &rendered.errors[0];
        assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{field}: {rendered:?}");
        assert!(told.message.contains("nothing is fetched"), "{field}: {told:?}");
        let line = if field.starts_with("transformers") { None } else { Some(1) };
        assert_eq!(told.line, line, "{field}");
        assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "{field}");
    }
}

#[tokio::test]
async fn a_failure_with_a_secret_in_reach_is_told_by_class_and_file() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: hunter2-canary}\n";
    let patch =
        "patches: [{patch: \"[{op: test, path: /stringData/k, value: hunter2-canary-2}]\", target: {kind: Secret}}]";
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("secretGenerator: [{name: a, literals: [hunter2-canary]}]", &[]),
        ("secretGenerator: [{name: a, envs: [a.env]}]", &[("a/a.env", "A=b\nA=hunter2-canary\n")]),
        (
            "resources: [s.yaml]\npatches: [{path: p.yaml}]",
            &[
                ("a/s.yaml", secret),
                (
                    "a/p.yaml",
                    "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {password: hunter2-canary-3}\n",
                ),
            ],
        ),
        (&format!("resources: [s.yaml]\n{patch}"), &[("a/s.yaml", secret)]),
        (
            "resources: [../base]\nfoo: hunter2-canary",
            &[("base/kustomization.yaml", "secretGenerator: [{name: a, literals: [k=hunter2-canary]}]\n")],
        ),
        (
            "generators: [g.yaml]",
            &[(
                "a/g.yaml",
                "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: a}\nliterals: [hunter2-canary]\n",
            )],
        ),
    ];
    for (kustomization, files) in cases {
        let mut all = vec![("a/kustomization.yaml", kustomization)];
        all.extend_from_slice(files);
        let rendered = rendered("a", &all).await;
        assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{kustomization}: {rendered:?}");
        let told = &rendered.errors[0];
        assert!(!told.message.contains("hunter2"), "{kustomization}: {told:?}");
        assert!(told.message.contains("Secret") && told.file.is_some(), "{told:?}");
        let withheld = serde_json::to_string(&rendered.withheld).unwrap();
        assert!(withheld.contains("hunter2-canary"), "{kustomization}: {withheld}");
    }
}

#[tokio::test]
async fn the_complaint_of_kustomize_names_files_of_the_repository() {
    let rendered = rendered("a", &[("a/kustomization.yaml", "patches: [{path: no-such.yaml}]\n")]).await;
    let message = &rendered.errors[0].message;
    assert!(message.contains("no-such.yaml") && !message.contains("/tmp"), "{message}");
}

#[tokio::test]
async fn a_path_that_is_gone_is_an_error_by_its_name() {
    let rendered = rendered("clusters/prod", &[("README.md", "x")]).await;
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1));
    assert!(rendered.errors[0].message.contains("`clusters/prod` does not exist"), "{:?}", rendered.errors);
}

/// Kustomize would speak of a private copy that has no such file.
#[tokio::test]
async fn what_is_no_file_of_the_repository_is_told_with_its_line_and_why() {
    for (named, words) in [
        ("../../shared/s.yaml", "`../../shared/s.yaml` leads out of the repository"),
        ("/etc/hostname", "`/etc/hostname` is an absolute path"),
        ("../.git/config", "git's own `.git`"),
    ] {
        for field in [
            "resources:\n- FILE\n",
            "patches:\n- path: FILE\n",
            "configMapGenerator:\n- {name: a, files: [s=FILE]}\n",
            "replacements:\n- path: FILE\n",
        ] {
            let kustomization = field.replace("FILE", named);
            let rendered = rendered("app", &[("app/kustomization.yaml", &kustomization)]).await;
            let errors = &rendered.errors;
            assert_eq!((rendered.objects.len(), errors.len(), errors[0].line), (0, 1, Some(2)), "{field}: {errors:?}");
            assert!(errors[0].message.contains(words), "{field}: {errors:?}");
        }
    }
    let host = GitHost::start().await;
    let (link, real) = (host.blob(b"../real.yaml"), host.blob(CONFIG.as_bytes()));
    let folder = host.blob(b"../shared");
    let kustomization = host.blob(b"resources:\n- link.yaml\n- folder/x.yaml\n- vendored\n");
    let app = host.tree(&[
        ("120000", b"folder", &folder),
        ("100644", b"kustomization.yaml", &kustomization),
        ("120000", b"link.yaml", &link),
        ("160000", b"vendored", "1234567890123456789012345678901234567890"),
    ]);
    host.commit_tree(&host.tree(&[("40000", b"app", &app), ("100644", b"real.yaml", &real)]));
    let dir = tempfile::tempdir().unwrap();
    let snapshot = Store::open(dir.path()).fetch(&host.remote(), &"main".parse().unwrap()).await.unwrap();
    let rendered =
        render(&snapshot, "app", &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default());
    let told: Vec<(u32, &str)> =
        rendered.errors.iter().map(|error| (error.line.unwrap(), error.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (
                2,
                "`link.yaml` cannot be read: `app/link.yaml` is a symbolic link, which is not followed; put what it stands for in its place"
            ),
            (
                3,
                "`folder/x.yaml` cannot be read: `app/folder` is a symbolic link, which is not followed; put a directory in its place"
            ),
            (
                4,
                "`vendored` cannot be read: `app/vendored` is a submodule, which is not fetched; put what it stands for in its place"
            ),
        ]
    );
}

#[tokio::test]
async fn what_kustomize_built_and_is_wrong_has_the_file_that_it_comes_from() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {v: 1.5}}\n";
    let rendered = rendered("a", &[("a/kustomization.yaml", "resources: [x.yaml]\n"), ("a/x.yaml", config)]).await;
    assert_eq!(rendered.errors.len(), 1, "{rendered:?}");
    assert_eq!(rendered.errors[0].file.as_deref(), Some("a/x.yaml"), "{:?}", rendered.errors);
}

/// Links, submodules and names that are no text, as git keeps them.
#[tokio::test]
async fn what_is_not_read_of_a_revision_is_told_and_what_has_no_path_is_an_error() {
    let host = GitHost::start().await;
    let (config, link) = (host.blob(CONFIG.as_bytes()), host.blob(b"../shared/linked.yaml"));
    let hidden = host.tree(&[("100644", b"h.yaml", &config)]);
    let prod = host.tree(&[
        ("40000", b".hidden", &hidden),
        ("100644", b"a.yaml", &config),
        ("100644", b"caf\xe9.yaml", &config),
        ("120000", b"linked.yaml", &link),
        ("160000", b"vendored", "1234567890123456789012345678901234567890"),
    ]);
    host.commit_tree(&host.tree(&[("40000", b"prod", &prod)]));
    let dir = tempfile::tempdir().unwrap();
    let snapshot = Store::open(dir.path()).fetch(&host.remote(), &"main".parse().unwrap()).await.unwrap();
    let rendered =
        render(&snapshot, "prod", &Overlay::default(), &RenderTools::new(kustomize(), "/bin/false"), &Until::default());
    let unread: Vec<(&str, bool)> =
        rendered.unread.iter().map(|unread| (unread.path.as_str(), unread.is_likely)).collect();
    assert_eq!(unread, [("prod/.hidden/h.yaml", true), ("prod/linked.yaml", true), ("prod/vendored", true)]);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (1, 1), "{rendered:?}");
    let error = &rendered.errors[0];
    assert_eq!(error.file.as_deref(), Some("prod"));
    assert!(error.message.contains(".yaml\" is no text"), "{error:?}");
}

#[tokio::test]
async fn build_metadata_of_the_repositorys_own_stays() {
    let own = "buildMetadata: [managedByLabel]\nresources: [x.yaml]\n";
    let rendered = rendered("a", &[("a/kustomization.yaml", own), ("a/x.yaml", CONFIG)]).await;
    let object = &rendered.objects[0];
    assert_eq!(object.file.as_deref(), Some("a/x.yaml"));
    assert!(object.value["metadata"]["labels"]["app.kubernetes.io/managed-by"].is_string());
}
