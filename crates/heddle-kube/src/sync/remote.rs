//! From where remote bases and files of Kustomize, and charts, may come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The annotation of a Sync with the commits and digests to which a tag or a file of a remote base may move, separated by
/// commas.
pub const APPROVE_REMOTE_ANNOTATION: &str = "heddle.dev/approve-remote";

/// From where remote bases, files and charts may come, and how they have to be named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemoteBases {
    /// Hosts, each with an optional beginning of the path, such as `github.com/acme/`.
    #[schemars(length(max = 50), inner(length(min = 1, max = 1024)))]
    pub hosts: Vec<String>,
    /// Whether an address has to say which bytes it means.
    #[serde(default)]
    pub pinned: RemotePinned,
    /// Logins by the addresses that they are for; the longest prefix counts. No login of `repository` is ever sent there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub logins: Vec<RemoteLogin>,
}

/// Whether the address of a remote base or file has to say which bytes it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RemotePinned {
    /// It names a commit, as in `?ref=4b825dc642cb6eb9a060e54bf8d69288fbee4904`, for a file its digest, as in `#sha256=` with
    /// 64 digits, or for a chart one version.
    #[default]
    Required,
    /// Branches and ranges of versions are followed at each look. So are tags and files, but where one became another one it
    /// is asked about first.
    Resolve,
}

/// A login for remote bases, files and charts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteLogin {
    /// What it is for, such as `github.com/acme/`.
    #[schemars(length(min = 1, max = 1024))]
    pub prefix: String,
    /// A Secret in the namespace of the Sync with the keys `username` and `password`. The service account must be allowed to
    /// get it.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// What an address stands for that names neither a commit nor a digest, or a chart of a repository elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteStatus {
    /// The address; of a chart its name, its version and its repository.
    pub address: String,
    /// The commit that is used, or the SHA-256 of the file or of the package of the chart.
    pub revision: String,
    /// The version of the chart that is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is a branch and was never a tag, or a range of versions, so that it moves without being asked about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub branch: bool,
    /// The one that it stands for by now, where that is not approved yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
}
