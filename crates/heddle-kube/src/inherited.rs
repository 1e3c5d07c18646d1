//! Taking over what others applied before, and looking whether their controllers are still there.

use heddle_reconcile::{Controller, Extent, Inherited, LEAVING_MANAGER, ObjectKey, Settled};
use kube::{
    api::{ListParams, Patch, PatchParams},
    core::{DynamicObject, PartialObjectMeta},
};
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
    /// It is there, and suspended.
    Suspended,
    /// It is not in this cluster: it was deleted, or it is in another one and writes from there.
    NotHere,
    /// It cannot be told, and why.
    Unknown(String),
}

impl AccountClient {
    /// Takes over what others and we have applied of an object, in one patch of its `managedFields`, which changes nothing
    /// else; `None` when there is nothing to take, or no object.
    ///
    /// # Errors
    /// When the account may not, the API server refuses, or the object is written by others all the time.
    pub async fn take_shared(&self, key: &ObjectKey, served: &Served) -> Result<Option<Applied>, KubeError> {
        let taken = self.take(key, served, Extent::Shared).await?;
        Ok(taken.map(|object| applied(object, Settled::default())))
    }

    /// Lets go what others applied of an object that is in the cluster as Git has it, and that no file has; `None` when there
    /// is nothing to take, or no object. It is set apart first, under a name that nobody else has: where the API server
    /// refuses to let it go, or nobody asks any more, it stays in the cluster, and is found so by the next who does this.
    ///
    /// # Errors
    /// When the account may not, the API server refuses, or the object is written by others all the time.
    pub async fn let_rest_go(&self, key: &ObjectKey, served: &Served) -> Result<Option<Applied>, KubeError> {
        let Some(apart) = self.take(key, served, Extent::All).await? else { return Ok(None) };
        let inherited = watch::inherited(&apart.metadata, &watch::managed_fields(&apart.metadata));
        if !inherited.as_ref().is_some_and(Inherited::has_rest) {
            return Ok(Some(applied(apart, Settled::default())));
        }
        // The UID keeps an object that is gone by now from being made anew with nothing in it.
        let nothing = json!({
            "apiVersion": served.api_version(),
            "kind": served.kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": apart.metadata.uid},
        });
        let api = self.objects(served, key.namespace.as_deref());
        let params = PatchParams::apply(LEAVING_MANAGER);
        let object = bounded(api.patch_metadata(&key.name, &params, &Patch::Apply(&nothing))).await?;
        Ok(Some(applied(object, Settled::default())))
    }

    async fn take(
        &self,
        key: &ObjectKey,
        served: &Served,
        extent: Extent,
    ) -> Result<Option<PartialObjectMeta<DynamicObject>>, KubeError> {
        let api = self.objects(served, key.namespace.as_deref());
        let mut tries = 1..=TRIES;
        loop {
            let Some(found) = bounded(api.get_metadata_opt(&key.name)).await? else { return Ok(None) };
            let managed_fields = watch::managed_fields(&found.metadata);
            let Some(inherited) = watch::inherited(&found.metadata, &managed_fields) else { return Ok(None) };
            let metadata = json!({
                "resourceVersion": found.metadata.resource_version,
                "managedFields": inherited.taken(extent),
            });
            let patch = Patch::Merge(json!({"metadata": metadata}));
            match bounded(api.patch_metadata(&key.name, &as_heddle(), &patch)).await {
                Ok(object) => return Ok(Some(object)),
                Err(KubeError::Conflict(_)) if tries.next().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks whether another tool's controller is there. What the account may not look at is not known, and one that is not
    /// here may be elsewhere: Argo CD and Flux write into other clusters too.
    pub async fn look_for_controller(&self, kinds: &Kinds, controller: &Controller) -> ControllerState {
        let Some(served) = kinds.preferred(&controller.kind) else {
            return if kinds.unknown_groups.contains(&controller.kind.group) {
                ControllerState::Unknown(format!("the API group `{}` does not answer", controller.kind.group))
            } else {
                ControllerState::NotHere
            };
        };
        let found = match &controller.namespace {
            Some(namespace) => {
                let found = bounded(self.objects(served, Some(namespace)).get_opt(&controller.name)).await;
                let is_suspended = |object: &DynamicObject| object.data["spec"]["suspend"] == true;
                found.map(|found| found.map(|object| is_suspended(&object)))
            }
            // Its name is known, and in no namespace that is: each one that is called so may be meant.
            None => {
                let params = ListParams::default().fields(&format!("metadata.name={}", controller.name));
                let found = bounded(self.objects(served, None).list_metadata(&params)).await;
                found.map(|found| (!found.items.is_empty()).then_some(false))
            }
        };
        match found {
            Ok(Some(false)) => ControllerState::Alive,
            Ok(Some(true)) => ControllerState::Suspended,
            Ok(None) | Err(KubeError::NotFound(_)) => ControllerState::NotHere,
            Err(error) => ControllerState::Unknown(error.to_string()),
        }
    }
}
