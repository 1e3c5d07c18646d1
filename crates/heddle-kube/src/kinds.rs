//! Which kinds the API server serves, and under which address.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use heddle_reconcile::GroupKind;
use kube::{
    Client,
    core::{
        ApiResource,
        discovery::v2::{APIGroupDiscoveryList, APIResourceDiscovery},
    },
};

use crate::{AccountClient, KubeError, error::bounded};

/// A kind in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The kind.
    pub kind: GroupKind,
    /// The version, without the group.
    pub version: String,
    /// Its name in addresses.
    pub plural: String,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
    /// Whether they can be watched.
    pub watchable: bool,
}

impl Served {
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        match self.kind.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    pub(crate) fn resource(&self) -> ApiResource {
        ApiResource {
            group: self.kind.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.kind.clone(),
            plural: self.plural.clone(),
        }
    }
}

/// Every kind that the API server serves.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    kinds: HashMap<GroupKind, Vec<Served>>,
    /// Every `version` and `group/version`, also of groups whose kinds are not known.
    versions: BTreeSet<String>,
    /// Groups whose own server is down. Whether their kinds exist is unknown.
    pub unknown_groups: Vec<String>,
}

impl Kinds {
    /// A kind in the version of an `apiVersion`.
    pub fn find(&self, kind: &GroupKind, api_version: &str) -> Option<&Served> {
        self.kinds.get(kind)?.iter().find(|served| served.api_version() == api_version)
    }

    /// A kind in the version that the API server prefers.
    pub fn preferred(&self, kind: &GroupKind) -> Option<&Served> {
        self.kinds.get(kind)?.first()
    }

    /// Every kind, in the version that the API server prefers.
    pub fn iter(&self) -> impl Iterator<Item = &Served> {
        self.kinds.values().filter_map(|versions| versions.first())
    }

    /// The plural name of each kind.
    pub fn plurals(&self) -> BTreeMap<GroupKind, String> {
        let first = |(kind, served): (&GroupKind, &Vec<Served>)| Some((kind.clone(), served.first()?.plural.clone()));
        self.kinds.iter().filter_map(first).collect()
    }

    /// Other versions in which a kind is served, for words.
    pub fn versions_of(&self, kind: &GroupKind) -> Vec<String> {
        self.kinds.get(kind).into_iter().flatten().map(Served::api_version).collect()
    }

    /// Every `version`, `group/version` and `group/version/Kind` that is served, as templates of charts ask for them. Source:
    /// `GetVersionSet` of helm's `pkg/action`.
    pub fn api_versions(&self) -> BTreeSet<String> {
        let served = self.kinds.values().flatten();
        let kinds = served.map(|served| format!("{}/{}", served.api_version(), served.kind.kind));
        self.versions.iter().cloned().chain(kinds).collect()
    }

    fn take(&mut self, list: APIGroupDiscoveryList) {
        for group in list.items {
            let name = group.metadata.and_then(|metadata| metadata.name).unwrap_or_default();
            for version in group.versions {
                if version.freshness.as_deref() == Some("Stale") {
                    self.unknown_groups.push(name.clone());
                }
                let number = version.version.unwrap_or_default();
                self.versions.insert(if name.is_empty() { number.clone() } else { format!("{name}/{number}") });
                for resource in version.resources {
                    if let Some(served) = served(&name, &number, resource) {
                        self.kinds.entry(served.kind.clone()).or_default().push(served);
                    }
                }
            }
        }
    }
}

fn served(group: &str, version: &str, resource: APIResourceDiscovery) -> Option<Served> {
    let has = |verb: &str| resource.verbs.iter().any(|own| own == verb);
    let watchable = has("watch") && has("list");
    let kind = GroupKind { group: group.to_owned(), kind: resource.response_kind?.kind? };
    let namespaced = resource.scope.as_deref() == Some("Namespaced");
    Some(Served { kind, version: version.to_owned(), plural: resource.resource?, namespaced, watchable })
}

impl AccountClient {
    /// Asks for every kind. An aggregated API server that is down hides its own kinds only.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn list_kinds(&self) -> Result<Kinds, KubeError> {
        list(self.client()).await
    }

    /// The version of the API server, such as `v1.34.4`.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn kube_version(&self) -> Result<String, KubeError> {
        Ok(bounded(self.client().apiserver_version()).await?.git_version)
    }
}

pub(crate) async fn list(client: &Client) -> Result<Kinds, KubeError> {
    let mut kinds = Kinds::default();
    kinds.take(bounded(client.list_core_api_versions_aggregated()).await?);
    kinds.take(bounded(client.list_api_groups_aggregated()).await?);
    kinds.unknown_groups.dedup();
    Ok(kinds)
}
