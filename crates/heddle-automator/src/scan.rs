//! `scan`: lists the tags of one image, and describes those that a policy must know more of.

mod describe;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::Utc;
use heddle_core::id::OrganizationId;
use heddle_registry::{Access, Credential, Failure, Session, TagPage};
use heddle_wire::automator::{Lease, ScanFault, ScanOutcome, ScanReport, ScanWork};
use secrecy::{ExposeSecret, SecretString};

use self::describe::Described;
use crate::{context::Context, work::WorkError};

/// How many logins are kept. One more starts anew: it costs a login, nothing else.
const MAX_SESSIONS: usize = 1000;

/// The logins at registries, apart by organization and credential.
pub(crate) struct Sessions {
    access: Access,
    open: Mutex<HashMap<Key, Arc<Session>>>,
}

/// A changed password is another session.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    organization: OrganizationId,
    registry: String,
    login: Option<(String, HiddenText)>,
}

/// Compared and never shown.
struct HiddenText(SecretString);

impl Sessions {
    pub fn new(access: Access) -> Self {
        Self { access, open: Mutex::default() }
    }

    fn session(&self, organization: OrganizationId, work: &ScanWork) -> Arc<Session> {
        let registry = work.image.registry().to_owned();
        let login = work.credential.as_ref();
        let key = Key {
            organization,
            registry: registry.clone(),
            login: login.map(|login| (login.username.clone(), HiddenText(login.password.0.clone()))),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_SESSIONS {
            open.clear();
        }
        let session = || {
            let credential =
                login.map(|login| Credential { username: login.username.clone(), password: login.password.0.clone() });
            Arc::new(Session::new(self.access.clone(), &registry, credential))
        };
        Arc::clone(open.entry(key).or_insert_with(session))
    }
}

/// Lists, describes and reports; the answer may hand over the update that new tags made due.
pub(crate) async fn scan(context: &Context, lease: &Lease, work: &ScanWork) -> Result<Option<Lease>, WorkError> {
    let session = context.sessions.session(lease.organization, work);
    let outcome = match session.list_tags(&work.image, work.etag.as_deref()).await {
        TagPage::Complete { tags, etag } => {
            let Described { tags, failure } = describe::describe(&session, work, tags, Utc::now()).await;
            if let Some(failure) = &failure {
                tracing::warn!(image = %work.image, "not all tags of {} are described: {}", work.image, failure.reason);
            }
            let undescribed = failure.map(|Failure { reason, retry_at }| ScanFault { reason, retry_at });
            ScanOutcome::Complete { tags, etag, undescribed }
        }
        TagPage::Unchanged => ScanOutcome::Unchanged,
        TagPage::Failed(failure) => {
            tracing::warn!(image = %work.image, "could not list the tags of {}: {}", work.image, failure.reason);
            ScanOutcome::Failed { reason: failure.reason, retry_at: failure.retry_at }
        }
    };
    Ok(context.api.scan_report(lease, &ScanReport { outcome, take_update: true }).await?)
}

impl PartialEq for HiddenText {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for HiddenText {}

impl std::hash::Hash for HiddenText {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.expose_secret().hash(state);
    }
}
