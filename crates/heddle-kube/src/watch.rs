//! Watches of the objects that carry a Sync's label: its own, so that many Syncs cost no more than one.
//!
//! Kinds that can be unwell are watched whole and judged as they are decoded; of the others only the metadata comes over.
//! Nothing of an object is kept but what a [`WatchedObject`] holds.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use chrono::Utc;
use futures::StreamExt;
use heddle_core::image::ImageRef;
use heddle_reconcile::{
    GroupKind, Inherited, LiveObject, OWNER_LABEL, ObjectKey, OwnEntry, PruneGuard,
    health::{Verdict, has_health, judge},
    images_of,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    api::ListParams,
    core::{DynamicObject, PartialObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
};

use crate::{AccountClient, KubeError, Served, error::bounded};

/// Objects in one answer to a list.
const PAGE: u32 = 500;

/// What is watched together: a kind, in a namespace or in the whole cluster.
pub type WatchPlace = (GroupKind, Option<String>);

/// Something that a watch saw.
#[derive(Debug)]
pub enum WatchEvent {
    /// An object is as it says.
    Object(Box<WatchedObject>),
    /// An object is gone, or carries no label any more.
    Gone {
        /// Which.
        key: ObjectKey,
        /// Its resource version then.
        resource_version: String,
    },
    /// A list begins: what is not told until it is complete is gone.
    Restarted(WatchPlace),
    /// A list is complete.
    Complete(WatchPlace),
    /// The place cannot be watched, for the time being. It is tried again, and listed anew.
    Unwatchable(WatchPlace, WatchVerb, KubeError),
}

/// What the API server was asked when a watch did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchVerb {
    /// Which objects there are.
    List,
    /// What becomes of them.
    Watch,
}

impl fmt::Display for WatchVerb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::List => "list",
            Self::Watch => "watch",
        })
    }
}

/// An object, as a watch saw it.
#[derive(Debug)]
pub struct WatchedObject {
    /// Which.
    pub key: ObjectKey,
    /// What drift and prune look at.
    pub live: LiveObject,
    /// Its `managedFields`.
    pub managed_fields: Value,
    /// What others applied of it and can be taken over.
    pub inherited: Option<Inherited>,
    /// How it is doing; `None` for kinds that are always well.
    pub judged: Option<Judged>,
}

/// How an object is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// The images of its pods by container.
    pub images: Vec<(String, ImageRef)>,
    /// The labels that select its pods.
    pub pod_labels: Vec<(String, String)>,
}

/// The running watches of one Sync.
pub struct Watches {
    client: AccountClient,
    /// Selects what carries the Sync's label.
    selector: String,
    sender: mpsc::Sender<WatchEvent>,
    running: HashMap<WatchPlace, (Served, AbortHandle)>,
    tasks: JoinSet<()>,
}

impl Watches {
    /// No watches yet of what the Sync with the UID `owner` has. What they see comes out of the receiver.
    pub fn new(client: AccountClient, owner: &str) -> (Self, mpsc::Receiver<WatchEvent>) {
        let (sender, receiver) = mpsc::channel(256);
        let selector = format!("{OWNER_LABEL}={owner}");
        (Self { client, selector, sender, running: HashMap::new(), tasks: JoinSet::new() }, receiver)
    }

    /// Watches these places and no others, each in this version. Says which are new or in another version than before:
    /// their first list is under way.
    pub fn set(&mut self, places: HashMap<WatchPlace, Served>) -> Vec<WatchPlace> {
        self.running.retain(|place, (served, task)| {
            let keep = places.get(place) == Some(served);
            if !keep {
                task.abort();
            }
            keep
        });
        while self.tasks.try_join_next().is_some() {}
        let mut added = Vec::new();
        for (place, served) in places {
            if !self.running.contains_key(&place) {
                added.push(place.clone());
                let config = watcher::Config::default().labels(&self.selector);
                let (client, sender) = (self.client.clone(), self.sender.clone());
                let task = self.tasks.spawn(run(client, place.clone(), served.clone(), config, sender));
                self.running.insert(place, (served, task));
            }
        }
        added
    }
}

impl AccountClient {
    /// The objects at a place that carry the label of another Sync than the one with the UID `owner`.
    ///
    /// # Errors
    /// When the account may not list them, or the API server cannot be asked.
    pub async fn list_others(
        &self,
        served: &Served,
        namespace: Option<&str>,
        owner: &str,
    ) -> Result<Vec<(ObjectKey, LiveObject)>, KubeError> {
        self.list_labelled(served, namespace, &format!("{OWNER_LABEL},{OWNER_LABEL}!={owner}")).await
    }

    /// The objects at a place that carry the label of any Sync.
    ///
    /// # Errors
    /// When the account may not list them, or the API server cannot be asked.
    pub async fn list_owned(
        &self,
        served: &Served,
        namespace: Option<&str>,
    ) -> Result<Vec<(ObjectKey, LiveObject)>, KubeError> {
        self.list_labelled(served, namespace, OWNER_LABEL).await
    }

