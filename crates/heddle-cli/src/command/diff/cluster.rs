//! Comparing with a cluster itself.

use std::sync::Arc;

use heddle_kube::{CallerClient, Cluster, Kinds, KubeError, Redactor, Served, Words};
use heddle_reconcile::{
    GroupKind, ObjectKey, Order,
    diff::{Mask, changes, diff},
    keep_generated,
};
use heddle_source::{Capabilities, ClusterView, RenderedObject};
use serde_json::{Value, json};

use super::hidden;
use crate::{
    command::render::Around,
    config::ClusterDiffArguments,
    exit::{Exit, Failure},
    screen::Screen,
    told::Told,
};

/// A cluster that is asked, and what was found out on the way.
struct Asked<'a> {
    client: CallerClient,
    kinds: Kinds,
    namespace: String,
    desired: &'a [RenderedObject],
    mask: &'a Mask,
    /// How many objects the login may not even try to apply.
    only_read: usize,
    faults: Vec<String>,
}

/// What charts are rendered for.
pub(super) async fn around(arguments: &ClusterDiffArguments) -> Result<Around, Failure> {
    let cluster = Cluster::of_person(arguments.kubeconfig.as_deref(), arguments.context.as_deref()).await;
    let cluster = cluster.map_err(failure)?;
    let client = cluster.as_caller().map_err(failure)?;
    let kube_version = cluster.version().await.map_err(failure)?;
    let api_versions = client.list_kinds().await.map_err(failure)?.api_versions();
    let cluster = ClusterView::Known(Arc::new(Capabilities { kube_version, api_versions }));
    Ok(Around { cluster, namespace: client.namespace().to_owned() })
}

/// Compares each object; one that the cluster refuses does not keep the others from being told.
pub(super) async fn compare(
    arguments: &ClusterDiffArguments,
    desired: &[RenderedObject],
    mask: &Mask,
    screen: &Screen,
) -> Result<(Vec<Told>, Vec<String>), Failure> {
    let cluster = Cluster::of_person(arguments.kubeconfig.as_deref(), arguments.context.as_deref()).await;
    let client = cluster.and_then(|cluster| cluster.as_caller()).map_err(failure)?;
    let kinds = client.list_kinds().await.map_err(failure)?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| client.namespace().to_owned());
    let mut asked = Asked { client, kinds, namespace, desired, mask, only_read: 0, faults: Vec::new() };
    // The API server repeats a value of the wrong type in its answer.
    let opened: Vec<Value> = desired.iter().filter(|object| object.is_opened).map(as_secret).collect();
    let redactor = Redactor::of(desired.iter().map(|object| &object.value).chain(&opened));
    let mut told = Vec::new();
    // An annotation that cannot be read keeps its object from being applied.
    let mut hooks = 0;
    for object in desired {
        let value = &object.value;
        match Order::of(value) {
            Ok(order) if order.hook.is_some() || order.is_left_out => {
                hooks += 1;
                continue;
            }
            Ok(_) => {}
            Err(fault) => asked.faults.push(format!("{}: {fault}", ObjectKey::of(value))),
        }
        match asked.one(object).await {
            Ok(one) => told.extend(one),
            Err(error @ (KubeError::Unavailable(_) | KubeError::Unauthorized(_))) => return Err(failure(error)),
            Err(error) => {
                let key = ObjectKey::of(value);
                let words = redactor.redact_about(&error.to_string(), &Words::of_object(&key, value));
                asked.faults.push(format!("{key}: {words}"));
            }
        }
    }
    if hooks > 0 {
        screen.note(&format!("hooks run and are not kept, so {hooks} of {} objects were not compared", desired.len()));
    }
    if asked.only_read > 0 {
        screen.note(&format!(
            "the login may not patch {} of {} objects, so what is wanted was compared with what is there; they were not \
             validated",
            asked.only_read,
            desired.len()
        ));
    }
    Ok((told, asked.faults))
}

