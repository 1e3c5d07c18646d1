//! Where images stand in config repositories, in which environments, and under which rule.

use heddle_core::{
    change::Mode,
    git::BranchName,
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::Place,
    policy::TagPolicy,
};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    changes::{mode_word, parse_mode},
    error::{DbError, from_json, json, word},
};

/// An image at a place, in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The branch.
    pub branch: BranchName,
    /// The place.
    pub place: Place,
    /// The container, where the place belongs to one.
    pub container: Option<String>,
    /// The effective image.
    pub image: ImageRepository,
    /// Its tag.
    pub tag: Option<Tag>,
    /// Its digest.
    pub digest: Option<Digest>,
    /// The environment; `None` where no closure holds the place.
    pub environment: Option<EnvironmentName>,
    /// The rule that governs it there.
    pub rule: Option<Rule>,
}

/// A rule of `.heddle.yaml`, or a policy beside an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The file that holds it.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// Its mode.
    pub mode: Mode,
    /// Its policy; `None` when it is broken.
    pub policy: Option<TagPolicy>,
    /// How often its registry is to be asked, in seconds; `None` where it does not say.
    pub interval_secs: Option<i32>,
}

#[derive(Serialize)]
struct NewRow<'a> {
    branch: &'a str,
    file: &'a str,
    line: u32,
    object: &'a str,
    field: &'a str,
    container: Option<&'a str>,
    image: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
    environment: Option<&'a str>,
    rule_file: Option<&'a str>,
    rule_line: Option<u32>,
    mode: Option<&'static str>,
    policy: Option<&'a TagPolicy>,
    interval_secs: Option<i32>,
}

impl<'a> From<&'a Occurrence> for NewRow<'a> {
    fn from(one: &'a Occurrence) -> Self {
        Self {
            branch: one.branch.as_str(),
            file: &one.place.file,
            line: one.place.line,
            object: &one.place.object,
            field: &one.place.field,
            container: one.container.as_deref(),
            image: one.image.as_str(),
            tag: one.tag.as_ref().map(Tag::as_str),
            digest: one.digest.as_ref().map(Digest::as_str),
            environment: one.environment.as_ref().map(EnvironmentName::as_str),
            rule_file: one.rule.as_ref().map(|rule| rule.file.as_str()),
            rule_line: one.rule.as_ref().map(|rule| rule.line),
            mode: one.rule.as_ref().map(|rule| mode_word(rule.mode)),
            policy: one.rule.as_ref().and_then(|rule| rule.policy.as_ref()),
            interval_secs: one.rule.as_ref().and_then(|rule| rule.interval_secs),
        }
    }
}

/// Puts these occurrences in the place of the repository's earlier ones.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    occurrences: &[Occurrence],
) -> Result<(), DbError> {
    let rows = json("occurrences", &occurrences.iter().map(NewRow::from).collect::<Vec<_>>())?;
    sqlx::query!("delete from occurrences where repository_id = $1", repository.0).execute(&mut *db).await?;
    sqlx::query!(
        "insert into occurrences (organization_id, repository_id, branch, file, line, object, field, container, image,
                                  tag, digest, environment, rule_file, rule_line, mode, policy, interval_secs)
         select $1, $2, branch, file, line, object, field, container, image, tag, digest, environment, rule_file,
                rule_line, mode, policy, interval_secs
         from jsonb_to_recordset($3) as o (
             branch text, file text, line integer, object text, field text, container text, image text, tag text,
             digest text, environment text, rule_file text, rule_line integer, mode text, policy jsonb,
             interval_secs integer)",
        organization.0,
        repository.0,
        rows,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

struct Row {
    branch: String,
    file: String,
    line: i32,
    object: String,
    field: String,
    container: Option<String>,
    image: String,
    tag: Option<String>,
    digest: Option<String>,
    environment: Option<String>,
    rule_file: Option<String>,
    rule_line: Option<i32>,
    mode: Option<String>,
    policy: Option<serde_json::Value>,
    interval_secs: Option<i32>,
}

impl TryFrom<Row> for Occurrence {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let rule = match (row.rule_line, row.mode) {
            (Some(line), Some(mode)) => Some(Rule {
                file: row.rule_file.unwrap_or_default(),
                line: line.unsigned_abs(),
                mode: parse_mode(&mode)?,
                policy: row.policy.map(|policy| from_json("occurrences.policy", policy)).transpose()?,
                interval_secs: row.interval_secs,
            }),
            _ => None,
        };
        Ok(Self {
            branch: word("occurrences.branch", &row.branch)?,
            place: Place { file: row.file, line: row.line.unsigned_abs(), object: row.object, field: row.field },
            container: row.container,
            image: word("occurrences.image", &row.image)?,
            tag: row.tag.map(|tag| word("occurrences.tag", &tag)).transpose()?,
            digest: row.digest.map(|digest| word("occurrences.digest", &digest)).transpose()?,
            environment: row.environment.map(|name| word("occurrences.environment", &name)).transpose()?,
            rule,
        })
    }
}

