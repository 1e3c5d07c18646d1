//! The `Sync` resource, as the cluster's owner writes it and as `kubectl` shows it.
//!
//! The definition in `deploy/agent/install.yaml` is generated from these types; a test holds the two together.

mod helm;
mod overlay;
mod remote;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    helm::Helm,
    overlay::{CommonMetadata, Image, Patch, PatchTarget},
    remote::{APPROVE_REMOTE_ANNOTATION, RemoteBases, RemoteLogin, RemotePinned, RemoteStatus},
};

/// What this cluster should run: a path on a branch of a repository.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "heddle.dev",
    version = "v1alpha1",
    kind = "Sync",
    namespaced,
    status = "SyncStatus",
    doc = "A path on a branch of a Git repository that this cluster follows.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("the name of a Sync has at most 63 characters"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.revision"),
    printcolumn(name = "Health", type_ = "string", json_path = ".status.health"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message")
)]
#[serde(rename_all = "camelCase")]
pub struct SyncSpec {
    /// Address of the repository, such as `https://github.com/acme/config`.
    #[x_kube(validation = Rule::new("self.startsWith('https://') || self.matches('^http://(localhost|127[.][0-9.]+)(:[0-9]+)?/')").message("write the repository as https://host/owner/name"))]
    #[x_kube(validation = Rule::new("!self.contains('@')").message("a user or a password does not belong in the address: name a Secret in `credentials`"))]
    #[schemars(length(max = 2048))]
    pub repository: String,
    /// The branch to follow.
    #[serde(default = "default_branch")]
    #[schemars(length(min = 1, max = 255))]
    pub branch: String,
    /// The directory in the repository; empty for its root.
    #[serde(default)]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("the path may not leave the repository"))]
    #[schemars(length(max = 1024))]
    pub path: String,
    /// How often the repository is asked for a new revision, such as `90s`, `1m` or `1h30m`. A hint makes it sooner.
    #[serde(default = "default_interval")]
    #[schemars(regex(pattern = r"^([0-9]+(s|m|h))+$"), length(max = 32))]
    pub interval: String,
    /// Whether objects that left the path are deleted from the cluster.
    #[serde(default = "default_prune")]
    pub prune: bool,
    /// What is done about changes that others make to the objects.
    #[serde(default)]
    pub drift: DriftMode,
    /// What becomes of fields that kubectl, Flux, Argo CD or Helm applied to the objects before, and that no file has. With
    /// `take` they go with the next change of their object, with `orphaned` also where it names a controller that is not in
    /// this cluster, and with `keep` they stay.
    #[serde(default)]
    pub take_over: TakeOver,
    /// Fields that others may change. One that somebody else has is left to them, by each apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub ignore: Vec<Ignore>,
    /// The service account in the namespace of the Sync as which everything is read and written.
    #[serde(default = "default_service_account")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: String,
    /// The namespaces that it may touch; empty for all that its service account may.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub namespaces: Vec<String>,
    /// The kinds that it may touch, such as `Deployment` or `Certificate.cert-manager.io`; empty for all that its
    /// service account may.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub kinds: Vec<String>,
    /// A Secret in the namespace of the Sync with the keys `username` and `password` for the repository. Without it the
    /// agent asks Heddle for a token that reads this repository. The service account must be allowed to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretReference>,
    /// Syncs in the same namespace that have to be ready before a new revision is applied; those of the same repository
    /// and branch at that revision.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub depends_on: Vec<SyncReference>,
    /// Values for variables such as `${region}`, which are put into every object. Without it nothing is put in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitute: Option<Substitute>,
    /// Components of Kustomize, each by its way from `path`, which are applied to everything in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(validation = Rule::new("self.all(one, !one.startsWith('/') && !one.contains('://') && !one.contains('?ref='))").message("write a component as its way from `path` within the repository"))]
    #[schemars(length(max = 50), inner(length(min = 1, max = 1024)))]
    pub components: Vec<String>,
    /// Labels and annotations that every object gets, after everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_metadata: Option<CommonMetadata>,
    /// The namespace of every object that has one, whatever its file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub target_namespace: Option<String>,
    /// What every name begins with, in the place of a `namePrefix` of the path's own kustomization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name_prefix: Option<String>,
    /// What every name ends with, in the place of a `nameSuffix` of the path's own kustomization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub name_suffix: Option<String>,
    /// Changes of objects, after those of the path's own kustomization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub patches: Vec<Patch>,
    /// What stands in the place of images, replacing what the path's own kustomization says of the same name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub images: Vec<Image>,
    /// How the Helm chart in `path` is rendered; then there must be a `Chart.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<Helm>,
    /// From where bases and files may come that kustomizations name by an address, and charts. Without it none is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<RemoteBases>,
    /// A Secret in the namespace of the Sync with identities of age under keys that end in `.agekey`, or under `keys.txt`, which
    /// open files that are encrypted with SOPS. The service account must be allowed to get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decrypt: Option<SecretReference>,
    /// Nothing is applied, pruned or healed while this is true.
    #[serde(default)]
    pub suspend: bool,
}

