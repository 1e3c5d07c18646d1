//! The only client that touches a user's objects. It always acts as a service account of theirs.

use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    core::{ApiResource, DynamicObject, PartialObjectMeta},
};
use secrecy::SecretString;

use crate::{KubeError, Served, error::bounded};

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
