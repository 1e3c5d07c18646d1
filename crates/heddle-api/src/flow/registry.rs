//! Logins to registries: which one is lent for which image, and what became of its use.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::ImageRepository,
    registry::{self, Reach, ReadFault},
};
use heddle_db::{
    DbError, Tx,
    images::{self, Failed},
    notice::{Notice, Topic},
    registry_hosts,
    registry_logins::{self, Login, Use},
    work,
};
use heddle_wire::{
    automator::{ScanOutcome, ScanReport, ScanWork, TestReport, TestWork},
    registry::{LoginOutcome, LoginUse, RegistryLogin, RegistrySecret},
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    app::App,
    problem::{ApiError, ApiResult},
    seal::{OpenError, Place, Sealing, rotate::LOGINS},
};

/// Where the secret of a login belongs.
pub fn place(organization: OrganizationId, login: Uuid) -> Place {
    Place { table: LOGINS, organization, row: login }
}

/// Adds the login for an image to its scan, and says which login that is. What was found with another login is not taken for
/// found with this one.
///
/// `Err` within: the login cannot be used, which is told as the scan's failure.
///
/// # Errors
/// When the store cannot be reached.
pub async fn lend(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    image: Uuid,
    work: ScanWork,
) -> ApiResult<ApiResult<(ScanWork, Option<Uuid>)>> {
    let login = find_for(tx, organization, &work.image).await?;
    let lent = match &login {
        None => None,
        Some(login) => match open(app, tx, organization, login).await? {
            Ok(lent) => Some(lent),
            Err((fault, reason)) => {
                let failed = Failed { reason: &reason, fault: Some((fault, Some(login.id))) };
                images::record_failure(&mut **tx, image, failed, Utc::now()).await?;
                tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(image) }).await?;
                return Ok(Err(ApiError::unavailable("login-unusable", reason)));
            }
        },
    };
    let etag = known_tag(tx, image, &work, login.as_ref().map(|login| login.version)).await?;
    Ok(Ok((ScanWork { login: lent, etag, ..work }, login.map(|login| login.id))))
}

/// The scan of an image that an automator of the organization serves: it has its logins with itself.
///
/// # Errors
/// When the store cannot be reached.
pub async fn leave_to(tx: &mut Tx, automator: Uuid, image: Uuid, work: ScanWork) -> Result<ScanWork, DbError> {
    let etag = known_tag(tx, image, &work, Some(automator)).await?;
    Ok(ScanWork { login: None, etag, ..work })
}

/// The entity tag of the list, where it was read with the same login, or by the same automator of the organization.
async fn known_tag(tx: &mut Tx, image: Uuid, work: &ScanWork, with: Option<Uuid>) -> Result<Option<String>, DbError> {
    let listed_with = images::find_listed_with(&mut **tx, image).await?;
    Ok(work.etag.clone().filter(|_| listed_with == with))
}

/// The test of a login; `None` when it is gone, or cannot be used, which is then noted.
///
/// # Errors
/// When the store cannot be reached.
pub async fn test_work(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    login: Uuid,
) -> ApiResult<Option<TestWork>> {
    let Some(login) = registry_logins::find(&mut **tx, organization, login).await? else { return Ok(None) };
    let image = login.test.as_ref().filter(|test| test.done.is_none()).and_then(|test| test.image.parse().ok());
    let Some(image) = image else { return Ok(None) };
    // A stopped login may be tried again: that shows whether the registry names the old token server.
    match unseal(app, tx, organization, &login).await? {
        Ok(login) => Ok(Some(TestWork { image, login })),
        Err((_, reason)) => {
            let done = (Utc::now(), false, reason.as_str());
            registry_logins::note_test(&mut **tx, organization, (login.id, login.version), &image, done).await?;
            announce(tx, organization, login.id).await?;
            Ok(None)
        }
    }
}

/// What a scan says of the login that it was lent.
#[derive(Debug, Clone, Copy)]
pub struct Reported<'a> {
    /// What became of it; `None` without a login.
    pub login: Option<&'a LoginUse>,
    /// The organization's own automator that reports.
    pub by: Option<Uuid>,
    /// Whether the list was read with it.
    pub listed: bool,
}

/// Notes what a scan says of the login that it was lent. False when the image has another login by now, or none: what was
/// found counts no more.
///
/// # Errors
/// When the store cannot be reached.
pub async fn take_use(
    tx: &mut Tx,
    organization: OrganizationId,
    image: Uuid,
    Reported { login: reported, by, listed }: Reported<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    images::lock(&mut **tx, &[image]).await?;
    let Some(found) = images::find(&mut **tx, image).await? else { return Ok(true) };
    if let Some(automator) = by {
        if listed {
            images::note_listed_with(&mut **tx, image, Some(automator)).await?;
        }
        return Ok(reported.is_none());
    }
    let login = find_for(tx, organization, &found.image).await?;
    let version = login.map(|login| login.version);
    if version != reported.map(|reported| reported.version) {
        return Ok(false);
    }
    if let Some(reported) = reported {
        note_use(tx, organization, reported, now).await?;
    }
    if listed {
        images::note_listed_with(&mut **tx, image, version).await?;
    }
    Ok(true)
}

