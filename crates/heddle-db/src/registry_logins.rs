//! Logins of organizations to registries. The secret in a row is sealed; this module never sees it open.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::ImageRepository,
    registry::{LoginKind, Reach, RegistryHost},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// A login without its secret.
#[derive(Debug, Clone)]
pub struct Login {
    /// The row.
    pub id: Uuid,
    /// The images that it is for.
    pub reach: Reach,
    /// Its kind.
    pub kind: LoginKind,
    /// Who it says it is.
    pub user_name: String,
    /// The end of its secret; empty where that would tell too much of it.
    pub last_four: String,
    /// The token server at another host that somebody confirmed.
    pub auth_host: Option<String>,
    /// The id of the key that opens it.
    pub sealed_with: Vec<u8>,
    /// Another one each time that it is entered.
    pub version: Uuid,
    /// Who entered it last.
    pub added_by: String,
    /// When.
    pub added_at: DateTime<Utc>,
    /// Its last use.
    pub used: Option<Use>,
    /// The token server that the registry named and that the secret was not sent to.
    pub offered_host: Option<String>,
    /// Its last test.
    pub test: Option<Test>,
}

/// A use of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// When.
    pub at: DateTime<Utc>,
    /// How it ended: `works`, `refused`, `denied`, `token-server`, `failed`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
}

/// A test of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The image that is listed.
    pub image: String,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// When it was done, whether the list could be read, and what is to be said of it.
    pub done: Option<(DateTime<Utc>, bool, String)>,
}

/// What a row is made or changed to.
#[derive(Debug, Clone)]
pub struct NewLogin<'a> {
    /// The images that it is for.
    pub reach: &'a Reach,
    /// Its kind.
    pub kind: LoginKind,
    /// Who it says it is.
    pub user_name: &'a str,
    /// The end of its secret.
    pub last_four: &'a str,
    /// The token server at another host that somebody confirmed.
    pub auth_host: Option<&'a str>,
    /// The sealed secret.
    pub sealed: &'a [u8],
    /// The id of the key that opens it.
    pub sealed_with: &'a [u8],
    /// Another one each time.
    pub version: Uuid,
    /// Who enters it.
    pub added_by: &'a str,
}

/// A sealed secret, with the id of its key.
#[derive(Debug, Clone)]
pub struct SealedRow {
    /// The login.
    pub id: Uuid,
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// The id of the key.
    pub sealed_with: Vec<u8>,
}

/// A row without its secret, as one query reads it for all who ask.
struct LoginRow {
    id: Uuid,
    host: String,
    prefix: String,
    kind: String,
    user_name: String,
    last_four: String,
    auth_host: Option<String>,
    sealed_with: Vec<u8>,
    version: Uuid,
    added_by: String,
    added_at: DateTime<Utc>,
    used_at: Option<DateTime<Utc>>,
    use_state: Option<String>,
    use_reason: Option<String>,
    offered_host: Option<String>,
    test_image: Option<String>,
    test_asked_at: Option<DateTime<Utc>>,
    tested_at: Option<DateTime<Utc>>,
    test_passed: Option<bool>,
    test_reason: Option<String>,
}

impl TryFrom<LoginRow> for Login {
    type Error = DbError;

    fn try_from(row: LoginRow) -> Result<Self, DbError> {
        let host: RegistryHost = word("registry_logins.host", &row.host)?;
        let corrupt = |column, reason: String| DbError::Corrupt { column, reason };
        let reach =
            Reach::new(host, &row.prefix).map_err(|error| corrupt("registry_logins.prefix", error.to_string()))?;
        let kind = row.kind.parse().map_err(|reason| corrupt("registry_logins.kind", reason))?;
        let used = row.used_at.zip(row.use_state);
        let done = row.tested_at.zip(row.test_passed).zip(row.test_reason);
        Ok(Self {
            id: row.id,
            reach,
            kind,
            user_name: row.user_name,
            last_four: row.last_four,
            auth_host: row.auth_host,
            sealed_with: row.sealed_with,
            version: row.version,
            added_by: row.added_by,
            added_at: row.added_at,
            used: used.map(|(at, state)| Use { at, state, reason: row.use_reason }),
            offered_host: row.offered_host,
            test: row.test_image.zip(row.test_asked_at).map(|(image, asked_at)| Test {
                image,
                asked_at,
                done: done.map(|((at, passed), reason)| (at, passed, reason)),
            }),
        })
    }
}

