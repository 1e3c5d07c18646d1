//! What is wrong in files that people wrote.

use heddle_core::{
    git::{BranchName, RepoName},
    id::{OrganizationId, RepositoryId},
    image::ImageRepository,
    name::EnvironmentName,
};
use sqlx::{PgConnection, PgExecutor};

use crate::error::{DbError, word};

/// Who found it; each replaces its own findings only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// A read.
    Read,
    /// An update.
    Update,
}

/// A finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The branch.
    pub branch: BranchName,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: i32,
    /// Column, from 1.
    pub column: i32,
    /// A stable word.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Whether it keeps something from being written.
    pub blocks: bool,
}

/// Puts these findings in the place of those that `by` found earlier.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    by: FoundBy,
    findings: &[Finding],
) -> Result<(), DbError> {
    let source = match by {
        FoundBy::Read => "read",
        FoundBy::Update => "update",
    };
    sqlx::query!("delete from findings where repository_id = $1 and source = $2", repository.0, source)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"insert into findings (organization_id, repository_id, source, branch, file, line, "column", code, message, blocks)
           select $1, $2, $3, f.* from unnest($4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[], $9::text[],
                                              $10::boolean[]) as f"#,
        organization.0,
        repository.0,
        source,
        &findings.iter().map(|one| one.branch.to_string()).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.file.clone()).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.line).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.column).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.code.clone()).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.message.clone()).collect::<Vec<_>>(),
        &findings.iter().map(|one| one.blocks).collect::<Vec<_>>(),
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// The organization's findings, what blocks first, at most `limit`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<(RepoName, Finding)>, DbError> {
    let rows = sqlx::query!(
        r#"select r.name, f.branch, f.file, f.line, f."column", f.code, f.message, f.blocks
           from findings f join repositories r on r.id = f.repository_id
           where f.organization_id = $1 order by not f.blocks, r.name, f.file, f.line, f.id limit $2"#,
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let finding = Finding {
                branch: word("findings.branch", &row.branch)?,
                file: row.file,
                line: row.line,
                column: row.column,
                code: row.code,
                message: row.message,
                blocks: row.blocks,
            };
            Ok((word("repositories.name", &row.name)?, finding))
        })
        .collect()
}

/// An image that a finding of the code `current` is about: its rule does not say where its tag stands.
#[derive(Debug, Clone)]
pub struct Unplaced {
    /// The repository.
    pub repository: RepoName,
    /// The branch.
    pub branch: BranchName,
    /// The file.
    pub file: String,
    /// The line.
    pub line: i32,
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
}

/// What stands at the places of such findings, at most `limit`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unplaced(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Unplaced>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct r.name, f.branch, f.file, f.line, o.environment as "environment!", o.image
           from findings f
           join repositories r on r.id = f.repository_id
           join occurrences o on o.repository_id = f.repository_id and o.branch = f.branch and o.file = f.file
               and o.line = f.line and o.environment is not null and o.rule_line is not null
           where f.organization_id = $1 and f.code = 'current'
           order by r.name, f.file, f.line, "environment!" limit $2"#,
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Unplaced {
                repository: word("repositories.name", &row.name)?,
                branch: word("findings.branch", &row.branch)?,
                file: row.file,
                line: row.line,
                environment: word("occurrences.environment", &row.environment)?,
                image: word("occurrences.image", &row.image)?,
            })
        })
        .collect()
}

/// How many findings keep something from being written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_blocking(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from findings where organization_id = $1 and blocks"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}
