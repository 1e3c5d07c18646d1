//! Whose the objects and their fields are: what is kept and taken over.

use heddle_testkit::cluster::Cluster;
use serde_json::{Value, json};

use crate::setup::{Setup, config, deployment, run};

/// A ConfigMap with an annotation.
fn guarded(name: &str, annotation: &str) -> String {
    config(name, "x").replace("metadata:\n", &format!("metadata:\n  annotations: {{{annotation}}}\n"))
}

#[test]
fn what_says_in_any_tools_words_that_it_stays_is_not_deleted_whatever_was_approved() {
    run(async |cluster| {
        let guards = [
            ("heddle", "heddle.dev/prune: keep"),
            ("flux", "kustomize.toolkit.fluxcd.io/prune: disabled"),
            ("argo", "argocd.argoproj.io/sync-options: 'Validate=false,Prune=false'"),
            ("helm", "helm.sh/resource-policy: keep"),
            ("kapp", "kapp.k14s.io/delete-strategy: orphan"),
        ];
        let mut files: Vec<(String, String)> =
            guards.iter().map(|(name, words)| (format!("apps/{name}.yaml"), guarded(name, words))).collect();
        files.push(("apps/asks.yaml".into(), guarded("asks", "argocd.argoproj.io/sync-options: Prune=confirm")));
        files.push(("apps/goes.yaml".into(), config("goes", "x")));
        files.push(("apps/stays.yaml".into(), config("stays", "x")));
        let borrowed: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let setup = Setup::start(cluster, "apps", &borrowed).await;
        setup.condition("Ready", "True", "Ready").await;

        let gone: Vec<_> = files.iter().take(guards.len() + 2).map(|(path, _)| (path.as_str(), None)).collect();
        setup.push(&gone).await;
        // One of them asks, so that a person approves what is left of the plan.
        let message = setup.condition("Pruned", "False", "Stopped").await;
        assert!(message.contains("ConfigMap") && message.contains("asks for it"), "{message}");
        let plan = setup.sync().await["status"]["stoppedPrune"].clone();
        assert_eq!(plan["count"], 2, "{plan}");
        let approval = format!("heddle.dev/approve-prune={}", plan["plan"].as_str().unwrap());
        setup.annotate_sync(&approval).await;
        setup.condition("Pruned", "True", "Pruned").await;
        for (name, _) in guards {
            assert!(setup.find(&format!("configmap/{name}")).await.is_some(), "{name}");
        }
        assert!(setup.find("configmap/goes").await.is_none() && setup.find("configmap/asks").await.is_none());
        setup
            .eventually("nothing but what is in the path in the inventory, and no word of leftovers", async || {
                let status = setup.sync().await["status"].clone();
                let is_left = status["conditions"].as_array().unwrap().iter().any(|one| one["type"] == "Leftovers");
                if status["objects"] == 1 && !is_left { Ok(()) } else { Err(status.to_string()) }
            })
            .await;
    });
}

/// A Deployment of one container with these variables.
fn with_env(env: &str) -> String {
    deployment("web", "nginx").replace("image: \"nginx\"}", &format!("image: \"nginx\", env: [{env}]}}"))
}

/// A ConfigMap with these data.
pub fn with_data(name: &str, data: &str) -> String {
    config(name, "x").replace("  key: \"x\"\n", &format!("  {data}\n"))
}

/// An agent whose path has one object of its own, so that others can be there before the agent takes them.
pub async fn beside(cluster: &'static Cluster) -> Setup {
    let setup = Setup::start(cluster, "apps", &[("apps/stub.yaml", &config("stub", "x"))]).await;
    setup.condition("Ready", "True", "Ready").await;
    setup
}

