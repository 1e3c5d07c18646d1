use heddle_wire::agent::Deploy;

use crate::setup::{Setup, config, run};

/// The errors in the Sync's status, each with its file in front.
async fn errors(setup: &Setup) -> Vec<String> {
    let errors = setup.sync().await["status"]["errors"].as_array().cloned().unwrap_or_default();
    let mut told: Vec<String> = errors
        .iter()
        .map(|error| {
            format!("{}: {}", error["file"].as_str().unwrap_or_default(), error["message"].as_str().unwrap_or_default())
        })
        .collect();
    told.sort();
    told
}

#[test]
fn a_file_that_gives_nothing_any_more_deletes_nothing_until_it_is_gone() {
    run(async |cluster| {
        let names = ["empty", "half", "headless", "page", "list", "lfs", "stays"];
        let texts: Vec<(String, String)> =
            names.iter().map(|name| (format!("apps/{name}.yaml"), config(name, "x"))).collect();
        let mut files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (&**path, &**text)).collect();
        let built = config("built", "x");
        files.extend([("apps/k/kustomization.yaml", "resources: [built.yaml]\n"), ("apps/k/built.yaml", &built)]);
        let mut setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        // What came from where outlives the process.
        setup.kill().await;
        let list = format!("- {}", config("list", "x").trim_end().replace('\n', "\n  "));
        setup
            .push(&[
                ("apps/empty.yaml", Some("# later\n")),
                ("apps/half.yaml", Some("apiVersi")),
                ("apps/headless.yaml", Some("metadata: {name: headless, namespace: '{target}'}\n")),
                ("apps/page.yaml", Some("404: Not Found\n")),
                ("apps/list.yaml", Some(&list)),
                ("apps/lfs.yaml", Some("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")),
                ("apps/k/kustomization.yaml", Some("namePrefix: x-\nresources: []\n")),
            ])
            .await;
        setup.restart();
        setup.condition("Pruned", "False", "Held").await;
        let told = errors(&setup).await;
        let expected = [
            ("apps/empty.yaml: ConfigMap", "/empty came from here, and it gives no objects now: it holds no manifest"),
            ("apps/half.yaml: ConfigMap", "/half came from here"),
            ("apps/headless.yaml: ConfigMap", "/headless came from here"),
            ("apps/k: ConfigMap", "/built came from here, and it gives no objects now: its kustomization"),
            ("apps/lfs.yaml: ", "Git LFS"),
            ("apps/list.yaml: ", "a list of objects"),
            ("apps/page.yaml: ConfigMap", "/page came from here"),
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, (start, words)) in told.iter().zip(expected) {
            assert!(told.starts_with(start) && told.contains(words), "{told}");
        }
        for name in names.iter().chain(&["built"]) {
            assert!(setup.find(&format!("configmap/{name}")).await.is_some(), "{name}");
        }

        let gone = ["empty", "half", "headless", "page", "list", "lfs"].map(|name| format!("apps/{name}.yaml"));
        let mut gone: Vec<(&str, Option<&str>)> = gone.iter().map(|path| (&**path, None)).collect();
        gone.extend([("apps/k/kustomization.yaml", None), ("apps/k/built.yaml", None)]);
        let head = setup.push(&gone).await;
        setup.healthy_at(&head).await;
        for name in names.iter().chain(&["built"]).filter(|name| **name != "stays") {
            assert!(setup.find(&format!("configmap/{name}")).await.is_none(), "{name}");
        }
        assert!(setup.find("configmap/stays").await.is_some());
    });
}

#[test]
fn a_file_that_becomes_a_link_deletes_nothing_and_what_is_not_read_is_named() {
    run(async |cluster| {
        let (linked, vendored) = (config("linked", "x"), config("vendored", "x"));
        let (stays, hidden) = (config("stays", "x"), config("hidden", "x"));
        let files = [
            ("apps/linked.yaml", &*linked),
            ("apps/vendored", &*vendored),
            ("apps/stays.yaml", &*stays),
            ("apps/.hidden/h.yaml", &*hidden),
        ];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;
        let message = setup.condition("Rendered", "True", "Rendered").await;
        assert!(message.contains("apps/.hidden/h.yaml (hidden)"), "{message}");

        // Its text is the way to the same manifest elsewhere.
        setup.push(&[("shared/linked.yaml", Some(&linked)), ("apps/linked.yaml", Some("../shared/linked.yaml"))]).await;
        setup.set_mode("apps/vendored", "160000").await;
        setup.set_mode("apps/linked.yaml", "120000").await;
        setup.condition("Pruned", "False", "Held").await;
        let message = setup.condition("Rendered", "True", "Rendered").await;
        for words in ["apps/linked.yaml (a symbolic link", "apps/vendored (a submodule"] {
            assert!(message.contains(words), "{message}");
        }
        let told = errors(&setup).await;
        assert!(told.len() == 1 && told[0].starts_with("apps/linked.yaml: ConfigMap"), "{told:#?}");
        assert!(setup.find("configmap/linked").await.is_some() && setup.find("configmap/stays").await.is_some());
        assert!(setup.find("configmap/hidden").await.is_none());
    });
}

