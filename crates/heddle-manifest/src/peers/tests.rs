use super::*;
use crate::{
    config,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment},
};

fn imported(files: &[(&str, &str)]) -> Imported {
    let mut all = Files::default();
    for (path, text) in files {
        all.insert((*path).to_owned(), (*text).to_owned());
    }
    let environments = [FoundEnvironment::new("any".parse().unwrap(), "", EnvironmentOrigin::Folder)];
    let found = crate::find(&FindInput { files: &all, environments: &environments });
    import(&all, &found, None)
}

/// The rules without what says where they come from, and what differs, both as text.
fn check(files: &[(&str, &str)], rules: &str, differs: &[&str]) {
    let imported = imported(files);
    let said: Vec<&str> = imported.config.lines().filter(|line| !line.trim_start().starts_with('#')).skip(2).collect();
    assert_eq!(said.join("\n"), rules.trim_end(), "{imported:#?}");
    let told: Vec<String> = imported
        .differs
        .iter()
        .map(|one| format!("{}:{}: {}", one.file, one.line, one.message))
        .filter(|told| {
            !["only a tag above the running one", "not built yet", "no `Sync` is written"]
                .iter()
                .any(|words| told.contains(words))
        })
        .collect();
    assert_eq!(told, differs);
}

fn deployment(head: &str, containers: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {head}\nspec:\n  template:\n    spec:\n      containers:\n{containers}"
    )
}

