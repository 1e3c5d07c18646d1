//! Which record a look is of.

use serde::{Deserialize, Serialize};

use super::{DriftSource, DriftTool};
use crate::{git::RepoName, name::EnvironmentName};

/// What a record is about. An organization has one record of a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordName {
    /// The repository that the source lies in; `None` where it lies in none, or nobody said in which.
    pub repository: Option<RepoName>,
    /// The environment.
    pub environment: EnvironmentName,
    /// The tool.
    pub tool: DriftTool,
    /// The source.
    pub source: DriftSource,
}

impl RecordName {
    /// Whether a look that names itself `look` is of this record. One that names no repository takes looks from any.
    pub fn is_of(&self, look: &Self) -> bool {
        let names = |one: &Self| (one.environment.clone(), one.tool, one.source.clone());
        let is_there = match (&self.repository, &look.repository) {
            (Some(own), Some(told)) => own.is_same(told),
            (Some(_), None) => false,
            (None, _) => true,
        };
        is_there && names(self) == names(look)
    }
}

impl std::fmt::Display for RecordName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { repository, environment, tool, source } = self;
        write!(f, "{tool} {source} ")?;
        match repository {
            Some(repository) => write!(f, "of {repository} in {environment}"),
            None => write!(f, "in {environment}"),
        }
    }
}
