//! The agent with its own rights: its Syncs, its identity, its inventories, all in its own namespace.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt};
use heddle_reconcile::hash_text;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret, ServiceAccount},
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, events::Recorder, watcher},
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::json;

use crate::{
    KubeError,
    error::bounded,
    sync::{Sync, SyncStatus},
};

/// The field manager of what the agent writes for itself.
pub(crate) const MANAGER: &str = "heddle-synchronizer";

/// The ConfigMap with the text of the first Sync.
const FIRST_SYNC: &str = "heddle-sync";

/// On that ConfigMap: hash of the text that was created once.
const CREATED_ANNOTATION: &str = "heddle.dev/created";

const BOOTSTRAP_SECRET: &str = "heddle-bootstrap";

const IDENTITY_SECRET: &str = "heddle-identity";

/// Acts with the agent's own rights.
#[derive(Clone)]
pub struct OwnClient {
    client: Client,
    namespace: String,
    recorder: Recorder,
}

/// What happened to the Syncs.
#[derive(Debug, Clone)]
pub enum SyncEvent {
    /// A Sync exists, and this is how it is now.
    Present(Box<Sync>),
    /// A Sync is gone.
    Gone {
        /// Its name.
        name: String,
    },
    /// Every Sync that exists was told since the watch began; those not told are gone.
    Complete {
        /// Their names.
        names: Vec<String>,
    },
}

/// What became of the first Sync, which stands as text in the install manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstSync {
    /// It was created just now.
    Created,
    /// It was created before, and its text is the same.
    Before,
    /// It was created before; its text was changed since, which changes nothing: edit the Sync.
    Differs {
        /// The Sync.
        name: String,
        /// The fields of its spec about which the text says something else.
        fields: Vec<String>,
    },
    /// There is no such text.
    Absent,
}