const FLUX: &str = "apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: api, namespace: flux-system}
spec: {image: ghcr.io/acme/api, exclusionList: ['-debug$']}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: api, namespace: flux-system}
spec: {imageRepositoryRef: {name: api}, policy: {semver: {range: '>=1.0.0 <2'}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: idle, namespace: flux-system}
spec: {imageRepositoryRef: {name: idle}, policy: {alphabetical: {order: desc}}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: all, namespace: flux-system}
spec: {git: {checkout: {ref: {branch: main}}}, update: {path: ./apps}}
";

#[test]
fn a_marker_of_flux_becomes_a_rule_for_its_container_alone() {
    let workload = deployment(
        "{name: api}",
        "        - name: api
          image: ghcr.io/acme/api:1.2.3 # {\"$imagepolicy\": \"flux-system:api\"}
        - name: canary
          image: ghcr.io/acme/api:1.2.3
        - name: gone
          image: ghcr.io/acme/gone:1.0.0 # {\"$imagepolicy\": \"flux-system:gone\"}
",
    );
    check(
        &[("apps/api.yaml", &workload), ("flux.yaml", FLUX)],
        "  - name: ghcr.io/acme/api
    paths: [apps/api.yaml]
    containers: [api]
    policy:
      semver: '>=1.0.0 <2'
      ignore: ['regexp:-debug$']
      suffix: '*'
    mode: commit
",
        &[
            "apps/api.yaml:13: marker `flux-system:gone`: there is no such `ImagePolicy` here, so no rule is written for it",
            "flux.yaml:11: ImagePolicy `flux-system/idle`: no marker names it, so it updates nothing and no rule is written for it",
        ],
    );
}

#[test]
fn annotations_of_flux_1_become_a_rule_for_each_container() {
    let head = "{name: a, annotations: {fluxcd.io/automated: 'true', fluxcd.io/tag.a: 'semver:~1.2'}}";
    let containers =
        "        - {name: a, image: 'quay.io/x/a:1.2.0'}\n        - {name: b, image: 'quay.io/x/b:main'}\n";
    check(
        &[("a.yaml", &deployment(head, containers))],
        "  - name: quay.io/x/a
    paths: [a.yaml]
    policy:
      semver: '~1.2'
      suffix: '*'
    mode: commit
  - name: quay.io/x/b
    paths: [a.yaml]
    policy:
      newest: created
    mode: commit
",
        &[],
    );
    let locked = head.replace("tag.a: 'semver:~1.2'", "locked: 'true'");
    let imported = imported(&[("a.yaml", &deployment(&locked, "        - {name: a, image: 'quay.io/x/a:1.2.0'}\n"))]);
    assert!(imported.config.ends_with("mode: observe\n"), "{imported:#?}");
}

#[test]
fn annotations_of_image_updater_hold_below_the_applications_paths() {
    let application = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
  annotations:
    argocd-image-updater.argoproj.io/image-list: web=ghcr.io/acme/web:~1.2, ghcr.io/Acme/x
    argocd-image-updater.argoproj.io/web.allow-tags: regexp:^v?[0-9.]+$
    argocd-image-updater.argoproj.io/web.ignore-tags: '*-rc, [a-c]*'
    argocd-image-updater.argoproj.io/write-back-method: git
    argocd-image-updater.argoproj.io/git-branch: main:updates
spec: {source: {path: charts/web}}
";
    check(
        &[("argo/web.yaml", application)],
        "  - name: ghcr.io/acme/web
    paths: [argo/web.yaml, 'charts/web/**']
    policy:
      semver: '~1.2'
      allow: ['regexp:^v?[0-9.]+$']
      ignore: ['glob:*-rc', 'regexp:^[a-c][^/]*$']
      suffix: '*'
    mode: pull-request
",
        &[
            "argo/web.yaml:1: Application `web`: `ghcr.io/Acme/x` has upper-case letters: the repository of an image is \
           written in lower case, so no rule is written for it",
        ],
    );
}

#[test]
fn an_image_updater_object_gives_what_an_image_does_not_say() {
    let object = "apiVersion: argocd-image-updater.argoproj.io/v1alpha1
kind: ImageUpdater
metadata: {name: all}
spec:
  commonUpdateSettings: {updateStrategy: alphabetical}
  writeBackConfig: {method: git, gitConfig: {branch: main}}
  applicationRefs:
    - namePattern: 'web*'
      images:
        - {alias: a, imageName: 'nginx:1.x', commonUpdateSettings: {updateStrategy: semver}}
        - {alias: b, imageName: ghcr.io/acme/b}
";
    check(
        &[("updater.yaml", object)],
        "  - name: docker.io/library/nginx
    policy:
      semver: '1.x'
      suffix: '*'
    mode: commit
  - name: ghcr.io/acme/b
    policy:
      alphabetical: asc
    mode: commit
",
        &["updater.yaml:1: ImageUpdater `all`: no `Application` here matches `web*`, so its rules hold in every file"],
    );
}

#[test]
fn keels_annotations_become_rules_that_write_to_git() {
    let head =
        "{name: k, annotations: {keel.sh/policy: minor, keel.sh/approvals: '2', keel.sh/monitorContainers: '^k$'}}";
    let containers = "        - {name: k, image: 'acme/k:1.0.0'}\n        - {name: side, image: 'acme/side:1.0.0'}\n";
    check(
        &[("k.yaml", &deployment(head, containers))],
        "  - name: docker.io/acme/k
    paths: [k.yaml]
    policy:
      semver: '*'
      within: minor
    mode: pull-request
",
        &[
            "k.yaml:8: Keel's annotations: Heddle writes the tag to git; Keel patches the cluster",
            "k.yaml:8: Keel's annotations: `approvals: 2` becomes a pull request, with the rules of your branch",
            "k.yaml:8: Keel's annotations: a running pre-release moves on to releases; there its text must stay equal",
        ],
    );
}

#[test]
fn what_nothing_updates_today_is_told_where_a_rule_would() {
    let application = "apiVersion: argoproj.io/v1alpha1
kind: ImageUpdater
metadata: {name: all}
";
    let object = application.replace("argoproj.io", "argocd-image-updater.argoproj.io")
        + "spec: {applicationRefs: [{namePattern: web, images: [{alias: a, imageName: 'acme/a:1.x'}]}]}\n";
    let marked =
        deployment("{name: a, annotations: {keel.sh/policy: patch}}", "        - {name: a, image: 'acme/a:1.0.0'}\n");
    let imported = imported(&[("a.yaml", &marked), ("u.yaml", &object)]);
    let told = imported.differs.iter().find(|one| one.message.starts_with("`docker.io/acme/a:1.0.0`")).unwrap();
    assert_eq!(
        told.message,
        "`docker.io/acme/a:1.0.0`: today Keel's annotations and ImageUpdater `all` update it; the rule of Keel's annotations will"
    );
}

#[test]
fn what_is_written_can_be_read() {
    let imported = imported(&[("apps/api.yaml", "a: 1\n"), ("flux.yaml", FLUX)]);
    assert_eq!((imported.rules, imported.config.as_str()), (0, "version: 1\nimages: []\n"));
    assert!(config::read(&imported.config).1.is_empty());
    for text in ["1.10", "yes", "it's", "a#b", "", "*", "main", "a\\b"] {
        let yaml = format!("a: {}\n", write::quoted(text));
        let documents = Documents::read(&yaml);
        assert_eq!(documents.roots[0].get("a").unwrap().text(), Some(text), "{yaml}");
    }
}

#[test]
fn a_policy_of_flux_that_cannot_be_read_is_told_with_what_is_wrong() {
    let broken = FLUX.replace("policy: {semver: {range: '>=1.0.0 <2'}}", "policy: {}");
    let imported = imported(&[("flux.yaml", &broken)]);
    let told: Vec<&str> = imported.differs.iter().map(|one| one.message.as_str()).collect();
    let reason = "`policy` has no kind: write `semver`, `alphabetical` or `numerical`, so no rule is written for it";
    assert!(told.contains(&format!("ImagePolicy `flux-system/api`: {reason}").as_str()), "{told:?}");
}

#[test]
fn keels_key_in_the_values_of_a_chart_is_for_the_images_that_it_names() {
    let values = "image: {repository: acme/api, tag: 1.0.0}
sidecar: {image: {repository: acme/side, tag: 1.0.0}}
keel:
  policy: patch
  trigger: poll
  images:
    - {repository: image.repository, tag: image.tag}
";
    check(
        &[("chart/values.yaml", values)],
        "  - name: docker.io/acme/api
    paths: [chart/values.yaml]
    policy:
      semver: '*'
      within: patch
    mode: commit
",
        &[
            "chart/values.yaml:3: `keel` in the values: Heddle writes the tag to git; Keel patches the cluster",
            "chart/values.yaml:3: `keel` in the values: `keel.sh/trigger` has no counterpart: images are watched by Heddle's own rhythm",
            "chart/values.yaml:3: `keel` in the values: a running pre-release moves on to releases; there its text must stay equal",
        ],
    );
    let never = values.replace("policy: patch", "policy: never");
    assert_eq!(imported(&[("chart/values.yaml", &never)]).rules, 0);
    let unnamed = values.replace("image.repository, tag: image.tag", "other.repository, tag: other.tag");
    assert_eq!(imported(&[("chart/values.yaml", &unnamed)]).rules, 0);
}

/// A policy and its repository in a namespace, and an automation for a folder.
fn policy(spec: &str) -> String {
    format!(
        "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {{name: web, namespace: f}}\nspec: {{image: ghcr.io/acme/web}}\n---\n\
         apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {{name: web, namespace: f}}\nspec: {{imageRepositoryRef: {{name: web}}{spec}}}\n"
    )
}

fn marked(image: &str) -> String {
    deployment("{name: web}", &format!("      - name: web\n        image: {image} # {{\"$imagepolicy\": \"f:web\"}}\n"))
}

/// What each rule says of tags, and where.
fn rules(files: &[(&str, &str)]) -> (Vec<String>, String) {
    let imported = imported(files);
    let (config, _) = config::read(&imported.config);
    let said = config.rules.iter().map(|rule| {
        let (policy, selector) = (rule.ruling.policy.as_ref().unwrap(), rule.selector.as_ref().unwrap());
        let paths: Vec<&str> = selector.paths.iter().map(Glob::as_str).collect();
        let order = policy.semver.clone().or(policy.digest.clone()).or(policy.matches.clone()).unwrap_or_default();
        format!("{} {order} {:?}", paths.join("+"), selector.containers)
    });
    let differs: Vec<String> = imported.differs.iter().map(|one| one.message.clone()).collect();
    (said.collect(), differs.join("\n"))
}

#[test]
fn a_marker_means_the_policy_that_is_nearest() {
    let (dev, prod) = (policy(", policy: {semver: {range: '>=1-0'}}"), policy(", policy: {semver: {range: '~1.4'}}"));
    let workload = marked("ghcr.io/acme/web:1.4.0");
    let (said, _) = rules(&[
        ("clusters/dev/flux/p.yaml", &dev),
        ("clusters/dev/web.yaml", &workload),
        ("clusters/prod/flux/p.yaml", &prod),
        ("clusters/prod/web.yaml", &workload),
    ]);
    assert_eq!(said, ["clusters/dev/web.yaml >=1-0 []", "clusters/prod/web.yaml ~1.4 []"]);
    let (said, differs) =
        rules(&[("clusters/dev/p.yaml", &dev), ("clusters/prod/p.yaml", &prod), ("apps/web.yaml", &workload)]);
    assert_eq!(said, Vec::<String>::new());
    assert!(differs.contains("none is nearer"), "{differs}");
}

#[test]
fn a_policy_is_read_as_the_patches_of_a_kustomization_complete_it() {
    let base = policy("");
    let patch = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: all}\nspec: {policy: {semver: {range: 1.x}}}\n";
    let workload = marked("ghcr.io/acme/web:1.4.0");
    for body in ["path: patch.yaml", "patch: '[{op: add, path: /spec/policy, value: {semver: {range: 1.x}}}]'"] {
        let kustomization =
            format!("resources: [p.yaml, web.yaml]\npatches: [{{{body}, target: {{kind: ImagePolicy}}}}]\n");
        let files = [
            ("kustomization.yaml", kustomization.as_str()),
            ("p.yaml", &base),
            ("patch.yaml", patch),
            ("web.yaml", &workload),
        ];
        let (said, differs) = rules(&files);
        assert_eq!(said, ["web.yaml 1.x []"], "{differs}");
        assert!(!differs.contains("has no kind"), "{differs}");
    }
    let overlay = |stage: &str| {
        format!(
            "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {{name: web, namespace: f}}\nspec: {{filterTags: {{pattern: '^{stage}-v(.*)', extract: $1}}}}\n"
        )
    };
    let (dev, prod) = (overlay("dev"), overlay("prod"));
    let whole = policy(", policy: {semver: {range: '>=1'}}");
    let kustomization = "resources: [../base, web.yaml]\npatches: [{path: p.yaml}]\n";
    let (said, _) = rules(&[
        ("base/kustomization.yaml", "resources: [p.yaml]\n"),
        ("base/p.yaml", &whole),
        ("dev/kustomization.yaml", kustomization),
        ("dev/p.yaml", &dev),
        ("dev/web.yaml", &marked("ghcr.io/acme/web:dev-v1.0.0")),
        ("prod/kustomization.yaml", kustomization),
        ("prod/p.yaml", &prod),
        ("prod/web.yaml", &marked("ghcr.io/acme/web:prod-v1.0.0")),
    ]);
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn what_a_kustomization_makes_of_a_policy_counts_for_markers_beside_its_text() {
    let patch = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: all}\nspec: {policy: {semver: {range: 1.x}}}\n";
    let patches = "patches: [{path: patch.yaml, target: {kind: ImagePolicy, annotationSelector: auto != off}}]\n";
    let (base, workload) = (policy(""), marked("ghcr.io/acme/web:1.4.0"));
    let flux = format!("namespace: flux-system\nresources: [../../web/automation]\n{patches}");
    let (said, differs) = rules(&[
        ("apps/flux/automation/kustomization.yaml", &flux),
        ("apps/flux/automation/patch.yaml", patch),
        ("apps/web/automation/kustomization.yaml", "resources: [../policy.yaml]\n"),
        ("apps/web/policy.yaml", &base),
        ("apps/web/web.yaml", &workload),
    ]);
    assert_eq!(said, ["apps/web/web.yaml 1.x []"], "{differs}");
    assert!(!differs.contains("has no kind") && !differs.contains("no marker names it"), "{differs}");
    // One environment takes it as it stands, the other one with a patch.
    let whole = policy(", policy: {semver: {range: '>=2'}}");
    let (said, differs) = rules(&[
        ("base/kustomization.yaml", "resources: [policy.yaml]\n"),
        ("base/policy.yaml", &whole),
        ("dev/kustomization.yaml", "resources: [../base, web.yaml]\n"),
        ("dev/web.yaml", &workload),
        ("prod/kustomization.yaml", &format!("resources: [../base, web.yaml]\n{patches}")),
        ("prod/patch.yaml", patch),
        ("prod/web.yaml", &workload),
    ]);
    assert_eq!(said, ["dev/web.yaml >=2 []", "prod/web.yaml 1.x []"], "{differs}");
}