fn failure(error: KubeError) -> Failure {
    let away = matches!(error, KubeError::Unavailable(_));
    let failure = Failure::wrong(anyhow::Error::new(error));
    match away {
        true => Failure { exit: Exit::Away, ..failure },
        false => failure.remedy("name a cluster with --kubeconfig and --context, or files with --live"),
    }
}

/// What an object holds that was encrypted, whatever its kind, as a Secret.
fn as_secret(object: &RenderedObject) -> Value {
    let fields = object.value.as_object().into_iter().flatten();
    let held = fields.filter(|(field, _)| !["apiVersion", "kind", "metadata"].contains(&field.as_str()));
    let held: Vec<&Value> = held.map(|(_, value)| value).collect();
    json!({"kind": "Secret", "stringData": held})
}

/// Whether the login has no right to apply. Quotas, admission and rights that nobody may grant are forbidden as well, and
/// would keep the object from being applied.
fn lacks_right(message: &str) -> bool {
    ["cannot patch resource", "cannot create resource"].iter().any(|words| message.contains(words))
}

impl Asked<'_> {
    async fn one(&mut self, object: &RenderedObject) -> Result<Option<Told>, KubeError> {
        let mut key = ObjectKey::of(&object.value);
        let Some(served) = self.served(&key, &object.value)? else { return Ok(Some(Told::missing(key.to_string()))) };
        let mut manifest = object.value.clone();
        match served.namespaced {
            true => {
                let default = object.namespace.as_ref().unwrap_or(&self.namespace);
                let namespace = key.namespace.get_or_insert_with(|| default.clone());
                manifest["metadata"]["namespace"] = Value::String(namespace.clone());
            }
            false => key.namespace = None,
        }
        let live = self.client.find(&key, &served).await?;
        if let Some(live) = &live {
            keep_generated(&mut manifest, live, &object.generated.fields);
        }
        let tried = match self.client.try_apply(&key, &served, &manifest).await {
            Ok(after) => Some(after),
            Err(KubeError::Forbidden(message)) if lacks_right(&message) => {
                self.only_read += 1;
                None
            }
            // Its namespace is to be made first.
            Err(KubeError::NotFound(_)) if live.is_none() && self.makes_namespace(&key) => None,
            Err(error) => return Err(error),
        };
        Ok(match (live, tried) {
            (None, _) => Some(Told::missing(key.to_string())),
            (Some(live), after) => {
                let differences = match after {
                    Some(after) => changes(&after, &live, self.mask),
                    None => diff(&manifest, &live, self.mask),
                };
                Told::changed(key.to_string(), hidden(object, differences, self.mask))
            }
        })
    }

    /// Where the kind is served; `None` for one whose definition is among the objects and not in the cluster yet.
    fn served(&self, key: &ObjectKey, object: &Value) -> Result<Option<Served>, KubeError> {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        if let Some(served) = self.kinds.find(&key.kind, api_version) {
            return Ok(Some(served.clone()));
        }
        if self.defines(&key.kind) {
            return Ok(None);
        }
        let others = self.kinds.versions_of(&key.kind);
        let remedy = match others.is_empty() {
            true => "install its CustomResourceDefinition first".to_owned(),
            false => format!("it has {}", others.join(", ")),
        };
        Err(KubeError::NotFound(format!("the cluster serves no {} in `{api_version}`: {remedy}", key.kind.kind)))
    }

    fn defines(&self, kind: &GroupKind) -> bool {
        self.desired.iter().map(|object| &object.value).any(|object| {
            object["kind"] == "CustomResourceDefinition"
                && object["spec"]["group"] == kind.group
                && object["spec"]["names"]["kind"] == kind.kind
        })
    }

    fn makes_namespace(&self, key: &ObjectKey) -> bool {
        let namespace = key.namespace.as_deref().unwrap_or_default();
        let mut values = self.desired.iter().map(|object| &object.value);
        values.any(|object| object["kind"] == "Namespace" && object["metadata"]["name"] == namespace)
    }
}
