//! The repositories that a person administers, as GitHub said when they signed in there.

use heddle_core::{
    git::{BranchName, RepoName},
    id::UserId,
};
use sqlx::{PgConnection, PgExecutor};

use crate::error::{DbError, word};

/// A repository that a person may bind.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The App's installation.
    pub installation_id: i64,
    /// Its name.
    pub name: RepoName,
    /// Its default branch.
    pub default_branch: BranchName,
    /// Whether it is private.
    pub private: bool,
}

/// Puts these grants in the place of the user's earlier ones. Runs in the transaction of the user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(db: &mut PgConnection, user: UserId, grants: &[Grant]) -> Result<(), DbError> {
    sqlx::query!("delete from github_grants where user_id = $1", user.0).execute(&mut *db).await?;
    let installations: Vec<i64> = grants.iter().map(|grant| grant.installation_id).collect();
    let names: Vec<String> = grants.iter().map(|grant| grant.name.to_string()).collect();
    let branches: Vec<String> = grants.iter().map(|grant| grant.default_branch.to_string()).collect();
    let private: Vec<bool> = grants.iter().map(|grant| grant.private).collect();
    sqlx::query!(
        "insert into github_grants (user_id, installation_id, name, default_branch, private)
         select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::boolean[])
         on conflict do nothing",
        user.0,
        &installations,
        &names,
        &branches,
        &private,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The user's grants by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Grant>, DbError> {
    let rows = sqlx::query!(
        "select installation_id, name, default_branch, private from github_grants where user_id = $1
         order by lower(name)",
        user.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Grant {
                installation_id: row.installation_id,
                name: word("github_grants.name", &row.name)?,
                default_branch: word("github_grants.default_branch", &row.default_branch)?,
                private: row.private,
            })
        })
        .collect()
}