#[test]
fn what_stands_before_a_marker_is_not_taken_for_what_the_policy_is_for() {
    let policy = policy(", policy: {semver: {range: 1.x}}");
    let (said, differs) = rules(&[("p.yaml", &policy), ("web.yaml", &marked("nginx:latest"))]);
    assert_eq!(said, Vec::<String>::new());
    assert!(differs.contains("its policy is for `ghcr.io/acme/web`"), "{differs}");
    let mirror = "image:\n  repository: mirror.io/acme/web\n  tag: 1.0.0 # {\"$imagepolicy\": \"f:web:tag\"}\n";
    let (said, differs) = rules(&[("p.yaml", &policy), ("values.yaml", mirror)]);
    assert_eq!(said.len(), 1);
    assert!(differs.contains("Flux reads the tags of `ghcr.io/acme/web`"), "{differs}");
}

#[test]
fn a_policy_that_lets_one_tag_in_and_reflects_digests_follows_it() {
    let policy = policy(
        ", filterTags: {pattern: ^latest$}, digestReflectionPolicy: Always, interval: 1m, policy: {alphabetical: {}}",
    );
    let (said, differs) = rules(&[("p.yaml", &policy), ("web.yaml", &marked("ghcr.io/acme/web:latest"))]);
    assert_eq!((said.join(","), differs.as_str()), ("web.yaml latest []".to_owned(), ""));
}

