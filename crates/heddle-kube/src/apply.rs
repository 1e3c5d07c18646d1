//! Server-side apply.
//!
//! The first try is without force, so that the API server names whose fields would be taken; the second one takes them.
//! An object that nobody else owns costs one request. Fields that others may keep are left out of the second.

use heddle_reconcile::{
    Contested, DriftRules, FIELD_MANAGER, Inherited, ObjectKey, OwnEntry, PruneGuard, RefusedField, Settled,
    diff::is_same, keep_generated, raised, without_defaults,
};
use kube::{
    api::{Patch, PatchParams},
    core::{DynamicObject, PartialObjectMeta, response::StatusCause},
};
use serde_json::{Value, json};

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
    /// The `apiVersion` under which it was applied last, where that is known.
    pub applied_as: Option<&'a str>,
    /// Which fields others may keep.
    pub rules: &'a DriftRules,
    /// The fields of the manifest that stay as the cluster has them, as JSON pointers.
    pub generated: &'a [String],
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
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What others applied of it and can be taken over.
    pub inherited: Option<Inherited>,
    /// Its `managedFields`.
    pub managed_fields: Value,
    /// Fields that were taken from others, and those that were left to them.
    pub settled: Settled,
}

impl AccountClient {
    /// Applies one object. What a server-side apply cannot do is done by a patch before it: our entry follows the object to
    /// another version, and a default that stands in the way of what is wanted goes.
    ///
    /// # Errors
    /// When the API server refuses it or cannot be reached. A misspelt field is refused.
    pub async fn apply(&self, request: ApplyRequest<'_>) -> Result<Applied, KubeError> {
        if request.generated.is_empty() {
            return self.apply_manifest(request).await;
        }
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let mut manifest = request.manifest.clone();
        // Whoever changes such a field after this has it: the first try takes nothing from anybody.
        if let Some(live) = bounded(api.get_opt(&request.key.name)).await? {
            keep_generated(&mut manifest, &to_value(&live)?, request.generated);
        }
        self.apply_manifest(ApplyRequest { manifest: &manifest, ..request }).await
    }

    async fn apply_manifest(&self, request: ApplyRequest<'_>) -> Result<Applied, KubeError> {
        if request.applied_as.is_some_and(|before| before != request.version()) && !request.dry_run {
            self.raise_entry(&request).await?;
        }
        let mut refused = Vec::new();
        let error = match self.try_apply(&request, &mut refused).await {
            Ok(applied) => return Ok(applied),
            Err(error) => error,
        };
        let mended = match &error {
            _ if request.dry_run => Ok(false),
            KubeError::Refused(_) if !refused.is_empty() => self.take_defaults_away(&request, &refused).await,
            KubeError::Refused(_) | KubeError::Unavailable(_) => self.raise_entry(&request).await,
            _ => Ok(false),
        };
        // The first fault is what is wrong with the object; one of the mending is not.
        if mended.unwrap_or(false) { self.try_apply(&request, &mut refused).await } else { Err(error) }
    }

    /// Whether an apply would change what an object means. Costs a look and a dry run.
    ///
    /// # Errors
    /// When the API server refuses either, or cannot be asked.
    pub async fn would_change(&self, request: &ApplyRequest<'_>) -> Result<bool, KubeError> {
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let Some(live) = bounded(api.get_opt(&request.key.name)).await? else { return Ok(true) };
        let live = to_value(&live)?;
        let mut manifest = request.manifest.clone();
        keep_generated(&mut manifest, &live, request.generated);
        let params = PatchParams::apply(FIELD_MANAGER).validation_strict().dry_run();
        let after = match unforced(api.patch(&request.key.name, &params, &Patch::Apply(&manifest))).await? {
            Ok(after) => after,
            Err(contested) => {
                request.rules.take_out_ignored(&request.key.kind, &mut manifest, contested);
                bounded(api.patch(&request.key.name, &params.force(), &Patch::Apply(&manifest))).await?
            }
        };
        Ok(!is_same(&to_value(&after)?, &live))
    }