#[test]
fn an_object_that_names_its_namespace_in_another_type_lands_nowhere() {
    run(async |cluster| {
        let object = |name: &str, namespace: &str| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\n")
        };
        let (number, boolean, map) = (object("a", "2024"), object("b", "on"), object("f", "{a: b}"));
        let list = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: d}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: e}}\n";
        let typed = "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: t}\n";
        let files = [
            ("apps/a.yaml", &*number),
            ("apps/b.yaml", &*boolean),
            ("apps/f.yaml", &*map),
            ("apps/list.yaml", list),
            ("apps/typed.yaml", typed),
        ];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Applied", "False", "Failed").await;
        let told = errors(&setup).await;
        assert_eq!(told.len(), 5, "{told:#?}");
        for (told, words) in told.iter().zip(["a number: put it in quotes", "a boolean: put it in quotes", "a mapping"])
        {
            assert!(told.contains("`metadata.namespace` must be a text") && told.contains(words), "{told}");
        }
        for name in ["a", "b", "f", "d"] {
            assert!(setup.find(&format!("configmap/{name}")).await.is_none(), "{name}");
        }
        assert!(setup.find("configmap/e").await.is_some() && setup.find("configmap/t").await.is_some());
    });
}

#[test]
fn a_definition_gets_a_field_and_its_objects_use_it_in_one_commit() {
    run(async |cluster| {
        // Definitions are the whole cluster's.
        let group = format!("g{}.example.org", std::process::id());
        let definition = |fields: usize| {
            let fields: Vec<String> = (0..fields).map(|number| format!("f{number}: {{type: string}}")).collect();
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\n\
                 spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets}}\n  versions:\n  \
                 - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, properties: \
                 {{spec: {{type: object, properties: {{{}}}}}}}}}}}\n",
                fields.join(", ")
            )
        };
        let gadgets = |fields: usize| {
            let fields: Vec<String> = (0..fields).map(|number| format!("f{number}: x")).collect();
            let gadget = |number: usize| {
                format!(
                    "apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: w{number}, namespace: '{{target}}'}}\nspec: {{{}}}\n",
                    fields.join(", ")
                )
            };
            (0..5).map(gadget).collect::<Vec<_>>().join("---\n")
        };
        let (first, objects) = (definition(1), gadgets(1));
        let setup = Setup::start(cluster, "apps", &[("apps/crd.yaml", &first), ("apps/w.yaml", &objects)]).await;
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: define-{0}}}\nrules:\n\
             - {{apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: ['*']}}\n\
             - {{apiGroups: [{group}], resources: [gadgets], verbs: ['*']}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: define-{0}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: define-{0}}}\n\
             subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {0}}}]\n",
            setup.system
        );
        setup.kubectl(&["apply", "-f", "-"], &role).await;
        setup.push(&[("README", Some("x"))]).await;
        setup.condition("Applied", "True", "Applied").await;
        for fields in 2..6 {
            let head = setup
                .push(&[("apps/crd.yaml", Some(&definition(fields))), ("apps/w.yaml", Some(&gadgets(fields)))])
                .await;
            setup
                .eventually("the revision applied", async || {
                    let applied = setup.api.applied();
                    if applied.contains(&head) { Ok(()) } else { Err(format!("{applied:?}")) }
                })
                .await;
            let facts = setup.api.facts().into_iter().filter(|fact| fact.revision.as_str() == head);
            let failed: Vec<_> = facts.filter(|fact| matches!(fact.what, Deploy::Failed { .. })).collect();
            assert!(failed.is_empty(), "{failed:?}");
        }
    });
}

#[test]
fn words_of_the_object_stay_readable_beside_a_secret_that_has_them() {
    run(async |cluster| {
        let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web1, namespace: '{target}'}\nspec:\n  \
            replicass: 1\n  selector: {matchLabels: {app: web1}}\n  template:\n    metadata: {labels: {app: web1}}\n    \
            spec: {containers: [{name: web1, image: 'x:1'}]}\n";
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: '{target}'}\n\
            stringData: {host: web1, mode: spec, kind: Deployment}\n";
        let setup = Setup::start(cluster, "apps", &[("apps/d.yaml", deployment), ("apps/s.yaml", secret)]).await;
        setup.condition("Applied", "False", "Failed").await;
        let error = setup.sync().await["status"]["errors"][0].clone();
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("web1; apps/v1, Kind=Deployment") && message.contains(".spec.replicass"), "{message}");
        assert_eq!(error["line"], 5, "{error}");
    });
}
