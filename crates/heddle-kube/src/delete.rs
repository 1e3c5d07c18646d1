//! Looking at single objects and deleting them, never without their UID.

use heddle_reconcile::{ObjectKey, PruneGuard};
use kube::api::{DeleteParams, Preconditions};
use serde_json::Value;

use crate::{AccountClient, KubeError, Served, error::bounded, watch};

/// What came of a delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// The API server has taken the request; finalizers may hold the object for a while.
    Asked,
    /// It is not there, or another object is in its place.
    Gone,
}

/// What is known of an object without its content.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// Its UID.
    pub uid: String,
    /// The Sync whose label it carries.
    pub owner: Option<String>,
    /// What it says itself about being deleted.
    pub guard: PruneGuard,
    /// Its `managedFields`.
    pub managed_fields: Value,
}

impl AccountClient {
    /// Looks at an object; `None` when it does not exist.
    ///
    /// # Errors
    /// When the account may not get it, or the API server cannot be asked.
    pub async fn find_metadata(&self, key: &ObjectKey, served: &Served) -> Result<Option<Metadata>, KubeError> {
        let api = self.objects(served, key.namespace.as_deref());
        let object = bounded(api.get_metadata_opt(&key.name)).await?;
        Ok(object.map(|object| Metadata {
            owner: watch::owner(&object.metadata),
            guard: watch::guard(&object.metadata),
            managed_fields: watch::managed_fields(&object.metadata),
            uid: object.metadata.uid.unwrap_or_default(),
        }))
    }

    /// Deletes the object with this UID, and what belongs to it, in the background.
    ///
    /// # Errors
    /// When the account may not, or the API server refuses or cannot be asked. A conflict is one only while the object with
    /// this UID is there.
    pub async fn delete(&self, key: &ObjectKey, served: &Served, uid: &str) -> Result<Deleted, KubeError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let params = DeleteParams::background().preconditions(preconditions);
        let api = self.objects(served, key.namespace.as_deref());
        match bounded(api.delete(&key.name, &params)).await {
            Ok(_) => Ok(Deleted::Asked),
            Err(KubeError::NotFound(_)) => Ok(Deleted::Gone),
            // It may be about the UID; admission and the store answer with a conflict too, and then the object is there.
            Err(conflict @ KubeError::Conflict(_)) => match self.find_metadata(key, served).await? {
                Some(found) if found.uid == uid => Err(conflict),
                _ => Ok(Deleted::Gone),
            },
            Err(error) => Err(error),
        }
    }
}