/// Values for variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Substitute {
    /// Values by the names of their variables; they are stronger than those of `from`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// ConfigMaps and Secrets in the namespace of the Sync, whose keys are variables; a later one is stronger. The service
    /// account must be allowed to get them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub from: Vec<VariableSource>,
    /// Whether variables without a value are empty; otherwise they are errors.
    #[serde(default)]
    pub lenient: bool,
}

/// An object that holds values for variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariableSource {
    /// Its kind.
    pub kind: VariableKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Whether it may be missing.
    #[serde(default)]
    pub optional: bool,
}

/// A kind of object that holds values for variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum VariableKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// What is done about changes that others make to the objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftMode {
    /// They are put back and reported.
    #[default]
    Heal,
    /// They are reported.
    Detect,
    /// They are not looked for.
    Off,
}

/// What becomes of fields that others applied to the objects before, and that no file has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TakeOver {
    /// They are named first, and go with the next change of their object. Of an object that names another tool's controller
    /// nothing is taken, unless that one is suspended.
    #[default]
    Take,
    /// As `take`, also of objects that name a controller which is not in this cluster: it is gone for good.
    Orphaned,
    /// They stay.
    Keep,
}

/// Fields that others may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignore {
    /// The kind, such as `Deployment` or `Certificate.cert-manager.io`; every kind where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name; every one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The fields, such as `spec.replicas` or `spec.template.spec.containers[name=api].image`; `*` stands for any text.
    #[schemars(length(min = 1, max = 50))]
    pub paths: Vec<String>,
}

/// Names a Sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncReference {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// Names a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    /// The generation of the spec that the rest is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The first digits of the revision that is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The revision that is fully applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_revision: Option<String>,
    /// Of what that is a revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_source: Option<AppliedSource>,
    /// The revision last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_revision: Option<String>,
    /// The verdict on all objects together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// How many objects it manages.
    #[serde(default)]
    pub objects: u64,
    /// `Ready`, `Fetched`, `Rendered`, `Applied`, `Pruned`, `Healthy`; while it is not ready, `Reconciling` or `Stalled`; and
    /// where there is something to say, `InstallManifest`, `Leftovers`, `TakeOver`, `Generated`, `OtherController`,
    /// `RemoteBases` and
    /// `FoughtOver`.
    #[serde(default)]
    pub conditions: Vec<SyncCondition>,
    /// What is wrong with the revision last tried, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<SyncStatusError>,
    /// What addresses of remote bases and files stand for that name neither a commit nor a digest, and charts of repositories
    /// elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remotes: Vec<RemoteStatus>,
    /// A deletion that stopped and asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_prune: Option<StoppedPruneStatus>,
}

/// What a revision is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedSource {
    /// Address of the repository.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The path; empty for the root.
    pub path: String,
}

/// A condition, as all of Kubernetes has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncCondition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Since when, in RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// The generation of the spec that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// One thing that is wrong with a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatusError {
    /// The file, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// `Kind namespace/name`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// A deletion that stopped, because it is large or because the path holds nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoppedPruneStatus {
    /// The annotation `heddle.dev/approve-prune` with this value lets it go on.
    pub plan: String,
    /// Why it stopped.
    pub reason: String,
    /// What it would delete, at most 20.
    pub objects: Vec<String>,
    /// How many in all.
    pub count: u64,
}

fn default_branch() -> String {
    "main".to_owned()
}

fn default_interval() -> String {
    "1m".to_owned()
}

fn default_prune() -> bool {
    true
}

fn default_service_account() -> String {
    "heddle-deployer".to_owned()
}

#[cfg(test)]
mod tests;