/// The logins of an organization: all, those of a host, or the one with an id, by host and prefix.
async fn read(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    host: Option<&str>,
    id: Option<Uuid>,
) -> Result<Vec<Login>, DbError> {
    let rows = sqlx::query_as!(
        LoginRow,
        "select id, host, prefix, kind, user_name, last_four, auth_host, sealed_with, version, added_by, added_at, used_at,
             use_state, use_reason, offered_host, test_image, test_asked_at, tested_at, test_passed, test_reason
         from registry_logins
         where organization_id = $1 and ($2::text is null or host = $2) and ($3::uuid is null or id = $3)
         order by host, prefix",
        organization.0,
        host,
        id,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Login::try_from).collect()
}

/// Adds a login; false when there is one for these images.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
    login: &NewLogin<'_>,
) -> Result<bool, DbError> {
    let added = sqlx::query!(
        "insert into registry_logins (id, organization_id, host, prefix, kind, user_name, last_four, auth_host, sealed,
             sealed_with, version, added_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (organization_id, host, prefix) do nothing",
        id,
        organization.0,
        login.reach.host.as_str(),
        login.reach.prefix(),
        login.kind.word(),
        login.user_name,
        login.last_four,
        login.auth_host,
        login.sealed,
        login.sealed_with,
        login.version,
        login.added_by,
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// Enters a login anew; what was known of its use is forgotten. False when it is gone.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
    login: &NewLogin<'_>,
) -> Result<bool, DbError> {
    let changed = sqlx::query!(
        "update registry_logins set host = $3, prefix = $4, kind = $5, user_name = $6, last_four = $7, auth_host = $8,
             sealed = $9, sealed_with = $10, version = $11, added_by = $12, added_at = now(), used_at = null,
             use_state = null, use_reason = null, offered_host = null, test_image = null, test_asked_at = null,
             tested_at = null, test_passed = null, test_reason = null
         where organization_id = $2 and id = $1",
        id,
        organization.0,
        login.reach.host.as_str(),
        login.reach.prefix(),
        login.kind.word(),
        login.user_name,
        login.last_four,
        login.auth_host,
        login.sealed,
        login.sealed_with,
        login.version,
        login.added_by,
    )
    .execute(db)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// The organization's logins by host and prefix.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Login>, DbError> {
    read(db, organization, None, None).await
}

/// The organization's logins at one host.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_at(db: impl PgExecutor<'_>, organization: OrganizationId, host: &str) -> Result<Vec<Login>, DbError> {
    read(db, organization, Some(host), None).await
}

/// One login.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, organization: OrganizationId, id: Uuid) -> Result<Option<Login>, DbError> {
    Ok(read(db, organization, None, Some(id)).await?.pop())
}

/// How many logins the organization has.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from registry_logins where organization_id = $1"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// The sealed secret of a login as it was entered with this version: another secret may be for another host. `None` when
/// it was entered anew or removed.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_sealed(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (id, version): (Uuid, Uuid),
) -> Result<Option<Vec<u8>>, DbError> {
    Ok(sqlx::query_scalar!(
        "select sealed from registry_logins where organization_id = $1 and id = $2 and version = $3",
        organization.0,
        id,
        version,
    )
    .fetch_optional(db)
    .await?)
}

/// Removes a login; false when it is gone.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(db: impl PgExecutor<'_>, organization: OrganizationId, id: Uuid) -> Result<bool, DbError> {
    let deleted =
        sqlx::query!("delete from registry_logins where organization_id = $1 and id = $2", organization.0, id)
            .execute(db)
            .await?;
    Ok(deleted.rows_affected() > 0)
}