#[test]
fn image_updater_writes_where_its_settings_say() {
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: two\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: a=ghcr.io/acme/web:~1.4, b=ghcr.io/acme/web:^2\n    argocd-image-updater.argoproj.io/a.helm.image-tag: stable.image.tag\n    argocd-image-updater.argoproj.io/b.helm.image-tag: next.image.tag\n    argocd-image-updater.argoproj.io/write-back-method: git\n    argocd-image-updater.argoproj.io/write-back-target: helmvalues:/envs/values.yaml\nspec: {source: {path: charts/web}}\n";
    let values = "stable:\n  image: {name: ghcr.io/acme/web, tag: 1.4.0}\nnext:\n  image: {name: ghcr.io/acme/web, tag: 2.0.0}\n";
    let (said, _) =
        rules(&[("app.yaml", application), ("envs/values.yaml", values), ("charts/web/values.yaml", values)]);
    assert_eq!(said, ["envs/values.yaml ~1.4 [\"stable\"]", "envs/values.yaml ^2 [\"next\"]"]);
}

#[test]
fn keel_leaves_init_containers_alone_where_nobody_asks_for_them() {
    let workload = |more: &str| {
        deployment(
            &format!("{{name: w, annotations: {{keel.sh/policy: major{more}}}}}"),
            "      - {name: a, image: 'acme/a:1.0.0'}\n      initContainers:\n      - {name: c, image: 'acme/c:1.0.0'}\n",
        )
    };
    assert_eq!(rules(&[("w.yaml", &workload(""))]).0.len(), 1);
    assert_eq!(rules(&[("w.yaml", &workload(", keel.sh/initContainers: 'true'"))]).0.len(), 2);
}