impl OwnClient {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        let recorder = Recorder::new(client.clone(), MANAGER.into());
        Self { client, namespace: namespace.to_owned(), recorder }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The agent's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Watches the Syncs, for ever. Faults of the API server are waited out.
    pub fn watch_syncs(&self) -> impl Stream<Item = SyncEvent> + Send + 'static {
        let mut listed = Vec::new();
        let events = watcher(self.syncs(), watcher::Config::default()).default_backoff();
        events.flat_map(move |event| {
            let name = |sync: &Sync| sync.metadata.name.clone().unwrap_or_default();
            let event = match event {
                Ok(watcher::Event::Init) => {
                    listed.clear();
                    None
                }
                Ok(watcher::Event::InitApply(sync)) => {
                    listed.push(name(&sync));
                    Some(SyncEvent::Present(Box::new(sync)))
                }
                Ok(watcher::Event::InitDone) => Some(SyncEvent::Complete { names: std::mem::take(&mut listed) }),
                Ok(watcher::Event::Apply(sync)) => Some(SyncEvent::Present(Box::new(sync))),
                Ok(watcher::Event::Delete(sync)) => Some(SyncEvent::Gone { name: name(&sync) }),
                Err(error) => {
                    tracing::warn!(%error, "the Syncs cannot be watched");
                    None
                }
            };
            futures::stream::iter(event)
        })
    }

    /// Writes the status of a Sync. What it does not name is taken off.
    ///
    /// # Errors
    /// When the API server cannot be asked; [`KubeError::NotFound`] when the Sync is gone.
    pub async fn write_status(&self, name: &str, status: &SyncStatus) -> Result<(), KubeError> {
        let patch = json!({
            "apiVersion": Sync::api_version(&()),
            "kind": Sync::kind(&()),
            "metadata": {"name": name},
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        bounded(self.syncs().patch_status(name, &params, &Patch::Apply(&patch))).await?;
        Ok(())
    }

    /// Creates the first Sync, once. A Sync that was deleted on purpose stays deleted.
    ///
    /// # Errors
    /// When the definition of Syncs is not served yet, the text is no Sync, or the API server cannot be asked.
    pub async fn create_first_sync(&self) -> Result<FirstSync, KubeError> {
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let Some(map) = bounded(maps.get_opt(FIRST_SYNC)).await? else { return Ok(FirstSync::Absent) };
        let Some(text) = map.data.as_ref().and_then(|data| data.get("sync.yaml")) else { return Ok(FirstSync::Absent) };
        let hash = hash_text(text);
        let created = map.metadata.annotations.as_ref().and_then(|annotations| annotations.get(CREATED_ANNOTATION));
        if let Some(created) = created {
            return if *created == hash { Ok(FirstSync::Before) } else { self.compare(&read_sync(text)?).await };
        }
        let sync = read_sync(text)?;
        // Checked before it is noted, so that a cluster without the definition is tried again.
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        match bounded(self.syncs().create(&dry_run, &sync)).await {
            Ok(_) | Err(KubeError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        // Noted before it is created: a kill in between costs a Sync that a person creates again, never one that comes
        // back after it was deleted on purpose.
        let note = json!({"metadata": {"annotations": {CREATED_ANNOTATION: hash}}});
        bounded(maps.patch(FIRST_SYNC, &PatchParams::default(), &Patch::Merge(&note))).await?;
        match bounded(self.syncs().create(&PostParams::default(), &sync)).await {
            Ok(_) => Ok(FirstSync::Created),
            Err(KubeError::Conflict(_)) => Ok(FirstSync::Before),
            Err(error) => Err(error),
        }
    }

    /// Compares the text of an install manifest that was applied again with the Sync. One that was deleted stays so.
    async fn compare(&self, text: &Sync) -> Result<FirstSync, KubeError> {
        let name = text.metadata.name.clone().unwrap_or_default();
        let Some(sync) = bounded(self.syncs().get_opt(&name)).await? else { return Ok(FirstSync::Before) };
        let fields = |sync: &Sync| serde_json::to_value(&sync.spec).unwrap_or_default();
        let (wanted, is) = (fields(text), fields(&sync));
        let wanted = wanted.as_object().into_iter().flatten();
        let fields: Vec<String> =
            wanted.filter(|(field, value)| is[field.as_str()] != **value).map(|(field, _)| field.clone()).collect();
        Ok(if fields.is_empty() { FirstSync::Before } else { FirstSync::Differs { name, fields } })
    }

    /// Whether a service account of the agent's namespace exists.
    ///
    /// # Errors
    /// When the agent may not ask about it, or the API server cannot be asked.
    pub async fn has_account(&self, name: &str) -> Result<bool, KubeError> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        Ok(bounded(accounts.get_metadata_opt(name)).await?.is_some())
    }

    /// The token of the install manifest, without the line feed with which a file ends that it was made of.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn find_bootstrap_token(&self) -> Result<Option<SecretString>, KubeError> {
        let secret = bounded(self.secrets().get_opt(BOOTSTRAP_SECRET)).await?;
        let token = secret.and_then(|secret| secret.data?.remove("token"));
        let token = token.and_then(|token| String::from_utf8(token.0).ok());
        Ok(token.map(|token| token.trim_ascii().to_owned()).filter(|token| !token.is_empty()).map(Into::into))
    }

    /// Reads a value of the agent's identity.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn find_identity(&self, key: &str) -> Result<Option<SecretSlice<u8>>, KubeError> {
        let secret = bounded(self.secrets().get_opt(IDENTITY_SECRET)).await?;
        let value = secret.and_then(|secret| secret.data?.remove(key));
        Ok(value.filter(|value| !value.0.is_empty()).map(|value| value.0.into()))
    }

    /// Keeps values of the agent's identity. Others stay.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn keep_identity(&self, values: &[(&str, SecretSlice<u8>)]) -> Result<(), KubeError> {
        let data: BTreeMap<&str, ByteString> =
            values.iter().map(|(key, value)| (*key, ByteString(value.expose_secret().to_vec()))).collect();
        let patch = json!({"data": data});
        bounded(self.secrets().patch(IDENTITY_SECRET, &PatchParams::default(), &Patch::Merge(&patch))).await?;
        Ok(())
    }

    fn syncs(&self) -> Api<Sync> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

fn read_sync(text: &str) -> Result<Sync, KubeError> {
    serde_saphyr::from_str(text)
        .map_err(|error| KubeError::Refused(format!("the ConfigMap {FIRST_SYNC} holds no Sync: {error}")))
}
