//! `heddle diff` against a real API server.

use heddle_reconcile::FIELD_MANAGER;
use heddle_testkit::cluster::{Cluster, Settings};

use crate::{
    local::{path, with},
    program::{Ended, Person},
};

const SHOP: &str = "apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - {name: api, image: 'ghcr.io/acme/api:1.4.1', resources: {limits: {cpu: 1000m}}, env: [{name: COLOR, value: red}]}
---
apiVersion: v1
kind: Secret
metadata: {name: door, namespace: shop}
stringData: {password: hunter2hunter2}
";

const RIGHTS: &str = "apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: shop}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
  - {apiGroups: ['*'], resources: ['*'], verbs: [get, list]}
  - {apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [create, patch]}
";

/// The reader may write Roles, but grant no right that it has not itself.
const GRANT: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: cleaner, namespace: shop}
rules: [{apiGroups: [''], resources: [pods], verbs: [delete]}]
";

const WRONG_SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: door, namespace: shop}
stringData: {pin: 73319046}
";

const HOOK: &str = "apiVersion: batch/v1
kind: Job
metadata: {generateName: migrate-, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: m}]}}}
";

async fn diff(person: &Person, kubeconfig: &str, file: &str, more: &[&str]) -> Ended {
    let file = path(person, file);
    let arguments: Vec<&str> =
        ["diff", &file, "--kubeconfig", kubeconfig].into_iter().chain(more.iter().copied()).collect();
    person.run(&arguments).await
}

/// One control plane for the whole walk: it takes seconds to start.
#[tokio::test]
async fn a_cluster_says_what_an_apply_would_change() {
    let cluster = Cluster::start(Settings::default()).await.unwrap();
    let kubeconfig = cluster.kubeconfig().to_str().unwrap().to_owned();
    let changed = SHOP
        .replace("1.4.1", "1.4.2")
        .replace("1000m", "'1'")
        .replace(", env: [{name: COLOR, value: red}]", "")
        .replace("hunter2hunter2", "hunter3hunter3");
    let misspelt = SHOP.replace("replicas: 2", "replica: 2").replace("hunter2hunter2", "hunter3hunter3");
    let foreign = "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: old}\n---\n\
                   apiVersion: acme.dev/v1\nkind: Cache\nmetadata: {name: c}\n";
    let loose = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lonely}\n";
    let person = with(&[
        ("shop.yaml", SHOP),
        ("changed.yaml", &changed),
        ("misspelt.yaml", &misspelt),
        ("foreign.yaml", foreign),
        ("loose.yaml", loose),
        ("grant.yaml", &format!("{changed}---\n{GRANT}")),
        ("wrong-secret.yaml", WRONG_SECRET),
        ("folder/shop.yaml", SHOP),
        ("folder/hook.yaml", HOOK),
    ]);

    let new = diff(&person, &kubeconfig, "shop.yaml", &[]).await;
    assert_eq!(new.code, 1, "{new:?}");
    assert_eq!(new.stdout.lines().filter(|line| line.ends_with("is not in the cluster")).count(), 3, "{new:?}");

    let manager = format!("--field-manager={FIELD_MANAGER}");
    cluster.kubectl(&["apply", "--server-side", &manager, "-f", "-"], SHOP).await.unwrap();
    for same in ["shop.yaml", "folder"] {
        let ended = diff(&person, &kubeconfig, same, &[]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
        assert_eq!(ended.stderr.contains("so 1 of 4 objects were not compared"), same == "folder", "{ended:?}");
    }

    let ended = diff(&person, &kubeconfig, "changed.yaml", &[]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    for part in [
        "spec.template.spec.containers[name=api].image\n    - \"ghcr.io/acme/api:1.4.1\"\n    + \"ghcr.io/acme/api:1.4.2\"\n",
        "spec.template.spec.containers[name=api].env\n    - [{\"name\":\"COLOR\",\"value\":\"red\"}]\n",
    ] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
    assert!(!ended.stdout.contains("cpu"), "the quantities are equal: {}", ended.stdout);
    assert!(ended.stdout.contains("Secret") && !format!("{ended:?}").contains("hunter"), "{ended:?}");

    let ended = diff(&person, &kubeconfig, "misspelt.yaml", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(".spec.replica: field not declared in schema"), "{}", ended.stderr);
    assert!(ended.stdout.contains("Secret"), "the others are told all the same: {}", ended.stdout);

    let ended = diff(&person, &kubeconfig, "foreign.yaml", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    for part in [
        "the cluster serves no Deployment in `apps/v1beta1`: it has apps/v1",
        "the cluster serves no Cache in `acme.dev/v1`: install its CustomResourceDefinition first",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }

    let ended = diff(&person, &kubeconfig, "wrong-secret.yaml", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("wrong-secret.yaml:4: `stringData` must hold texts"), "{}", ended.stderr);
    assert!(!format!("{ended:?}").contains("73319046"), "{ended:?}");

    let ended = diff(&person, &kubeconfig, "loose.yaml", &["--namespace", "nowhere"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("namespaces \"nowhere\" not found"), "{}", ended.stderr);

    cluster.kubectl(&["apply", "-f", "-"], RIGHTS).await.unwrap();
    let login = cluster.service_account_kubeconfig("shop", "reader", &cluster.url().unwrap()).await.unwrap();
    let reader = person.home.path().join("reader.kubeconfig");
    std::fs::write(&reader, login).unwrap();
    let ended = diff(&person, reader.to_str().unwrap(), "changed.yaml", &[]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("1.4.2") && !ended.stdout.contains("replicas"), "{}", ended.stdout);
    assert!(ended.stderr.contains("the login may not patch 3 of 3 objects"), "{}", ended.stderr);

    let ended = diff(&person, reader.to_str().unwrap(), "grant.yaml", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("attempting to grant RBAC permissions not currently held"), "{}", ended.stderr);
    assert!(ended.stderr.contains("the login may not patch 3 of 4 objects"), "{}", ended.stderr);

    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_cluster_the_message_says_how_to_name_one() {
    let person = with(&[("shop.yaml", SHOP)]);
    let ended = diff(&person, "/nowhere/config", "shop.yaml", &[]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("/nowhere/config") && ended.stderr.contains("--context"), "{}", ended.stderr);
}