impl Setup {
    /// Lets the Sync's account do everything.
    pub async fn allow_everything(&self) {
        let binding = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: all-of-{0}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}\n\
             subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {0}}}]\n",
            self.system
        );
        self.kubectl(&["apply", "-f", "-"], &binding).await;
    }

    async fn apply_as(&self, args: &[&str], text: &str) {
        let args: Vec<&str> = ["apply", "-f", "-"].iter().chain(args).copied().collect();
        self.kubectl(&args, &text.replace("{target}", &self.target)).await;
    }

    /// Who has fields of an object, apart from controllers of Kubernetes.
    async fn managers(&self, object: &str) -> Vec<String> {
        let text = self.kubectl(&["get", object, "-n", &self.target, "-o", "json", "--show-managed-fields"], "").await;
        let object: Value = serde_json::from_str(&text).unwrap();
        let entries = object["metadata"]["managedFields"].as_array().unwrap().clone();
        let names = entries.iter().map(|entry| entry["manager"].as_str().unwrap().to_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with("kube-") && name != "kwok").collect();
        names.sort();
        names
    }

    /// Waits until nobody but these has fields of an object.
    async fn has_managers(&self, object: &str, expected: &[&str]) {
        self.eventually(&format!("{object} to be of {expected:?}"), async || {
            let managers = self.managers(object).await;
            if managers == expected { Ok(()) } else { Err(format!("{managers:?}")) }
        })
        .await;
    }

    /// Waits until the Sync has no such condition.
    pub async fn is_quiet_about(&self, kind: &str) {
        self.eventually(&format!("no word of {kind}"), async || {
            let status = self.sync().await["status"].clone();
            let is_said = status["conditions"].as_array().unwrap().iter().any(|condition| condition["type"] == kind);
            if is_said { Err(status.to_string()) } else { Ok(()) }
        })
        .await;
    }
}

#[test]
fn what_kubectl_applied_and_git_had_leaves_the_cluster_with_git() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        let web =
            [with_env("{name: KEEP, value: '1'}, {name: SECRET_FLAG, value: x}"), with_env("{name: KEEP, value: '1'}")];
        let conf = [with_data("conf", "{keep: '1', legacy: '1'}"), with_data("conf", "{keep: '1'}")];
        setup.apply_as(&[], &web[0]).await;
        setup.apply_as(&["--server-side"], &conf[0]).await;
        setup.push(&[("apps/web.yaml", Some(&web[0])), ("apps/conf.yaml", Some(&conf[0]))]).await;
        setup.has_managers("deployment/web", &["heddle"]).await;
        setup.has_managers("configmap/conf", &["heddle"]).await;
        let generation = async || setup.find("deployment/web").await.unwrap()["metadata"]["generation"].clone();
        assert_eq!(generation().await, 1, "to take it over changes nothing");

        let head = setup.push(&[("apps/web.yaml", Some(&web[1])), ("apps/conf.yaml", Some(&conf[1]))]).await;
        setup.healthy_at(&head).await;
        let object = setup.find("deployment/web").await.unwrap();
        let env = &object["spec"]["template"]["spec"]["containers"][0]["env"];
        assert_eq!(*env, json!([{"name": "KEEP", "value": "1"}]));
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"], json!({"keep": "1"}));
        assert_eq!(generation().await, 2);
        setup.is_quiet_about("TakeOver").await;
        assert!(setup.api.state("shop").is_some_and(|state| state.drifts.is_empty()), "nobody else did anything");
    });
}

