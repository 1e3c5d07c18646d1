//! What agents should look at, kept until they ask, so that nothing is missed between two polls.

use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    id::{ClusterId, OrganizationId},
};
use sqlx::PgExecutor;

use crate::error::{DbError, word};

/// Something for an agent to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A branch moved, or became readable.
    BranchMoved {
        /// The repository.
        repository: RepoUrl,
        /// The branch.
        branch: BranchName,
        /// Its head, where one alone was told of.
        revision: Option<Revision>,
    },
    /// Report everything.
    Resync,
}

/// Leaves a hint for every cluster with a Sync that follows the branch; `None` means every branch that one follows. `head`
/// is its head, where that is known. Gives the branches.
///
/// # Errors
/// When the server cannot be reached.
pub async fn leave(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: &RepoUrl,
    branch: Option<&BranchName>,
    head: Option<&Revision>,
) -> Result<Vec<BranchName>, DbError> {
    let branches = sqlx::query_scalar!(
        r#"insert into hints (organization_id, cluster_id, repository_url, branch, revision)
           select distinct organization_id, cluster_id, repository_url, branch, $4::text from syncs
           where organization_id = $1 and repository_url = $2 and ($3::text is null or branch = $3)
           on conflict (cluster_id, repository_url, branch) do update
           set revision = case when hints.revision = excluded.revision then excluded.revision end
           returning branch as "branch!""#,
        organization.0,
        repository.as_str(),
        branch.map(BranchName::as_str),
        head.map(Revision::as_str),
    )
    .fetch_all(db)
    .await?;
    let mut branches: Vec<BranchName> =
        branches.iter().map(|branch| word("hints.branch", branch)).collect::<Result<_, _>>()?;
    branches.sort();
    branches.dedup();
    Ok(branches)
}

/// Takes what was left for a cluster.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<Vec<Hint>, DbError> {
    let rows =
        sqlx::query!("delete from hints where cluster_id = $1 returning repository_url, branch, revision", cluster.0)
            .fetch_all(db)
            .await?;
    rows.into_iter()
        .map(|row| match (row.repository_url, row.branch) {
            (Some(repository), Some(branch)) => Ok(Hint::BranchMoved {
                repository: word("hints.repository_url", &repository)?,
                branch: word("hints.branch", &branch)?,
                revision: row.revision.map(|revision| word("hints.revision", &revision)).transpose()?,
            }),
            _ => Ok(Hint::Resync),
        })
        .collect()
}
