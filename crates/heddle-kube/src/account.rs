//! The only client that touches a user's objects. It always acts as a service account of theirs.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Client,
    core::{ApiResource, DynamicObject, PartialObjectMeta},
};
use secrecy::SecretString;

use crate::{
    KubeError, Served,
    error::bounded,
    sync::{VariableKind, VariableSource},
};

/// A service account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Account {
    /// The name under which the API server knows it.
    pub fn user_name(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Acts as one service account.
#[derive(Clone)]
pub struct AccountClient {
    client: Client,
}

impl AccountClient {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The user name and the password in a Secret.
    ///
    /// # Errors
    /// When the account may not get it, or a key is missing.
    pub async fn read_login(&self, namespace: &str, name: &str) -> Result<(String, SecretString), KubeError> {
        let secret = bounded(Api::<Secret>::namespaced(self.client.clone(), namespace).get(name)).await?;
        let text = |key: &str| {
            let bytes = secret.data.as_ref().and_then(|data| data.get(key));
            bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).ok_or_else(|| {
                KubeError::Refused(format!("the Secret {namespace}/{name} has no text under the key `{key}`"))
            })
        };
        Ok((text("username")?, text("password")?.into()))
    }

    /// The files of identities of age in a Secret, one after the other: the texts under keys that end in `.agekey`, as Flux
    /// has them, and under `keys.txt`, as sops calls its own.
    ///
    /// # Errors
    /// When the account may not get it, or it has no such key.
    pub async fn read_age_identities(&self, namespace: &str, name: &str) -> Result<SecretString, KubeError> {
        let secret = bounded(Api::<Secret>::namespaced(self.client.clone(), namespace).get(name)).await?;
        let is_ours = |key: &str| key.ends_with(".agekey") || key == "keys.txt";
        let keys = secret.data.unwrap_or_default().into_iter().filter(|(key, _)| is_ours(key));
        let texts: Vec<String> = keys.filter_map(|(_, bytes)| String::from_utf8(bytes.0).ok()).collect();
        if texts.is_empty() {
            return Err(KubeError::Refused(format!(
                "the Secret {namespace}/{name} has no text under a key that ends in `.agekey`, or is `keys.txt`"
            )));
        }
        Ok(texts.join("\n").into())
    }

    /// The texts of a ConfigMap or a Secret by their keys; `None` when there is no such object.
    ///
    /// # Errors
    /// When the account may not get it, or the API server is away.
    pub async fn find_texts(
        &self,
        namespace: &str,
        source: &VariableSource,
    ) -> Result<Option<BTreeMap<String, String>>, KubeError> {
        let client = self.client.clone();
        let read = match source.kind {
            VariableKind::ConfigMap => {
                let object = bounded(Api::<ConfigMap>::namespaced(client, namespace).get(&source.name)).await;
                object.map(|object| object.data.unwrap_or_default())
            }
            VariableKind::Secret => {
                let object = bounded(Api::<Secret>::namespaced(client, namespace).get(&source.name)).await;
                let texts = |(key, bytes): (String, ByteString)| Some((key, String::from_utf8(bytes.0).ok()?));
                object.map(|object| object.data.unwrap_or_default().into_iter().filter_map(texts).collect())
            }
        };
        match read {
            Ok(texts) => Ok(Some(texts)),
            Err(KubeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn objects(&self, served: &Served, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = served.resource();
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    pub(crate) fn metadata(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Api<PartialObjectMeta<DynamicObject>> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}