#[test]
fn ways_that_count_members_of_lists_lead_to_images() {
    let application = |target: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: t\n  annotations:\n    argocd-image-updater.argoproj.io/image-list: a=ghcr.io/acme/web:~1.4\n    argocd-image-updater.argoproj.io/a.helm.image-tag: images[1].tag\n    argocd-image-updater.argoproj.io/write-back-method: git\n    argocd-image-updater.argoproj.io/write-back-target: {target}\nspec: {{source: {{path: ./charts/web}}}}\n"
        )
    };
    let image = |tag: &str| format!("- {{name: n{tag}, image: ghcr.io/acme/web, tag: \"1.4.{tag}\"}}\n");
    let values = format!("images:\n{}{}", image("0"), image("1"));
    for (target, file) in [
        ("helmvalues", "charts/web/values.yaml"),
        ("helmvalues:prod.yaml", "charts/web/prod.yaml"),
        ("helmvalues:../../envs/v.yaml", "envs/v.yaml"),
        ("helmvalues:/envs/v.yaml", "envs/v.yaml"),
    ] {
        let files = [("app.yaml", application(target)), (file, values.clone()), ("other.yaml", values.clone())];
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let config = imported(&files).config;
        assert!(
            config.contains(&format!("paths: [{file}]")) && config.contains("containers: ['n1']"),
            "{target}: {config}"
        );
    }
}

#[test]
fn keels_ways_that_lead_to_no_image_are_told() {
    let values = "keel:\n  policy: all\n  images:\n  - repository: quay.io/repo/app\n    tag: image.dockerTag\nimage: {repository: acme/w, tag: v1}\n";
    let imported = imported(&[("values.yaml", values)]);
    assert_eq!(imported.rules, 0);
    let told = &imported.differs[0];
    assert!(told.line == 4 && told.message.contains("no image stands at `quay.io/repo/app`"), "{imported:#?}");
}
