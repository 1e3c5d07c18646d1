//! Taking over what others applied before, and looking whether their controllers are still there.

use heddle_reconcile::{Controller, Extent, ObjectKey, Settled};
use kube::api::{ListParams, Patch};
use serde_json::json;

use crate::{
    AccountClient, Applied, Kinds, KubeError, Served,
    apply::{applied, as_heddle},
    error::bounded,
    watch,
};

/// Tries against somebody who writes the object at the same time, such as a controller its status.
const TRIES: usize = 3;

/// What is known of another tool's controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControllerState {
    /// It is there, and not suspended.
    Alive,
    /// It is not there, or suspended.
    Gone,
    /// It cannot be told, and why.
    Unknown(String),
}

impl AccountClient {
    /// Takes over what others applied of an object, in one patch of its `managedFields`; `None` when there is nothing to
    /// take, or no object.
    ///
    /// # Errors
    /// When the account may not, the API server refuses, or the object is written by others all the time.
    pub async fn take_over(
        &self,
        key: &ObjectKey,
        served: &Served,
        extent: Extent,
    ) -> Result<Option<Applied>, KubeError> {
        let api = self.objects(served, key.namespace.as_deref());
        let mut tries = 1..=TRIES;
        loop {
            let Some(found) = bounded(api.get_metadata_opt(&key.name)).await? else { return Ok(None) };
            let Some(inherited) = watch::inherited(&found.metadata) else { return Ok(None) };
            let metadata = json!({
                "resourceVersion": found.metadata.resource_version,
                "managedFields": inherited.taken(extent),
            });
            let patch = Patch::Merge(json!({"metadata": metadata}));
            match bounded(api.patch_metadata(&key.name, &as_heddle(), &patch)).await {
                Ok(object) => return Ok(Some(applied(object, Settled::default()))),
                Err(KubeError::Conflict(_)) if tries.next().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks whether another tool's controller is there. What the account may not look at is not known.
    pub async fn look_for_controller(&self, kinds: &Kinds, controller: &Controller) -> ControllerState {
        let Some(served) = kinds.preferred(&controller.kind) else {
            return if kinds.unknown_groups.contains(&controller.kind.group) {
                ControllerState::Unknown(format!("the API group `{}` does not answer", controller.kind.group))
            } else {
                ControllerState::Gone
            };
        };
        let found = match &controller.namespace {
            Some(namespace) => {
                let found = bounded(self.objects(served, Some(namespace)).get_opt(&controller.name)).await;
                found.map(|found| found.is_some_and(|object| object.data["spec"]["suspend"] != true))
            }
            // Its name is known, and in no namespace that is: each one that is called so may be meant.
            None => {
                let params = ListParams::default().fields(&format!("metadata.name={}", controller.name));
                let found = bounded(self.objects(served, None).list_metadata(&params)).await;
                found.map(|found| !found.items.is_empty())
            }
        };
        match found {
            Ok(true) => ControllerState::Alive,
            Ok(false) | Err(KubeError::NotFound(_)) => ControllerState::Gone,
            Err(error) => ControllerState::Unknown(error.to_string()),
        }
    }
}
