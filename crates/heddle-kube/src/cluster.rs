//! The way to the API server, before anybody is anybody.

use std::path::Path;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::{Account, AccountClient, CallerClient, KubeError, OwnClient, error::bounded};

/// A cluster. It can do nothing by itself: say as whom.
#[derive(Clone)]
pub struct Cluster {
    config: Config,
}

impl Cluster {
    /// Reads how to connect: from the file, else from the pod's surroundings.
    ///
    /// # Errors
    /// When the file cannot be used, or this is no pod with a service account.
    pub async fn connect(kubeconfig: Option<&Path>) -> Result<Self, KubeError> {
        let setup = |error: &dyn std::fmt::Display| KubeError::Setup(error.to_string());
        let config = match kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(|error| setup(&error))?;
                let options = KubeConfigOptions::default();
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| setup(&error))?
            }
            None => Config::incluster().map_err(|error| setup(&error))?,
        };
        Ok(Self { config })
    }

    /// Reads how kubectl would connect: from the file, else from what `KUBECONFIG` names or `~/.kube/config`, with a context
    /// of it or the current one.
    ///
    /// # Errors
    /// When there is no such file or context, or it cannot be used.
    pub async fn of_person(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Self, KubeError> {
        let setup = |error: &dyn std::fmt::Display| KubeError::Setup(error.to_string());
        let kubeconfig = match kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let kubeconfig = kubeconfig.map_err(|error| setup(&error))?;
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| setup(&error))?;
        Ok(Self { config })
    }

    /// The API server's `gitVersion`.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn version(&self) -> Result<String, KubeError> {
        let client = client(self.config.clone())?;
        Ok(bounded(client.apiserver_version()).await?.git_version)
    }

    /// The agent with its own few rights, all of them in its own namespace.
    ///
    /// # Errors
    /// When the connection is not set up right.
    pub fn own(&self, namespace: &str) -> Result<OwnClient, KubeError> {
        Ok(OwnClient::new(client(self.config.clone())?, namespace))
    }

    /// Whoever the connection logs in, to look and to ask what would change.
    ///
    /// # Errors
    /// When the connection is not set up right.
    pub fn as_caller(&self) -> Result<CallerClient, KubeError> {
        Ok(CallerClient::new(client(self.config.clone())?))
    }

    /// A Sync's service account.
    ///
    /// # Errors
    /// When the connection is not set up right.
    pub fn as_account(&self, account: &Account) -> Result<AccountClient, KubeError> {
        let mut config = self.config.clone();
        config.auth_info.impersonate = Some(account.user_name());
        config.auth_info.impersonate_groups = None;
        Ok(AccountClient::new(client(config)?))
    }
}

fn client(config: Config) -> Result<Client, KubeError> {
    Client::try_from(config).map_err(|error| KubeError::Setup(error.to_string()))
}