#[test]
fn what_no_file_has_is_named_before_it_goes_or_stays_where_the_sync_says_so() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        let conf = |value: &str| with_data("conf", &format!("{{keep: '{value}'}}"));
        setup.apply_as(&[], &with_data("conf", "{keep: '1', legacy: '1'}")).await;
        setup.push(&[("apps/conf.yaml", Some(&conf("1")))]).await;
        let message = setup.condition("TakeOver", "True", "FieldsGo").await;
        assert!(message.contains(&format!("ConfigMap {}/conf: data.legacy (of kubectl-", setup.target)), "{message}");
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"]["legacy"], "1");

        let take_over = async |how: &str| {
            let patch = json!({"spec": {"takeOver": how}});
            setup.patch_sync(&patch).await;
        };
        take_over("keep").await;
        setup.is_quiet_about("TakeOver").await;
        let head = setup.push(&[("apps/conf.yaml", Some(&conf("2")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"], json!({"keep": "2", "legacy": "1"}));

        take_over("take").await;
        setup.condition("TakeOver", "True", "FieldsGo").await;
        let head = setup.push(&[("apps/conf.yaml", Some(&conf("3")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"], json!({"keep": "3"}));
        setup.is_quiet_about("TakeOver").await;
        setup.has_managers("configmap/conf", &["heddle"]).await;
    });
}

#[test]
fn with_a_change_that_is_refused_nothing_goes_and_neither_with_its_revert() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        let conf = |value: &str| with_data("conf", &format!("{{keep: '{value}'}}"));
        setup.apply_as(&["--server-side"], &with_data("conf", "{keep: '1', legacy: '1'}")).await;
        setup.push(&[("apps/conf.yaml", Some(&conf("1")))]).await;
        setup.condition("TakeOver", "True", "FieldsGo").await;
        let refused = format!("{}dta: {{}}\n", conf("2"));
        setup.push(&[("apps/conf.yaml", Some(&refused))]).await;
        setup.condition("Applied", "False", "Failed").await;
        assert_eq!(setup.managers("configmap/conf").await, ["heddle", "kubectl"]);
        let head = setup.push(&[("apps/conf.yaml", Some(&conf("1")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"], json!({"keep": "1", "legacy": "1"}));
        let head = setup.push(&[("apps/conf.yaml", Some(&conf("3")))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(setup.find("configmap/conf").await.unwrap()["data"], json!({"keep": "3"}));
        setup.has_managers("configmap/conf", &["heddle"]).await;
    });
}

const KUSTOMIZATIONS: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
    metadata: {name: kustomizations.kustomize.toolkit.fluxcd.io}\nspec:\n  group: kustomize.toolkit.fluxcd.io\n  \
    scope: Namespaced\n  names: {kind: Kustomization, plural: kustomizations}\n  versions:\n  - name: v1\n    served: true\n    \
    storage: true\n    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}\n";

#[test]
fn nothing_is_taken_from_a_controller_that_lives_or_may_live() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        setup.kubectl(&["apply", "-f", "-"], KUSTOMIZATIONS).await;
        setup
            .kubectl(&["wait", "--for=condition=Established", "crd/kustomizations.kustomize.toolkit.fluxcd.io"], "")
            .await;
        let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
            metadata: {name: apps, namespace: '{target}'}\nspec: {suspend: false}\n";
        setup.apply_as(&[], flux).await;
        let labels = "kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: '{target}'";
        let theirs = config("conf", "x").replace("metadata:\n", &format!("metadata:\n  labels: {{{labels}}}\n"));
        setup.apply_as(&["--server-side", "--field-manager=kustomize-controller"], &theirs).await;
        setup.push(&[("apps/conf.yaml", Some(&config("conf", "x")))]).await;
        // Its account has no right to look.
        let message = setup.condition("OtherController", "True", "Unknown").await;
        assert!(message.contains(&format!("Flux's Kustomization {}/apps", setup.target)), "{message}");

        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: look, namespace: {0}}}\nrules:\n\
             - {{apiGroups: [kustomize.toolkit.fluxcd.io], resources: [kustomizations], verbs: [get]}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: look, namespace: {0}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: look}}\n\
             subjects: [{{kind: ServiceAccount, name: heddle-deployer, namespace: {1}}}]\n",
            setup.target, setup.system
        );
        setup.kubectl(&["apply", "-f", "-"], &role).await;
        setup.push(&[("README", Some("a"))]).await;
        setup.condition("OtherController", "True", "Alive").await;
        assert_eq!(setup.managers("configmap/conf").await, ["heddle", "kustomize-controller"]);

        setup.apply_as(&[], &flux.replace("false", "true")).await;
        setup.push(&[("README", Some("b"))]).await;
        // Its labels are in no file: they are named, and go with the next change.
        setup.condition("TakeOver", "True", "FieldsGo").await;
        setup.is_quiet_about("OtherController").await;
        let head = setup.push(&[("apps/conf.yaml", Some(&config("conf", "y")))]).await;
        setup.healthy_at(&head).await;
        setup.has_managers("configmap/conf", &["heddle"]).await;
        let labels = setup.find("configmap/conf").await.unwrap()["metadata"]["labels"].clone();
        assert_eq!(labels.as_object().unwrap().len(), 1, "{labels}");
    });
}

