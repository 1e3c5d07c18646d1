//! Where an environment is kept, and what stands there.

use std::slice;

use heddle_core::{
    git::BranchName,
    id::{OrganizationId, RepositoryId},
    name::EnvironmentName,
};
use heddle_db::{
    Tx, environments,
    occurrences::{self, Occurrence},
    repositories::Repository,
};

use super::rules;
use crate::problem::ApiResult;

/// The repository and the branch of an environment.
pub(super) struct Site {
    pub repository: Repository,
    pub branch: BranchName,
    /// All environments of the repository.
    pub environments: Vec<EnvironmentName>,
}

impl Site {
    /// Finds the repository that has an environment.
    ///
    /// # Errors
    /// 404 when there is none, 422 when there are several and none is `named`.
    pub async fn find(
        tx: &mut Tx,
        organization: OrganizationId,
        named: Option<RepositoryId>,
        environment: &EnvironmentName,
    ) -> ApiResult<Self> {
        let wanted = slice::from_ref(environment);
        let repository = rules::with_environments(tx, organization, named, wanted).await?.one(wanted)?;
        let here = environments::list_of_repository(&mut **tx, repository.id).await?;
        let path = here.iter().find(|one| one.name == *environment);
        let branch = path.map_or_else(|| repository.default_branch.clone(), |path| path.branch.clone());
        Ok(Self { repository, branch, environments: here.into_iter().map(|one| one.name).collect() })
    }

    /// What stands of these images on its branch.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn standing(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        images: &[String],
    ) -> ApiResult<Vec<Occurrence>> {
        let standing = occurrences::list_of_images(&mut **tx, organization, images).await?;
        let is_here = |id: &RepositoryId, one: &Occurrence| *id == self.repository.id && one.branch == self.branch;
        Ok(standing.into_iter().filter(|(id, one)| is_here(id, one)).map(|(_, one)| one).collect())
    }
}
