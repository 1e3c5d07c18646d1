//! The Helm charts in `deploy/helm`, rendered by the official helm: against the one manifest, against what the programs read,
//! against their own schemas and pages. [`cluster`] has what an API server makes of them.

mod cluster;
mod page;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Command, Output},
};

use heddle_testkit::tools;
use serde_json::{Value, json};

use crate::deploy::{known_variables, read, root};

/// The charts, each with what it must be given and nothing else.
const CHARTS: [(&str, &str); 2] = [("heddle", HUB), ("heddle-agent", AGENT)];

const HUB: &str = "{publicUrl: 'https://heddle.example.com', secrets: {existingSecret: heddle}, database: {existingSecret: database}}";
const AGENT: &str = "{apiUrl: 'https://heddle.example.com', bootstrapToken: secret, \
    sync: {repository: 'https://github.com/acme/config', path: clusters/prod, namespaces: [shop, 'on']}}";

/// The chart of API and automators with all that it can make at once.
const EVERYTHING: &str = include_str!("charts/everything.yaml");

/// Runs helm, which knows of nobody's own settings and plugins.
fn run_helm(args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(tools::path("helm").unwrap());
    command.args(args).current_dir(root().join("deploy/helm"));
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    command.output().unwrap()
}

/// What a chart renders with these values, or what helm says against them.
fn render(chart: &str, namespace: &str, values: &[&str]) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["template".to_owned(), "acme".to_owned(), chart.to_owned(), format!("--namespace={namespace}")];
    for (number, values) in values.iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, values).unwrap();
        args.push(format!("--values={}", file.display()));
    }
    let output = run_helm(&args.iter().map(String::as_str).collect::<Vec<_>>());
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    Ok(objects(&String::from_utf8(output.stdout).unwrap()))
}

fn objects(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

fn key(object: &Value) -> String {
    let metadata = &object["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    format!("{} {namespace}/{}", object["kind"].as_str().unwrap(), metadata["name"].as_str().unwrap())
}

fn containers(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects.iter().filter_map(|object| object["spec"]["template"]["spec"]["containers"].as_array()).flatten()
}

fn chart_file(chart: &str, file: &str) -> String {
    read(&format!("deploy/helm/{chart}/{file}"))
}

/// The one manifest, as the API would fill it in with [`AGENT`].
fn manifest() -> Vec<Value> {
    let text = read("deploy/agent/install.yaml");
    let image = format!("ghcr.io/heddle-dev/heddle-synchronizer:{}", env!("CARGO_PKG_VERSION"));
    let values = [
        ("API_URL", json!("https://heddle.example.com")),
        ("CA_PEM", json!("")),
        ("AGENT_IMAGE", json!(image)),
        ("BOOTSTRAP_TOKEN", json!("secret")),
        ("SYNC_NAME", json!("clusters-prod")),
        ("REPOSITORY", json!("https://github.com/acme/config")),
        ("BRANCH", json!("main")),
        ("PATH", json!("clusters/prod")),
        ("NAMESPACES", json!(["shop", "on"])),
    ];
    let fill = |text: &str, values: &[(&str, Value)]| {
        values
            .iter()
            .fold(text.to_owned(), |text, (place, value)| text.replace(&format!("{{{{{place}}}}}"), &value.to_string()))
    };
    let (_, documents) = text.split_once("---\n").unwrap();
    let (before, repeated) = documents.split_once("# for each namespace:\n").unwrap();
    let bindings: String = ["shop", "on"].map(|name| fill(repeated, &[("NAMESPACE", json!(name))])).concat();
    objects(&(fill(before, &values) + &bindings))
}

/// An object without what Helm alone adds, and with the text of its Sync read.
fn without_helm(mut object: Value) -> (String, Value) {
    let metadata = object["metadata"].as_object_mut().unwrap();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.retain(|label, _| {
            !["instance", "version", "managed-by"].map(|name| format!("app.kubernetes.io/{name}")).contains(label)
                && label != "helm.sh/chart"
        });
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("helm.sh/resource-policy");
    }
    if metadata.get("annotations") == Some(&json!({})) {
        metadata.remove("annotations");
    }
    if let Some(sync) = object["data"]["sync.yaml"].as_str() {
        object["data"]["sync.yaml"] = serde_saphyr::from_str(sync).unwrap();
    }
    (key(&object), with_one_kind_of_number(object))
}

/// Helm writes 0.0 as 0.
fn with_one_kind_of_number(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.into_iter().map(with_one_kind_of_number).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, with_one_kind_of_number(value))).collect()
        }
        other => other,
    }
}

