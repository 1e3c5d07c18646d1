//! Server-side apply.
//!
//! The first try is without force, so that the API server names whose fields would be taken; the second one takes them.
//! An object that nobody else owns costs one request. Fields that others may keep are left out of the second.

use heddle_reconcile::{Contested, DriftRules, FIELD_MANAGER, Inherited, ObjectKey, OwnEntry, PruneGuard};
use kube::{
    api::{Patch, PatchParams},
    core::{DynamicObject, PartialObjectMeta, response::StatusCause},
};
use serde_json::Value;

use crate::{AccountClient, KubeError, Served, error::bounded, watch};

/// An object to apply.
#[derive(Debug, Clone)]
pub struct ApplyRequest<'a> {
    /// Which.
    pub key: &'a ObjectKey,
    /// Where its kind is served.
    pub served: &'a Served,
    /// The whole manifest, with our label.
    pub manifest: &'a Value,
    /// Which fields others may keep.
    pub rules: &'a DriftRules,
    /// Whether the API server only says what would come of it.
    pub dry_run: bool,
}

/// What came of an apply.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The object's UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// Our entry in its `managedFields`.
    pub entry: Option<OwnEntry>,
    /// What it says itself about being deleted.
    pub guard: PruneGuard,
    /// What others applied of it and can be taken over.
    pub inherited: Option<Inherited>,
    /// Its `managedFields`.
    pub managed_fields: Value,
    /// Fields that were taken from others.
    pub taken: Vec<Contested>,
}

impl AccountClient {
    /// Applies one object.
    ///
    /// # Errors
    /// When the API server refuses it or cannot be reached. A misspelt field is refused.
    pub async fn apply(&self, request: ApplyRequest<'_>) -> Result<Applied, KubeError> {
        let mut params = PatchParams::apply(FIELD_MANAGER).validation_strict();
        params.dry_run = request.dry_run;
        match self.patch(&request, &params).await? {
            Ok(object) => Ok(applied(object, Vec::new())),
            Err(contested) => {
                let mut manifest = request.manifest.clone();
                let taken = request.rules.take_out_ignored(&request.key.kind, &mut manifest, contested);
                let params = if taken.is_empty() { params } else { params.force() };
                match self.patch(&ApplyRequest { manifest: &manifest, ..request.clone() }, &params).await? {
                    Ok(object) => Ok(applied(object, taken)),
                    Err(_) => Err(KubeError::Conflict(format!("{} is changed by others all the time", request.key))),
                }
            }
        }
    }

    /// One try: the object, or the fields that others own.
    async fn patch(
        &self,
        request: &ApplyRequest<'_>,
        params: &PatchParams,
    ) -> Result<Result<PartialObjectMeta<DynamicObject>, Vec<Contested>>, KubeError> {
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let patch = Patch::Apply(request.manifest);
        let answer = api.patch_metadata(&request.key.name, params, &patch);
        if params.force { bounded(answer).await.map(Ok) } else { unforced(answer).await }
    }
}

/// What an apply without force comes to: the object, or the fields that others own.
pub(crate) async fn unforced<T>(
    apply: impl Future<Output = kube::Result<T>>,
) -> Result<Result<T, Vec<Contested>>, KubeError> {
    let answer = async {
        match apply.await {
            Ok(object) => Ok(Ok(object)),
            Err(error) => contested(&error).map(Err).ok_or(error),
        }
    };
    bounded(answer).await
}

/// The fields that others own, where an apply was refused for them.
fn contested(error: &kube::Error) -> Option<Vec<Contested>> {
    let kube::Error::Api(status) = error else { return None };
    let causes = status.details.as_ref().filter(|_| status.is_conflict())?.causes.as_slice();
    Some(causes.iter().filter_map(read_cause).collect()).filter(|contested: &Vec<_>| !contested.is_empty())
}

/// `conflict with "kubectl-edit" using apps/v1`.
fn read_cause(cause: &StatusCause) -> Option<Contested> {
    if cause.reason != "FieldManagerConflict" {
        return None;
    }
    let manager = cause.message.split('"').nth(1).unwrap_or("somebody").to_owned();
    Some(Contested { field: cause.field.clone(), manager })
}

pub(crate) fn applied(object: PartialObjectMeta<DynamicObject>, taken: Vec<Contested>) -> Applied {
    let managed_fields = watch::managed_fields(&object.metadata);
    Applied {
        guard: watch::guard(&object.metadata),
        inherited: watch::inherited(&object.metadata),
        uid: object.metadata.uid.unwrap_or_default(),
        resource_version: object.metadata.resource_version.unwrap_or_default(),
        entry: OwnEntry::find(&managed_fields),
        managed_fields,
        taken,
    }
}