#[test]
fn what_may_be_of_a_controller_elsewhere_is_not_taken_and_the_kinds_are_asked_for_once() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        setup.allow_everything().await;
        let names = ["one", "two", "three"];
        let theirs = |name: &str| {
            let labels = format!("helm.toolkit.fluxcd.io/name: {name}, helm.toolkit.fluxcd.io/namespace: flux-system");
            config(name, "x").replace("metadata:\n", &format!("metadata:\n  labels: {{{labels}}}\n"))
        };
        for name in names {
            setup.apply_as(&["--server-side", "--field-manager=helm-controller"], &theirs(name)).await;
        }
        let files = names.map(|name| (format!("apps/{name}.yaml"), config(name, "x")));
        setup.push(&files.each_ref().map(|(path, text)| (path.as_str(), Some(text.as_str())))).await;
        let message = setup.condition("OtherController", "True", "NotHere").await;
        for said in
            ["Flux's HelmRelease flux-system/", "another cluster", "`helm.toolkit.fluxcd.io/name`", "2 more objects"]
        {
            assert!(message.contains(said), "{said}: {message}");
        }
        let (discovered, fetched) = (setup.discoveries(), setup.fetches().await);
        let head = setup.push(&[("README", Some("a"))]).await;
        setup.healthy_at(&head).await;
        let (discovered, fetched) = (setup.discoveries() - discovered, setup.fetches().await - fetched);
        let mut managers = Vec::new();
        for name in names {
            managers.push(setup.managers(&format!("configmap/{name}")).await);
        }
        let is_untouched = managers.iter().all(|managers| *managers == ["heddle", "helm-controller"]);
        let is_asked_once = discovered as u64 <= fetched;
        assert!(is_untouched && is_asked_once, "{managers:?}; asked {discovered} times in {fetched} looks");

        for name in names {
            let object = format!("configmap/{name}");
            setup.kubectl(&["label", &object, "helm.toolkit.fluxcd.io/name-", "-n", &setup.target], "").await;
        }
        setup.push(&[("README", Some("b"))]).await;
        setup.is_quiet_about("OtherController").await;
        let head = setup.push(&[("apps/one.yaml", Some(&config("one", "y")))]).await;
        setup.healthy_at(&head).await;
        setup.has_managers("configmap/one", &["heddle"]).await;
    });
}

#[test]
fn what_is_of_a_controller_that_is_gone_for_good_is_taken_where_the_sync_says_so() {
    run(async |cluster| {
        let setup = beside(cluster).await;
        setup.allow_everything().await;
        let tracking = "argocd.argoproj.io/tracking-id: 'shop:/ConfigMap:{target}/conf'";
        let theirs = config("conf", "x").replace("metadata:\n", &format!("metadata:\n  annotations: {{{tracking}}}\n"));
        setup.apply_as(&["--server-side", "--field-manager=argocd-controller"], &theirs).await;
        setup.push(&[("apps/conf.yaml", Some(&config("conf", "x")))]).await;
        let message = setup.condition("OtherController", "True", "NotHere").await;
        assert!(message.contains("`spec.takeOver: orphaned`"), "{message}");
        assert_eq!(setup.managers("configmap/conf").await, ["argocd-controller", "heddle"]);

        let orphaned = json!({"spec": {"takeOver": "orphaned"}});
        setup.patch_sync(&orphaned).await;
        let message = setup.condition("TakeOver", "True", "FieldsGo").await;
        assert!(message.contains("tracking-id"), "{message}");
        setup.is_quiet_about("OtherController").await;
        let head = setup.push(&[("apps/conf.yaml", Some(&config("conf", "y")))]).await;
        setup.healthy_at(&head).await;
        setup.has_managers("configmap/conf", &["heddle"]).await;
        assert_eq!(setup.find("configmap/conf").await.unwrap()["metadata"].get("annotations"), None);
    });
}

impl Setup {
    /// How often the Sync's account has asked which kinds there are.
    fn discoveries(&self) -> usize {
        let account = format!("system:serviceaccount:{}:heddle-deployer", self.system);
        let log = std::fs::read_to_string(self.cluster.audit_log()).unwrap();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_ours = |event: &Value| event["impersonatedUser"]["username"] == account.as_str();
        events.filter(|event| is_ours(event) && event["requestURI"] == "/apis").count()
    }
}