/// A use that ends as the one before is noted again after this time. Each scan tells of one, and many scans at once must not
/// wait for one row.
const NOTED_AGAIN: Duration = Duration::from_secs(60);

/// Notes how a use ended, unless the login was entered anew meanwhile. True when it ended otherwise than the one before. One
/// that ended as the one a moment before locks no row.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_use(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (id, version): (Uuid, Uuid),
    used: &Use,
    offered_host: Option<&str>,
) -> Result<bool, DbError> {
    let different = sqlx::query_scalar!(
        r#"update registry_logins l set used_at = $4, use_state = $5, use_reason = $6, offered_host = $7
           from (select id, use_state, use_reason, offered_host from registry_logins where id = $2) as before
           where l.organization_id = $1 and l.id = $2 and l.version = $3 and before.id = l.id
               and (l.used_at is null or l.used_at < $4::timestamptz - make_interval(secs => $8)
                   or (l.use_state, l.use_reason, l.offered_host) is distinct from ($5::text, $6::text, $7::text))
           returning (before.use_state, before.use_reason, before.offered_host)
               is distinct from ($5::text, $6::text, $7::text) as "different!""#,
        organization.0,
        id,
        version,
        used.at,
        used.state,
        used.reason,
        offered_host,
        NOTED_AGAIN.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(different.unwrap_or(false))
}

/// Notes that a test was asked for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ask_test(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
    image: &ImageRepository,
) -> Result<(), DbError> {
    sqlx::query!(
        "update registry_logins set test_image = $3, test_asked_at = now(), tested_at = null, test_passed = null,
             test_reason = null
         where organization_id = $1 and id = $2",
        organization.0,
        id,
        image.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes how the test with an image ended, unless the login was entered anew or another test was asked for meanwhile.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_test(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (id, version): (Uuid, Uuid),
    image: &ImageRepository,
    (at, passed, reason): (DateTime<Utc>, bool, &str),
) -> Result<(), DbError> {
    sqlx::query!(
        "update registry_logins set tested_at = $4, test_passed = $5, test_reason = $6
         where organization_id = $1 and id = $2 and version = $3 and test_image = $7 and tested_at is null",
        organization.0,
        id,
        version,
        at,
        passed,
        reason,
        image.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The watched images of a host that a login may be for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_images_at(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    host: &str,
) -> Result<Vec<(Uuid, ImageRepository)>, DbError> {
    let rows = sqlx::query!(
        "select id, image from images
         where organization_id = $1 and starts_with(image, $2 || '/') and unwatched_at is null",
        organization.0,
        host,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, word("images.image", &row.image)?))).collect()
}

/// How many secrets of the organization are sealed with which key.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_by_key(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(Vec<u8>, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select sealed_with, count(*) as "secrets!" from registry_logins where organization_id = $1 group by 1"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.sealed_with, row.secrets)).collect())
}

/// Some secrets after `after` that are sealed with one of `keys`, locked until the transaction ends; those that another one holds at
/// the moment are left out.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock_sealed_with(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    keys: &[Vec<u8>],
    after: Uuid,
    limit: i64,
) -> Result<Vec<SealedRow>, DbError> {
    Ok(sqlx::query_as!(
        SealedRow,
        "select id, sealed, sealed_with from registry_logins
         where organization_id = $1 and sealed_with = any($2) and id > $3 order by id limit $4 for update skip locked",
        organization.0,
        keys,
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// Puts the same secret, sealed anew, in the place of the old one.
///
/// # Errors
/// When the server cannot be reached.
pub async fn reseal(db: impl PgExecutor<'_>, organization: OrganizationId, row: &SealedRow) -> Result<(), DbError> {
    sqlx::query!(
        "update registry_logins set sealed = $3, sealed_with = $4 where id = $1 and organization_id = $2",
        row.id,
        organization.0,
        row.sealed,
        row.sealed_with,
    )
    .execute(db)
    .await?;
    Ok(())
}
