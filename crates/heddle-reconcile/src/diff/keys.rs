//! What tells the elements of a list apart.

use serde_json::Value;

/// How a list's elements are matched.
pub(super) enum Key {
    /// By these members.
    Members(&'static [&'static str]),
    /// By themselves: a set of plain values.
    Itself,
}

/// Lists that Kubernetes merges by key, by the last member of their path. Source: the `x-kubernetes-list-map-keys` and
/// `patchMergeKey` of its API.
const KEYED: [(&str, &[&str]); 18] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("ports", &["port", "containerPort", "protocol"]),
    ("volumes", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("imagePullSecrets", &["name"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("resourceClaims", &["name"]),
    ("schedulingGates", &["name"]),
    ("ownerReferences", &["uid"]),
    ("conditions", &["type"]),
    ("webhooks", &["name"]),
    ("secrets", &["name"]),
    ("versions", &["name"]),
];

/// Lists of plain values in which order means nothing.
const SETS: [&str; 4] = ["finalizers", "accessModes", "clusterIPs", "externalIPs"];

/// Lists to which controllers add elements of their own.
const SHARED: [&str; 3] = ["finalizers", "ownerReferences", "conditions"];

/// The key of a list, where both sides can be matched by it without doubt.
pub(super) fn find(path: &str, desired: &[Value], live: &[Value]) -> Option<Found> {
    let list = path.rsplit('.').next().unwrap_or(path);
    let shared = SHARED.contains(&list);
    let found = |key| Found { key, shared };
    if SETS.contains(&list) {
        return Some(found(Key::Itself));
    }
    let (_, members) = KEYED.iter().find(|(name, _)| *name == list)?;
    let found = found(Key::Members(members));
    (found.tells_apart(desired) && found.tells_apart(live)).then_some(found)
}

/// The key of a list.
pub(super) struct Found {
    key: Key,
    shared: bool,
}

impl Found {
    /// An element's name: `name=api`, `port=80,protocol=TCP`.
    pub(super) fn name(&self, element: &Value) -> String {
        match &self.key {
            Key::Itself => plain(element),
            Key::Members(members) => {
                let part = |member: &&str| match &element[*member] {
                    // A port without a protocol is a TCP port.
                    Value::Null if *member == "protocol" => Some("protocol=TCP".to_owned()),
                    Value::Null => None,
                    value => Some(format!("{member}={}", plain(value))),
                };
                members.iter().filter_map(part).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// Whether an element that is not wanted may stand there all the same.
    pub(super) fn others_may_add(&self) -> bool {
        self.shared
    }

    fn tells_apart(&self, elements: &[Value]) -> bool {
        let mut names: Vec<String> = elements.iter().map(|element| self.name(element)).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        names.len() == count && names.iter().all(|name| !name.is_empty())
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