/// kubernetes#24198, and its siblings: a default that the API server put in goes when the manifest chooses another member.
#[test]
fn kubernetes_24198_a_default_gives_way_to_what_is_wanted() {
    run(async |cluster| {
        let web = |strategy: &str| {
            deployment("web", "nginx").replace("  replicas: 1\n", &format!("  replicas: 1\n{strategy}"))
        };
        let volume = |source: &str| {
            deployment("vol", "nginx")
                .replace("      containers:\n", &format!("      volumes: [{{name: v{source}}}]\n      containers:\n"))
        };
        let set = |strategy: &str| {
            deployment("set", "nginx")
                .replace("kind: Deployment", "kind: StatefulSet")
                .replace("  replicas: 1\n", &format!("  replicas: 1\n  serviceName: set\n{strategy}"))
        };
        let (plain, recreate) = (web(""), web("  strategy: {type: Recreate}\n"));
        let (empty, claim) = (volume(""), volume(", configMap: {name: kube-root-ca.crt}"));
        let (rolls, waits) = (set(""), set("  updateStrategy: {type: OnDelete}\n"));
        let files = [("apps/web.yaml", plain.as_str()), ("apps/vol.yaml", &empty), ("apps/set.yaml", &rolls)];
        let setup = Setup::start(cluster, "apps", &files).await;
        setup.condition("Ready", "True", "Ready").await;

        let head = setup
            .push(&[
                ("apps/web.yaml", Some(&recreate)),
                ("apps/vol.yaml", Some(&claim)),
                ("apps/set.yaml", Some(&waits)),
            ])
            .await;
        setup.healthy_at(&head).await;
        let spec = async |object: &str| setup.find(object).await.unwrap()["spec"].clone();
        assert_eq!(spec("deployment/web").await["strategy"], json!({"type": "Recreate"}));
        assert_eq!(spec("statefulset/set").await["updateStrategy"], json!({"type": "OnDelete"}));
        let volumes = spec("deployment/vol").await["template"]["spec"]["volumes"].clone();
        assert!(volumes[0].get("emptyDir").is_none() && volumes[0]["configMap"].is_object(), "{volumes}");

        // What was patched is ours as all else is, and goes with its file's word for it.
        setup.has_managers("deployment/web", &["heddle"]).await;
        let null = web("  strategy: {type: Recreate, rollingUpdate: null}\n");
        let head = setup.push(&[("apps/web.yaml", Some(&plain))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(spec("deployment/web").await["strategy"]["type"], "RollingUpdate");
        let head = setup.push(&[("apps/web.yaml", Some(&null))]).await;
        setup.healthy_at(&head).await;
        assert_eq!(spec("deployment/web").await["strategy"], json!({"type": "Recreate"}));
    });
}

/// flux2#5715: the API server cannot convert the object to the version under which its entry stands.
#[test]
fn flux2_5715_the_version_of_an_object_rises() {
    run(async |cluster| {
        let schema = |more: &str| {
            format!(
                "{{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: \
                 {{port: {{type: string}}, old: {{type: string}}{more}}}}}}}}}}}"
            )
        };
        let version = |name: &str, is_stored: bool, more: &str| {
            format!("  - {{name: {name}, served: true, storage: {is_stored}, schema: {}}}\n", schema(more))
        };
        let definition = |versions: &str| {
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
                 metadata: {{name: 'servers.{{target}}.example.org'}}\nspec:\n  group: '{{target}}.example.org'\n  \
                 scope: Namespaced\n  names: {{kind: Server, plural: servers}}\n  versions:\n{versions}"
            )
        };
        let newer = version("v1beta3", true, ", accessPolicy: {type: string, default: deny}");
        let both = definition(&format!("{}{newer}", version("v1beta1", false, "")));
        let server = |version: &str, spec: &str| {
            format!(
                "apiVersion: '{{target}}.example.org/{version}'\nkind: Server\n\
                 metadata: {{name: s, namespace: '{{target}}'}}\nspec: {{{spec}}}\n"
            )
        };
        let setup = beside(cluster).await;
        setup.allow_everything().await;
        setup
            .push(&[
                ("apps/crd.yaml", Some(&both)),
                ("apps/s.yaml", Some(&server("v1beta1", "port: management, old: x"))),
            ])
            .await;
        let object = format!("servers.{}.example.org/s", setup.target);
        let has_spec = async |expected: Value| {
            setup
                .eventually(&expected.to_string(), async || {
                    let args = ["get", &object, "-n", &setup.target, "-o", "json"];
                    let text = setup.cluster.kubectl(&args, "").await.map_err(|error| error.to_string())?;
                    let spec = serde_json::from_str::<Value>(&text).unwrap()["spec"].clone();
                    if spec == expected { Ok(()) } else { Err(format!("{spec} {}", setup.sync().await["status"])) }
                })
                .await;
        };
        has_spec(json!({"port": "management", "old": "x", "accessPolicy": "deny"})).await;
        setup.push(&[("apps/s.yaml", Some(&server("v1beta3", "port: management, old: x")))]).await;
        setup.condition("Applied", "True", "Applied").await;
        setup.push(&[("apps/s.yaml", Some(&server("v1beta3", "port: other")))]).await;
        has_spec(json!({"port": "other", "accessPolicy": "deny"})).await;
        setup.has_managers(&object, &["heddle"]).await;
    });
}