    /// One apply, with what is left to others. The fields for which it was refused as invalid come out in `refused`.
    async fn try_apply(
        &self,
        request: &ApplyRequest<'_>,
        refused: &mut Vec<RefusedField>,
    ) -> Result<Applied, KubeError> {
        let mut params = PatchParams::apply(FIELD_MANAGER).validation_strict();
        params.dry_run = request.dry_run;
        match self.patch(request, &params, refused).await? {
            Ok(object) => Ok(applied(object, Settled::default())),
            Err(contested) => {
                let mut manifest = request.manifest.clone();
                let settled = request.rules.take_out_ignored(&request.key.kind, &mut manifest, contested);
                let params = if settled.taken.is_empty() { params } else { params.force() };
                let request = ApplyRequest { manifest: &manifest, ..request.clone() };
                match self.patch(&request, &params, refused).await? {
                    Ok(object) => Ok(applied(object, settled)),
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
        refused: &mut Vec<RefusedField>,
    ) -> Result<Result<PartialObjectMeta<DynamicObject>, Vec<Contested>>, KubeError> {
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let patch = Patch::Apply(request.manifest);
        let answer = async {
            let answer = api.patch_metadata(&request.key.name, params, &patch).await;
            *refused = answer.as_ref().err().map(invalid_fields).unwrap_or_default();
            answer
        };
        if params.force { bounded(answer).await.map(Ok) } else { unforced(answer).await }
    }

    /// Puts our entry in `managedFields` under the version of the manifest. Says whether it was under another one.
    async fn raise_entry(&self, request: &ApplyRequest<'_>) -> Result<bool, KubeError> {
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let Some(found) = bounded(api.get_metadata_opt(&request.key.name)).await? else { return Ok(false) };
        let Some(entries) = raised(&watch::managed_fields(&found.metadata), request.version()) else {
            return Ok(false);
        };
        let metadata = json!({"resourceVersion": found.metadata.resource_version, "managedFields": entries});
        let patch = Patch::Merge(json!({"metadata": metadata}));
        bounded(api.patch_metadata(&request.key.name, &as_heddle(), &patch)).await?;
        Ok(true)
    }

    /// Takes away defaults for which the API server refused what is wanted. Says whether there were any.
    async fn take_defaults_away(
        &self,
        request: &ApplyRequest<'_>,
        refused: &[RefusedField],
    ) -> Result<bool, KubeError> {
        let api = self.objects(request.served, request.key.namespace.as_deref());
        let Some(live) = bounded(api.get_opt(&request.key.name)).await? else { return Ok(false) };
        let Some(found) = without_defaults(refused, request.manifest, &to_value(&live)?) else { return Ok(false) };
        let mut patch = found.patch;
        patch["metadata"]["resourceVersion"] = live.metadata.resource_version.into();
        let patch = if found.has_lists { Patch::Strategic(patch) } else { Patch::Merge(patch) };
        bounded(api.patch_metadata(&request.key.name, &as_heddle(), &patch)).await?;
        Ok(true)
    }
}

impl ApplyRequest<'_> {
    fn version(&self) -> &str {
        self.manifest["apiVersion"].as_str().unwrap_or_default()
    }
}

/// For what is no apply.
pub(crate) fn as_heddle() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

/// The fields for which an object was refused as invalid.
fn invalid_fields(error: &kube::Error) -> Vec<RefusedField> {
    let kube::Error::Api(status) = error else { return Vec::new() };
    let causes = status.details.iter().filter(|_| status.code == 422).flat_map(|details| &details.causes);
    // The words of Kubernetes' validation where one member of several may be there.
    let read = |cause: &StatusCause| RefusedField {
        field: cause.field.clone(),
        beside_another: cause.message.contains("may not specify more than 1"),
    };
    causes.map(read).collect()
}

fn to_value(object: &DynamicObject) -> Result<Value, KubeError> {
    serde_json::to_value(object).map_err(|error| KubeError::Unavailable(error.to_string()))
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

pub(crate) fn applied(object: PartialObjectMeta<DynamicObject>, settled: Settled) -> Applied {
    let managed_fields = watch::managed_fields(&object.metadata);
    Applied {
        guard: watch::guard(&object.metadata),
        deleting: object.metadata.deletion_timestamp.is_some(),
        inherited: watch::inherited(&object.metadata, &managed_fields),
        uid: object.metadata.uid.unwrap_or_default(),
        resource_version: object.metadata.resource_version.unwrap_or_default(),
        entry: OwnEntry::find(&managed_fields),
        managed_fields,
        settled,
    }
}
