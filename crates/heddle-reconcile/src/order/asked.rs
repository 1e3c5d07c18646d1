//! The order that a person asked for by annotations: Argo CD's waves and hooks, Helm's hooks, cli-utils' `depends-on`,
//! Flux's `dependsOn`, and the Service that a webhook calls.

use serde_json::Value;

use crate::{GroupKind, Hook, ObjectKey, prune::takes_others_along};

/// Argo CD's phases of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Phase {
    /// Before everything else.
    PreSync,
    /// The objects themselves.
    #[default]
    Sync,
    /// After everything else, when that is healthy.
    PostSync,
    /// After a sync that failed, and only then.
    SyncFail,
}

/// When an object is applied, and after what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Its phase.
    pub phase: Phase,
    /// Its wave within the phase; lower ones come first.
    pub wave: i32,
    /// Objects that are applied before it.
    pub after: Vec<ObjectKey>,
    /// Objects that are applied before it and healthy when it is.
    pub awaited: Vec<ObjectKey>,
    /// Whether it is never applied: a hook of a deletion or of a test.
    pub is_left_out: bool,
    /// Whether it runs with each change, rather than being kept.
    pub hook: Option<Hook>,
}

const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";
const ARGO_WAVE: &str = "argocd.argoproj.io/sync-wave";
const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
const ARGO_DELETE: &str = "argocd.argoproj.io/hook-delete-policy";
const HELM_HOOK: &str = "helm.sh/hook";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
const HELM_DELETE: &str = "helm.sh/hook-delete-policy";

impl Order {
    /// Reads the order that an object asks for.
    ///
    /// # Errors
    /// When an annotation cannot be read: what it orders must not be applied at a wrong time.
    pub fn of(object: &Value) -> Result<Self, String> {
        let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
        let after = flux_dependencies(object).into_iter().chain(webhook_services(object)).collect();
        let mut order = Self { after, awaited: references(object)?, ..Self::default() };
        let hooks = annotation(ARGO_HOOK).or(annotation(HELM_HOOK)).map(words).unwrap_or_default();
        if !hooks.is_empty() {
            order.read_hooks(&hooks);
            let policies = annotation(ARGO_DELETE).or(annotation(HELM_DELETE)).map(words).unwrap_or_default();
            let names = |argo: &str, helm: &str| policies.iter().any(|policy| *policy == argo || *policy == helm);
            // What holds data, or others with it, is never made anew: Helm 2 installed definitions by a hook.
            let is_kept = object["kind"].as_str().is_some_and(takes_others_along);
            order.hook = (!is_kept).then_some(Hook {
                delete_succeeded: names("HookSucceeded", "hook-succeeded"),
                delete_failed: names("HookFailed", "hook-failed"),
            });
        }
        let weight = annotation(HELM_WEIGHT).filter(|_| annotation(HELM_HOOK).is_some());
        let wave = annotation(ARGO_WAVE).map(|wave| (ARGO_WAVE, wave)).or(weight.map(|wave| (HELM_WEIGHT, wave)));
        if let Some((name, wave)) = wave {
            order.wave = wave.trim().parse().map_err(|_| format!("its annotation `{name}` is no number: `{wave}`"))?;
        }
        Ok(order)
    }

    /// Several hooks may stand on one object; the first phase that is run counts.
    fn read_hooks(&mut self, hooks: &[&str]) {
        let phases = hooks.iter().filter_map(|hook| match *hook {
            "PreSync" | "pre-install" | "pre-upgrade" | "crd-install" => Some(Phase::PreSync),
            "Sync" => Some(Phase::Sync),
            "PostSync" | "post-install" | "post-upgrade" => Some(Phase::PostSync),
            "SyncFail" => Some(Phase::SyncFail),
            _ => None,
        });
        match phases.min() {
            Some(phase) => self.phase = phase,
            None => self.is_left_out = true,
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

fn references(object: &Value) -> Result<Vec<ObjectKey>, String> {
    let mut awaited = Vec::new();
    if let Some(text) = object["metadata"]["annotations"][DEPENDS_ON].as_str() {
        for word in words(text) {
            let fault = || {
                format!(
                    "its annotation `{DEPENDS_ON}` names `{word}`, which is no group/namespaces/namespace/kind/name"
                )
            };
            awaited.push(read_reference(word).ok_or_else(fault)?);
        }
    }
    Ok(awaited)
}

/// `apps/namespaces/shop/Deployment/api`, or `rbac.authorization.k8s.io/ClusterRole/reader`.
fn read_reference(text: &str) -> Option<ObjectKey> {
    let parts: Vec<&str> = text.split('/').collect();
    let (group, namespace, kind, name) = match parts.as_slice() {
        [group, "namespaces", namespace, kind, name] => (group, Some(*namespace), kind, name),
        [group, kind, name] => (group, None, kind, name),
        _ => return None,
    };
    let kind = GroupKind { group: (*group).to_owned(), kind: (*kind).to_owned() };
    let is_whole = !kind.kind.is_empty() && !name.is_empty() && namespace.is_none_or(|namespace| !namespace.is_empty());
    is_whole.then(|| ObjectKey { kind, namespace: namespace.map(str::to_owned), name: (*name).to_owned() })
}

fn flux_dependencies(object: &Value) -> Vec<ObjectKey> {
    let own = ObjectKey::of(object);
    if !own.kind.group.ends_with(".toolkit.fluxcd.io") {
        return Vec::new();
    }
    let others = object["spec"]["dependsOn"].as_array().into_iter().flatten().filter_map(|other| {
        let namespace = other["namespace"].as_str().map(str::to_owned).or_else(|| own.namespace.clone());
        Some(ObjectKey { kind: own.kind.clone(), namespace, name: other["name"].as_str()?.to_owned() })
    });
    others.collect()
}

fn webhook_services(object: &Value) -> Vec<ObjectKey> {
    let hooks = object["webhooks"].as_array().into_iter().flatten().map(|hook| &hook["clientConfig"]["service"]);
    let services = hooks.chain([&object["spec"]["conversion"]["webhook"]["clientConfig"]["service"]]);
    let of_api = (object["kind"] == "APIService").then(|| &object["spec"]["service"]);
    let keys = services.chain(of_api).filter_map(|service| {
        let kind = GroupKind { group: String::new(), kind: "Service".to_owned() };
        let text = |key: &str| service[key].as_str().map(str::to_owned);
        Some(ObjectKey { kind, namespace: Some(text("namespace")?), name: text("name")? })
    });
    keys.collect()
}
