//! Looking at single objects and deleting them, never without their UID.

use heddle_reconcile::{ObjectKey, PruneGuard};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Preconditions};
use serde_json::Value;

use crate::{AccountClient, KubeError, Served, error::bounded, watch};

/// What came of a delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is not there, or another object is in its place.
    Gone,
    /// The API server has taken the request, and the object is still there.
    Terminating {
        /// Who has to let it go.
        finalizers: Vec<String>,
    },
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
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Who has to let it go before it is gone.
    pub finalizers: Vec<String>,
}

impl AccountClient {
    /// Looks at an object; `None` when it does not exist.
    ///
    /// # Errors
    /// When the account may not get it, its kind is not served so, or the API server cannot be asked.
    pub async fn find_metadata(&self, key: &ObjectKey, served: &Served) -> Result<Option<Metadata>, KubeError> {
        let api = self.objects(served, key.namespace.as_deref());
        match bounded(api.get_metadata(&key.name)).await {
            Ok(object) => Ok(Some(Metadata::of(object.metadata))),
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the object with this UID, and what belongs to it, in the background. It is gone only when it is seen not to
    /// be there, whatever the answer was: whoever may refuse a delete may choose the code with which he does.
    ///
    /// # Errors
    /// When the account may not, its kind is not served so, or the API server refuses or cannot be asked; the object with
    /// this UID is there then, or nothing is known of it.
    pub async fn delete(&self, key: &ObjectKey, served: &Served, uid: &str) -> Result<Deleted, KubeError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let params = DeleteParams::background().preconditions(preconditions);
        let api = self.objects(served, key.namespace.as_deref());
        let fault = match bounded(api.delete(&key.name, &params)).await {
            Ok(answer) => {
                // Only an object that is out of the store is answered for with its UID. Source: k8s.io/apiserver
                // `pkg/registry/generic/registry/store.go`, `finalizeDelete`.
                let details = answer.as_ref().right().and_then(|status| status.details.as_ref());
                if details.is_some_and(|details| details.uid == uid) {
                    return Ok(Deleted::Gone);
                }
                let object = answer.left().filter(|object| object.metadata.deletion_timestamp.is_some());
                if let Some(object) = object {
                    return Ok(Metadata::of(object.metadata).terminating());
                }
                None
            }
            Err(error) if error.is_of_request() => Some(error),
            Err(error) => return Err(error),
        };
        match (self.find_metadata(key, served).await, fault) {
            (Ok(Some(found)), _) if found.uid == uid && found.deleting => Ok(found.terminating()),
            (Ok(Some(found)), Some(fault)) if found.uid == uid => Err(fault),
            (Ok(Some(found)), None) if found.uid == uid => Ok(found.terminating()),
            (Ok(_), _) => Ok(Deleted::Gone),
            // A right to read says less than what was wrong with the delete.
            (Err(KubeError::Forbidden(_)), Some(fault)) => Err(fault),
            (Err(error), _) => Err(error),
        }
    }
}

impl Metadata {
    /// Whether it carries the label of another Sync than the one with the UID `owner`.
    pub fn is_of_another(&self, owner: &str) -> bool {
        self.owner.as_deref().is_some_and(|own| own != owner)
    }

    fn of(metadata: ObjectMeta) -> Self {
        Self {
            owner: watch::owner(&metadata),
            guard: watch::guard(&metadata),
            managed_fields: watch::managed_fields(&metadata),
            deleting: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
        }
    }

    fn terminating(self) -> Deleted {
        Deleted::Terminating { finalizers: self.finalizers }
    }
}