/// Where `images` stand, with the repository.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_images(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[String],
) -> Result<Vec<(RepositoryId, Occurrence)>, DbError> {
    let rows = sqlx::query!(
        "select repository_id, branch, file, line, object, field, container, image, tag, digest, environment,
                rule_file, rule_line, mode, policy, interval_secs
         from occurrences where organization_id = $1 and image = any($2) order by id",
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let occurrence = Row {
                branch: row.branch,
                file: row.file,
                line: row.line,
                object: row.object,
                field: row.field,
                container: row.container,
                image: row.image,
                tag: row.tag,
                digest: row.digest,
                environment: row.environment,
                rule_file: row.rule_file,
                rule_line: row.rule_line,
                mode: row.mode,
                policy: row.policy,
                interval_secs: row.interval_secs,
            };
            Ok((RepositoryId(row.repository_id), occurrence.try_into()?))
        })
        .collect()
}

/// The places of a repository that count in several environments: image and environments, each once.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_shared(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
) -> Result<Vec<(ImageRepository, Vec<EnvironmentName>)>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct image as "image!", names as "names!: Vec<String>" from (
               select image, array_agg(distinct environment) as names from occurrences
               where repository_id = $1 and environment is not null
               group by image, branch, file, line, object, field) place
           where cardinality(names) > 1"#,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let names = row.names.iter().map(|name| word("occurrences.environment", name));
            Ok((word("occurrences.image", &row.image)?, names.collect::<Result<_, _>>()?))
        })
        .collect()
}

/// What a rule is to choose in an environment: at each place with the same image, tag and digest it is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag that stands there.
    pub tag: Option<Tag>,
    /// The digest that stands there.
    pub digest: Option<Digest>,
    /// The policy of the rule.
    pub policy: TagPolicy,
}

/// What the rules of a repository are to choose, each once. Broken rules choose nothing.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_asked(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Asked>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct environment as "environment!", image, tag, digest, policy as "policy!" from occurrences
           where repository_id = $1 and rule_line is not null and policy is not null and environment is not null"#,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Asked {
                environment: word("occurrences.environment", &row.environment)?,
                image: word("occurrences.image", &row.image)?,
                tag: row.tag.map(|tag| word("occurrences.tag", &tag)).transpose()?,
                digest: row.digest.map(|digest| word("occurrences.digest", &digest)).transpose()?,
                policy: from_json("occurrences.policy", row.policy)?,
            })
        })
        .collect()
}

/// The images on which choices in a repository depend: those that a rule governs, and those that it keeps in lockstep.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_needed_images(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select image as "image!" from occurrences where repository_id = $1 and rule_line is not null
           union select jsonb_array_elements_text(policy->'lockstep') from occurrences
                 where repository_id = $1 and rule_line is not null and policy ? 'lockstep'
           order by 1"#,
        repository.0,
    )
    .fetch_all(db)
    .await?)
}

/// The organization's repositories in which a choice depends on an image: a rule governs it or keeps it in lockstep.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_repositories_of(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    image: &ImageRepository,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select repository_id as "id!" from occurrences
           where organization_id = $1 and image = $2 and rule_line is not null
           union
           select repository_id from occurrences
           where organization_id = $1 and policy ? 'lockstep' and policy->'lockstep' ? $2 and rule_line is not null"#,
        organization.0,
        image.as_str(),
    )
    .fetch_all(db)
    .await?)
}

/// How many different images stand in each repository.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_images(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(RepositoryId, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select repository_id, count(distinct image) as "images!" from occurrences where organization_id = $1
           group by repository_id"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (RepositoryId(row.repository_id), row.images)).collect())
}

/// How many images a rule governs.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_governed(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(distinct image) as "images!" from occurrences
           where organization_id = $1 and rule_line is not null"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}
