//! The config repository of the World and of the demo: one Kustomize base, and two environments over it, each with an
//! `images:` entry of its own. `staging` commits at once, `prod` opens a pull request.

/// The names of the environments and the namespaces that they deploy to.
pub const ENVIRONMENTS: [(&str, &str); 2] = [("staging", "shop-staging"), ("prod", "shop-prod")];

/// The path of an environment's overlay.
pub fn overlay_path(environment: &str) -> String {
    format!("clusters/{environment}/kustomization.yaml")
}

/// Its files: path and text, with `image` (without tag) at `tag` in both environments.
pub fn files(image: &str, tag: &str) -> Vec<(String, String)> {
    let mut files = vec![
        (".heddle.yaml".to_owned(), rules(image)),
        ("README.md".to_owned(), "# What runs\n\nHeddle follows this repository.\n".to_owned()),
        ("base/kustomization.yaml".to_owned(), BASE.to_owned()),
        ("base/deployment.yaml".to_owned(), deployment(image)),
        ("base/service.yaml".to_owned(), SERVICE.to_owned()),
    ];
    files.extend(ENVIRONMENTS.map(|(name, namespace)| (overlay_path(name), overlay(namespace, image, tag))));
    files
}

/// `.heddle.yaml`.
pub fn rules(image: &str) -> String {
    format!(
        r#"version: 1
environments:
  - {{name: staging, path: clusters/staging}}
  - {{name: prod, path: clusters/prod}}
images:
  - name: {image}
    environments: [staging]
    policy:
      semver: ">=1.0 <2"
    mode: commit
  - name: {image}
    environments: [prod]
    policy:
      semver: ">=1.0 <2"
    mode: pull-request
"#
    )
}

/// An environment's `kustomization.yaml`. The comments and the odd spacing are a person's, and stay.
pub fn overlay(namespace: &str, image: &str, tag: &str) -> String {
    format!(
        r#"apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources:
  - ../../base

# Which version runs here.
images:
  - name:   {image}
    newTag: "{tag}"   # kept up to date
"#
    )
}

const BASE: &str = r"apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - deployment.yaml
  - service.yaml
";

fn deployment(image: &str) -> String {
    format!(
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  labels: {{app: api}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: api}}
  template:
    metadata:
      labels: {{app: api}}
    spec:
      containers:
        - name: api
          image: {image}
          ports:
            - containerPort: 8080
"#
    )
}

const SERVICE: &str = r"apiVersion: v1
kind: Service
metadata:
  name: api
spec:
  selector: {app: api}
  ports:
    - port: 80
      targetPort: 8080
";