/// What is wrong with a login or the lack of one, where that is why a scan failed. Older automators tell it of logins alone.
pub fn fault_of(report: &ScanReport) -> Option<(ReadFault, Option<Uuid>)> {
    let ScanOutcome::Failed { fault, .. } = &report.outcome else { return None };
    let told = report.login.as_ref().and_then(|login| match login.outcome? {
        LoginOutcome::Refused => Some(ReadFault::Refused),
        LoginOutcome::Denied => Some(ReadFault::Denied),
        LoginOutcome::TokenServer => Some(ReadFault::TokenServer),
        LoginOutcome::Works | LoginOutcome::Failed => None,
    });
    Some(((*fault).or(told)?, report.login.as_ref().map(|login| login.id)))
}

/// Notes how a test ended.
///
/// # Errors
/// When the store cannot be reached.
pub async fn note_test(
    tx: &mut Tx,
    organization: OrganizationId,
    login: Uuid,
    report: &TestReport,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let key = (login, report.login.version);
    registry_logins::note_test(&mut **tx, organization, key, &report.image, (now, report.passed, &report.message))
        .await?;
    note_use(tx, organization, &LoginUse { id: login, ..report.login.clone() }, now).await?;
    announce(tx, organization, login).await
}

/// Makes the scans of all images due that a login is for, or was.
///
/// # Errors
/// When the store cannot be reached.
pub async fn request_scans(tx: &mut Tx, organization: OrganizationId, reaches: &[&Reach]) -> Result<(), DbError> {
    let mut due = Vec::new();
    for reach in reaches {
        let there = registry_logins::list_images_at(&mut **tx, organization, reach.host.as_str()).await?;
        due.extend(there.into_iter().filter(|(_, image)| reach.covers(image)).map(|(id, _)| id));
    }
    due.sort_unstable();
    due.dedup();
    // Another login may be for them by now.
    registry_hosts::forget_places(&mut **tx, organization, &due).await?;
    work::request_scans(tx, organization, &due).await
}

/// Tells everybody who looks that a login is different now.
///
/// # Errors
/// When the store cannot be reached.
pub async fn announce(tx: &mut Tx, organization: OrganizationId, login: Uuid) -> Result<(), DbError> {
    tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(login) }).await
}

/// Why a login cannot be read by what this program has of keys; `None` when it has the key.
pub fn unreadable(sealing: &Sealing, login: &Login) -> Option<String> {
    match sealing {
        Sealing::Off(reason) | Sealing::Broken(reason) => Some(reason.clone()),
        Sealing::Ready(sealer) => {
            let known = sealer.key_ids().iter().any(|key| key.as_bytes() == login.sealed_with);
            (!known).then(|| "its sealing key is gone; enter it again".to_owned())
        }
    }
}

async fn note_use(
    tx: &mut Tx,
    organization: OrganizationId,
    reported: &LoginUse,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let Some(outcome) = reported.outcome else { return Ok(()) };
    let used = Use { at: now, state: outcome.word().to_owned(), reason: reported.reason.clone() };
    let key = (reported.id, reported.version);
    let offered = reported.offered_host.as_deref();
    if registry_logins::note_use(&mut **tx, organization, key, &used, offered).await? {
        announce(tx, organization, reported.id).await?;
    }
    Ok(())
}

async fn find_for(
    tx: &mut Tx,
    organization: OrganizationId,
    image: &ImageRepository,
) -> Result<Option<Login>, DbError> {
    let there = registry_logins::list_at(&mut **tx, organization, image.registry()).await?;
    Ok(registry::choose(&there, |login| &login.reach, image).cloned())
}

/// A login, opened; or why it cannot be used, with the remedy.
async fn open(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    login: &Login,
) -> ApiResult<Result<RegistryLogin, (ReadFault, String)>> {
    let stopped = login.used.as_ref().filter(|used| used.state == LoginOutcome::TokenServer.word());
    if let (Some(_), Some(host)) = (stopped, &login.offered_host) {
        let reason = format!(
            "the login for `{}` is stopped: the registry names the token server `{host}`, which it does not go to. If that \
             is right, enter the login again with this host as its token server (Settings, Registries)",
            login.reach
        );
        return Ok(Err((ReadFault::TokenServer, reason)));
    }
    unseal(app, tx, organization, login).await
}

async fn unseal(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    login: &Login,
) -> ApiResult<Result<RegistryLogin, (ReadFault, String)>> {
    let reach = &login.reach;
    let unreadable =
        |reason: String| (ReadFault::Unreadable, format!("the login for `{reach}` cannot be read: {reason}"));
    let sealer = match &app.sealing {
        Sealing::Ready(sealer) => sealer,
        Sealing::Off(reason) | Sealing::Broken(reason) => return Ok(Err(unreadable(reason.clone()))),
    };
    let Some(sealed) = registry_logins::find_sealed(&mut **tx, organization, (login.id, login.version)).await? else {
        let reason = format!("the login for `{reach}` was just entered anew or removed; it is looked at again");
        return Err(ApiError::unavailable("login-changed", reason));
    };
    let opened = match sealer.open(place(organization, login.id), &sealed) {
        Ok(opened) => opened,
        Err(error @ (OpenError::UnknownKey(_) | OpenError::Broken)) => {
            return Ok(Err(unreadable(format!("{error}; enter it again (Settings, Registries)"))));
        }
    };
    // The error of a parser would repeat what it read.
    let secret: RegistrySecret = serde_json::from_slice(opened.expose_secret())
        .map_err(|_| ApiError::internal(anyhow::anyhow!("a login's secret is not as it was written")))?;
    Ok(Ok(RegistryLogin { id: login.id, version: login.version, auth_host: login.auth_host.clone(), secret }))
}