#[test]
fn the_agents_chart_makes_the_objects_of_the_manifest() {
    let definition = read("deploy/agent/install.yaml");
    let definition = definition.split("\n---\n").find(|part| part.contains("kind: CustomResourceDefinition")).unwrap();
    let definition: String =
        definition.lines().filter(|line| !line.starts_with('#')).map(|l| format!("{l}\n")).collect();
    let file = root().join("deploy/helm/heddle-agent/files/syncs.heddle.dev.yaml");
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        fs::write(&file, &definition).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == definition,
        "run `HEDDLE_UPDATE=1 cargo test -p heddle-tests --test it -- charts`"
    );

    let made: BTreeMap<_, _> =
        render("heddle-agent", "heddle-system", &[AGENT]).unwrap().into_iter().map(without_helm).collect();
    // A release lives in a namespace that is there; its label is in the guide.
    let mut wanted: BTreeMap<_, _> = manifest().into_iter().map(without_helm).collect();
    assert!(wanted.remove("Namespace /heddle-system").is_some());
    // The definition is of the cluster, and so has no label of ours in the manifest.
    let mut made = made;
    made.get_mut("CustomResourceDefinition /syncs.heddle.dev").unwrap()["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("labels");
    assert_eq!(made.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (key, object) in &made {
        assert!(object == &wanted[key], "{key} is not that of the manifest");
    }
}

#[test]
fn the_first_sync_is_named_as_in_the_manifest() {
    for (path, name) in
        [("", "root"), ("clusters/prod", "clusters-prod"), ("Apps/Shop_A/", "apps-shop-a"), ("ä", "root")]
    {
        let values = format!("{{sync: {{path: {}}}}}", json!(path));
        let objects = render("heddle-agent", "heddle-system", &[AGENT, &values]).unwrap();
        let text = objects.iter().find_map(|object| object["data"]["sync.yaml"].as_str()).unwrap();
        let sync: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!((&sync["metadata"]["name"], &sync["spec"]["path"]), (&json!(name), &json!(path)));
    }
}

#[test]
fn the_charts_are_of_the_release_and_free_of_faults() {
    for (chart, values) in CHARTS {
        let about: Value = serde_saphyr::from_str(&chart_file(chart, "Chart.yaml")).unwrap();
        for field in ["version", "appVersion"] {
            assert_eq!(about[field], env!("CARGO_PKG_VERSION"), "{chart}: {field}");
        }
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        fs::write(file.path(), values).unwrap();
        let output = run_helm(&["lint", "--strict", chart, "--values", file.path().to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn nothing_secret_is_in_the_values_and_no_secret_is_made_unasked() {
    let secrets = |chart, values| {
        let objects = render(chart, "heddle", &[values]).unwrap();
        objects.into_iter().filter(|object| object["kind"] == "Secret").collect::<Vec<_>>()
    };
    assert_eq!(secrets("heddle", HUB), Vec::<Value>::new());
    let without_token = AGENT.replace("bootstrapToken: secret, ", "");
    let agents = secrets("heddle-agent", &without_token);
    // The one that the agent fills itself.
    assert_eq!(agents.iter().map(key).collect::<Vec<_>>(), ["Secret heddle/heddle-identity"]);
    assert!(agents[0].get("data").is_none() && agents[0].get("stringData").is_none());
}

#[test]
fn every_setting_of_a_program_can_be_made_and_none_that_it_does_not_read() {
    // What no installation by a chart sets, with the reason.
    let left_out: BTreeSet<&str> = [
        "HEDDLE_RELEASED_AGENT_IMAGE", // stand in its image
        "HEDDLE_RELEASED_AUTOMATOR_IMAGE",
        "HEDDLE_DATA_DIR",      // the API's own Postgres is not in its image
        "HEDDLE_WEB_DIR",       // stands in its image
        "HEDDLE_DOCKER_CONFIG", // for automators that organizations run
        "HEDDLE_TOKEN_SERVERS", // as well
        "HEDDLE_KUSTOMIZE",     // stands in the agent's image
        "HEDDLE_HELM",
        "HEDDLE_SOPS",
        "HEDDLE_KUBECONFIG", // a Pod has its account
    ]
    .into();
    for (chart, values, program, container, settings) in [
        ("heddle", EVERYTHING, "heddle-api", "api", "/properties/api/properties/settings"),
        ("heddle", EVERYTHING, "heddle-automator", "automator", "/properties/automator/properties/settings"),
        ("heddle-agent", AGENT, "heddle-synchronizer", "synchronizer", "/properties/settings"),
    ] {
        let own = CHARTS.iter().find(|(name, _)| *name == chart).unwrap().1;
        // What one set of values writes, another leaves out.
        let objects = [values, own].map(|values| render(chart, "heddle", &[values]).unwrap()).concat();
        let made = containers(&objects).filter(|made| made["name"] == container);
        let set = made.flat_map(|made| made["env"].as_array().unwrap());
        let set = set.map(|variable| variable["name"].as_str().unwrap().to_owned());
        let schema: Value = serde_json::from_str(&chart_file(chart, "values.schema.json")).unwrap();
        let free = schema.pointer(settings).unwrap()["properties"].as_object().unwrap().keys().cloned();
        let named: BTreeSet<String> = set.chain(free).collect();
        let known: BTreeSet<String> =
            known_variables(program).into_iter().filter(|name| !left_out.contains(name.as_str())).collect();
        assert_eq!(named, known, "{program}");
    }
}

#[test]
fn one_setting_moves_all_images_and_a_digest_takes_the_place_of_a_tag() {
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let values =
        format!("{{image: {{registry: 'registry.example.com:5000/heddle/', tag: v9}}, api: {{digest: '{digest}'}}}}");
    let objects = render("heddle", "heddle", &[HUB, &values]).unwrap();
    let images: Vec<_> = containers(&objects).map(|container| container["image"].as_str().unwrap()).collect();
    let at = |rest: &str| format!("registry.example.com:5000/heddle/{rest}");
    assert_eq!(images, [at(&format!("heddle-api@{digest}")), at("heddle-automator:v9")]);
    // And those of manifests for other clusters, which the API's image knows by their digests.
    let named = |objects: &[Value], variable: &str| {
        let api = containers(objects).find(|container| container["name"] == "api").unwrap();
        let found = api["env"].as_array().unwrap().iter().find(|one| one["name"] == variable);
        found.map(|one| one["value"].as_str().unwrap().to_owned())
    };
    let all = ["HEDDLE_IMAGE_REGISTRY", "HEDDLE_AGENT_IMAGE", "HEDDLE_AUTOMATOR_IMAGE"];
    let of = |objects: &[Value]| all.map(|variable| named(objects, variable));
    assert_eq!(of(&objects), [Some("registry.example.com:5000/heddle".to_owned()), None, None]);
    // One that is written out stays, and the other one is still that of the release.
    let own = render("heddle", "heddle", &[HUB, &values, "{agent: {image: 'example.com/agent:1'}}"]).unwrap();
    let registry = Some("registry.example.com:5000/heddle".to_owned());
    assert_eq!(of(&own), [registry, Some("example.com/agent:1".to_owned()), None]);

    let values = format!("{{image: {{digest: '{digest}'}}}}");
    let objects = render("heddle-agent", "heddle-system", &[AGENT, &values]).unwrap();
    let image = containers(&objects).next().unwrap()["image"].as_str().unwrap();
    assert_eq!(image, format!("ghcr.io/heddle-dev/heddle-synchronizer@{digest}"));
}

/// YAML 1.1, which Kubernetes reads, takes `on` for a truth value and `1e3` for a number.
#[test]
fn a_name_is_a_text_whatever_it_looks_like() {
    let hub = "{secrets: {existingSecret: 'on'}, database: {existingSecret: 'off', urlKey: 'yes', ownerUrlKey: 'no'}, \
        github: {existingSecret: 'on'}, caBundle: {existingConfigMap: 'on', key: 'y'}, image: {pullSecrets: ['on']}, \
        api: {priorityClassName: 'on', nodeSelector: {a: 'on'}}, nameOverride: '1e3', commonLabels: {a: 'on'}, \
        ingress: {className: 'on', tlsSecret: 'on'}}";
    let agent = "{image: {pullSecrets: ['on']}, priorityClassName: 'on', existingClaim: 'on', \
        sync: {name: 'on'}, deployer: {clusterRole: 'on'}, podLabels: {a: 'on'}}";
    for (chart, values) in [("heddle", [EVERYTHING, hub]), ("heddle-agent", [AGENT, agent])] {
        for object in render(chart, "1e3", &values).unwrap() {
            // In a definition names stand for types.
            if object["kind"] != "CustomResourceDefinition" {
                check_texts(&key(&object), &object);
            }
            assert!(object["metadata"]["labels"].as_object().unwrap().values().all(Value::is_string));
        }
    }
}

/// What Kubernetes takes for a truth value or a number is one in its types.
fn check_texts(path: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| check_texts(path, item)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_name =
                    name.ends_with("ame") || name.ends_with("amespace") || ["key", "value"].contains(&&**name);
                assert!(!is_name || value.is_string(), "{path}: {name}: {value}");
                check_texts(path, value);
            }
        }
        _ => {}
    }
}

#[test]
fn a_large_number_is_written_as_it_stands() {
    let objects = render("heddle", "heddle", &[HUB, "{api: {settings: {HEDDLE_MOST_CLUSTERS: 12000000}}}"]).unwrap();
    let api = containers(&objects).next().unwrap();
    let variable = api["env"].as_array().unwrap().iter().find(|one| one["name"] == "HEDDLE_MOST_CLUSTERS").unwrap();
    assert_eq!(variable["value"], "12000000");
}

#[test]
fn values_that_lack_each_other_are_refused_with_the_remedy() {
    for (chart, values, said) in [
        ("heddle", "{publicUrl: ''}", "such as https://heddle.example.com"),
        ("heddle", "{publicUrl: 'http://127.0.0.1:8080'}", "set automator.inApiPod=true"),
        ("heddle", "{secrets: {existingSecret: ''}}", "create secret generic heddle"),
        ("heddle", "{secrets: {generate: true}}", "both existingSecret and generate"),
        ("heddle", "{secrets: {generate: true, existingSecret: ''}}", "there is no cluster to keep the secrets in"),
        ("heddle", "{database: {existingSecret: ''}}", "postgres.enabled=true for a trial"),
        ("heddle", "{postgres: {enabled: true}}", "set secrets.generate=true"),
        ("heddle", "{github: {appId: 123}}", "set all of appId, appSlug, clientId and existingSecret"),
        ("heddle", "{gateway: {enabled: true}}", "name the Gateway"),
        ("heddle", "{publicUrl: 'https://10.0.0.5:8443', ingress: {enabled: true}}", "it names an IP address"),
        (
            "heddle",
            "{automator: {autoscaling: {enabled: true, minReplicas: 9}}}",
            "automator.autoscaling.minReplicas: it is more than maxReplicas",
        ),
        ("heddle", "{api: {settings: {HEDDLE_LOGS: debug}}}", "additional properties 'HEDDLE_LOGS' not allowed"),
        ("heddle", "{publicURL: 'https://heddle.example.com'}", "additional properties 'publicURL' not allowed"),
        ("heddle", "{api: {digest: latest}}", "/api/digest"),
        ("heddle-agent", "{apiUrl: ''}", "apiUrl: it is not set"),
        ("heddle-agent", "{sync: {repository: ''}}", "sync.repository: it is not set"),
        ("heddle-agent", "{sync: {namespaces: []}}", "sync.namespaces: it is empty"),
        ("heddle-agent", "{sync: {namespaces: [kube-system]}}", "no Sync deploys to `kube-system`"),
        ("heddle-agent", "{sync: {namespaces: [heddle]}}", "no Sync deploys to `heddle`"),
    ] {
        let own = CHARTS.iter().find(|(name, _)| *name == chart).unwrap().1;
        let refused = render(chart, "heddle", &[own, values]).expect_err(values);
        assert!(refused.contains(said), "{values}: {refused}");
    }
}

#[test]
fn every_container_is_hardened_bounded_and_looked_after() {
    let trial = "{publicUrl: 'https://heddle.example.com'}";
    for (chart, values) in [("heddle", EVERYTHING), ("heddle", HUB), ("heddle-agent", AGENT)] {
        let objects = render(chart, "heddle", &[values, if chart == "heddle" { trial } else { "{}" }]).unwrap();
        for container in containers(&objects) {
            let name = container["name"].as_str().unwrap();
            let security = json!({
                "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            });
            assert_eq!(container["securityContext"], security, "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{name}");
            for probe in ["livenessProbe", "readinessProbe"] {
                assert!(container[probe].is_object(), "{name}: {probe}");
            }
        }
    }
}

/// The longest name with what stands behind it: a Service's, and the label that a StatefulSet puts on its Pods.
#[test]
fn a_release_of_any_name_fits_into_labels() {
    let long = format!("{{fullnameOverride: {}, serviceMonitor: {{enabled: true}}}}", "a".repeat(53));
    let objects = render("heddle", "heddle", &[EVERYTHING, &long]).unwrap();
    let longest = objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap().len()).max().unwrap();
    assert!(longest > 53 && longest <= 63, "{longest}");
    // Ten characters of a revision stand behind `-postgres-`.
    let name =
        objects.iter().find(|object| object["kind"] == "Deployment").unwrap()["metadata"]["name"].as_str().unwrap();
    assert!(name.trim_end_matches("-api").len() + "-postgres-".len() + 10 <= 63, "{name}");
}

#[test]
fn each_address_has_a_route_to_its_own_path() {
    let values = "{publicUrl: 'https://Heddle.Example.com/deploy', agentApiUrl: 'https://agents.example.com:8443'}";
    let objects = render("heddle", "heddle", &[EVERYTHING, values]).unwrap();
    let ingress = objects.iter().find(|object| object["kind"] == "Ingress").unwrap();
    let rules: Vec<_> = ingress["spec"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["host"].as_str().unwrap(), rule["http"]["paths"][0]["path"].as_str().unwrap()))
        .collect();
    assert_eq!(rules, [("heddle.example.com", "/deploy"), ("agents.example.com", "/")]);
    assert_eq!(ingress["spec"]["tls"][0]["hosts"], json!(["heddle.example.com", "agents.example.com"]));
    let routes: Vec<_> = objects
        .iter()
        .filter(|object| object["kind"] == "HTTPRoute")
        .map(|route| (&route["spec"]["hostnames"][0], &route["spec"]["rules"][0]["matches"][0]["path"]["value"]))
        .collect();
    assert_eq!(
        routes,
        [(&json!("heddle.example.com"), &json!("/deploy")), (&json!("agents.example.com"), &json!("/"))]
    );

    let same = "{publicUrl: 'https://example.com', agentApiUrl: 'https://10.0.0.5'}";
    let objects = render("heddle", "heddle", &[EVERYTHING, same]).unwrap();
    assert_eq!(objects.iter().filter(|object| object["kind"] == "HTTPRoute").count(), 1);
}

#[test]
fn what_stays_closed_is_closed_in_its_own_family() {
    let objects = render("heddle", "heddle", &[EVERYTHING]).unwrap();
    let policy = objects.iter().find(|object| key(object) == "NetworkPolicy /acme-heddle-api").unwrap();
    let blocks = &policy["spec"]["egress"][1]["to"];
    assert_eq!(blocks[0]["ipBlock"], json!({"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}));
    assert_eq!(blocks[1]["ipBlock"], json!({"cidr": "::/0", "except": ["fd00:ec2::254/128"]}));
}