    async fn list_labelled(
        &self,
        served: &Served,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<(ObjectKey, LiveObject)>, KubeError> {
        let api = self.objects(served, namespace);
        let mut params = ListParams::default().labels(selector).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = bounded(api.list_metadata(&params)).await?;
            let read = |object: PartialObjectMeta<DynamicObject>| from_metadata(&served.kind, object.metadata);
            found.extend(page.items.into_iter().map(read).map(|WatchedObject { key, live, .. }| (key, live)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }
}

/// Watches a place until nobody listens. What keeps it from that is told, and the place is listed anew after a while: a
/// watch that goes on where it ended does not say that it does.
async fn run(
    client: AccountClient,
    place: WatchPlace,
    served: Served,
    config: watcher::Config,
    sender: mpsc::Sender<WatchEvent>,
) {
    let (kind, namespace) = (served.kind.clone(), place.1.as_deref());
    let mut waits = watcher::DefaultBackoff::default();
    loop {
        let goes_on = if has_health(&kind) {
            let events = watcher(client.objects(&served, namespace), config.clone()).default_backoff();
            tell(&place, events, &sender, |object| from_object(&kind, object)).await
        } else {
            let events = watcher(client.metadata(&served.resource(), namespace), config.clone()).default_backoff();
            let read = |object: PartialObjectMeta<DynamicObject>| from_metadata(&kind, object.metadata);
            tell(&place, events, &sender, read).await
        };
        match waits.next() {
            Some(wait) if goes_on => tokio::time::sleep(wait).await,
            _ => return,
        }
    }
}

/// Passes on what a watch says, until there is a fault or nobody listens. Says whether anybody does.
async fn tell<K>(
    place: &WatchPlace,
    events: impl futures::Stream<Item = watcher::Result<watcher::Event<K>>>,
    sender: &mpsc::Sender<WatchEvent>,
    read: impl Fn(K) -> WatchedObject,
) -> bool {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let mut is_at_fault = false;
        let seen = match event {
            Ok(watcher::Event::Init) => WatchEvent::Restarted(place.clone()),
            Ok(watcher::Event::InitDone) => WatchEvent::Complete(place.clone()),
            Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                WatchEvent::Object(Box::new(read(object)))
            }
            Ok(watcher::Event::Delete(object)) => {
                let WatchedObject { key, live, .. } = read(object);
                WatchEvent::Gone { key, resource_version: live.resource_version }
            }
            Err(error) => {
                let Some((verb, error)) = fault(error) else { continue };
                is_at_fault = true;
                WatchEvent::Unwatchable(place.clone(), verb, error)
            }
        };
        if sender.send(seen).await.is_err() {
            return false;
        }
        if is_at_fault {
            break;
        }
    }
    true
}

/// What keeps a place from being watched. A watch that ended is begun again by itself and is no fault.
fn fault(error: watcher::Error) -> Option<(WatchVerb, KubeError)> {
    match error {
        watcher::Error::InitialListFailed(error) => Some((WatchVerb::List, error.into())),
        watcher::Error::WatchStartFailed(error) => Some((WatchVerb::Watch, error.into())),
        watcher::Error::NoResourceVersion => {
            Some((WatchVerb::Watch, KubeError::Refused("its kind cannot be watched".to_owned())))
        }
        watcher::Error::WatchError(_) | watcher::Error::WatchFailed(_) => None,
    }
}

fn from_metadata(kind: &GroupKind, metadata: ObjectMeta) -> WatchedObject {
    let managed_fields = managed_fields(&metadata);
    let inherited = inherited(&metadata, &managed_fields);
    let live = LiveObject {
        owner: owner(&metadata),
        guard: guard(&metadata),
        deleting: metadata.deletion_timestamp.is_some(),
        finalizers: metadata.finalizers.unwrap_or_default(),
        is_owned: metadata.owner_references.is_some_and(|owners| !owners.is_empty()),
        entry: OwnEntry::find(&managed_fields),
        uid: metadata.uid.unwrap_or_default(),
        resource_version: metadata.resource_version.unwrap_or_default(),
    };
    let key = ObjectKey { kind: kind.clone(), namespace: metadata.namespace, name: metadata.name.unwrap_or_default() };
    WatchedObject { key, live, managed_fields, inherited, judged: None }
}

fn from_object(kind: &GroupKind, object: DynamicObject) -> WatchedObject {
    let DynamicObject { types, metadata, data } = object;
    let mut judged = data;
    let api_version = types.map(|types| types.api_version).unwrap_or_else(|| match kind.group.as_str() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    });
    judged["apiVersion"] = api_version.into();
    judged["kind"] = kind.kind.clone().into();
    judged["metadata"] = json!({
        "name": metadata.name,
        "generation": metadata.generation,
        "creationTimestamp": metadata.creation_timestamp,
        "deletionTimestamp": metadata.deletion_timestamp,
    });
    let labels = judged["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let pod_labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let judged = Judged { verdict: judge(&judged, Utc::now()), images: images_of(&judged), pod_labels };
    WatchedObject { judged: Some(judged), ..from_metadata(kind, metadata) }
}

/// The Sync whose label an object carries.
pub(crate) fn owner(metadata: &ObjectMeta) -> Option<String> {
    metadata.labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL).cloned())
}

/// What an object says itself about being deleted.
pub(crate) fn guard(metadata: &ObjectMeta) -> PruneGuard {
    let none = BTreeMap::new();
    PruneGuard::of(metadata.labels.as_ref().unwrap_or(&none), metadata.annotations.as_ref().unwrap_or(&none))
}

/// What others applied of an object with these `managedFields` and can be taken over.
pub(crate) fn inherited(metadata: &ObjectMeta, managed_fields: &Value) -> Option<Inherited> {
    let none = BTreeMap::new();
    let (labels, annotations) =
        (metadata.labels.as_ref().unwrap_or(&none), metadata.annotations.as_ref().unwrap_or(&none));
    Inherited::find(labels, annotations, managed_fields)
}

/// The `managedFields` as JSON.
pub(crate) fn managed_fields(metadata: &ObjectMeta) -> Value {
    serde_json::to_value(&metadata.managed_fields).unwrap_or_default()
}
