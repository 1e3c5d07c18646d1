//! What a person may ask from the command line. Nothing here changes anything.

use heddle_reconcile::{DriftRules, FIELD_MANAGER, ObjectKey};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::Value;

use crate::{Kinds, KubeError, Served, apply::unforced, error::bounded, kinds};

/// Acts as whoever the connection logs in.
#[derive(Clone)]
pub struct CallerClient {
    client: Client,
}

impl CallerClient {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The namespace of the context, for objects that name none.
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// Asks for every kind.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn list_kinds(&self) -> Result<Kinds, KubeError> {
        kinds::list(&self.client).await
    }

    /// An object as it is; `None` when it does not exist.
    ///
    /// # Errors
    /// When the caller may not get it, or the API server cannot be asked.
    pub async fn find(&self, key: &ObjectKey, served: &Served) -> Result<Option<Value>, KubeError> {
        let object = bounded(self.objects(key, served).get_opt(&key.name)).await?;
        object.map(|object| to_value(&object)).transpose()
    }

    /// What an object would be after an apply by Heddle, which leaves others nothing but what their work is. The API
    /// server only says it.
    ///
    /// # Errors
    /// When the API server refuses the object, such as for a misspelt field, when the caller may not patch it, or when it
    /// cannot be asked.
    pub async fn try_apply(&self, key: &ObjectKey, served: &Served, manifest: &Value) -> Result<Value, KubeError> {
        let params = PatchParams::apply(FIELD_MANAGER).validation_strict().dry_run();
        let api = self.objects(key, served);
        let patch = Patch::Apply(manifest);
        let fields = match unforced(api.patch(&key.name, &params, &patch)).await? {
            Ok(object) => return to_value(&object),
            Err(fields) => fields,
        };
        let mut manifest = manifest.clone();
        DriftRules::of(&manifest, Vec::new()).take_out_ignored(&key.kind, &mut manifest, fields);
        let object = bounded(api.patch(&key.name, &params.force(), &Patch::Apply(&manifest))).await?;
        to_value(&object)
    }

    fn objects(&self, key: &ObjectKey, served: &Served) -> Api<DynamicObject> {
        let resource = served.resource();
        match key.namespace.as_deref().filter(|_| served.namespaced) {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }
}

fn to_value(object: &DynamicObject) -> Result<Value, KubeError> {
    serde_json::to_value(object).map_err(|error| KubeError::Unavailable(error.to_string()))
}
