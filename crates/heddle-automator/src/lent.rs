//! A login that the API lends with a piece of work: opened for the registry's crate, and what is said of its use.

use heddle_core::{
    image::ImageRepository,
    registry::{ReadFault, RegistryHost, pace::HostReport},
};
use heddle_registry::{CloudSecret, Credential, Failure, Keys, Login, LoginFault, Session, TagPage};
use heddle_wire::{
    automator::{TestReport, TestWork},
    registry::{LoginOutcome, LoginUse, RegistryLogin, RegistrySecret},
};
use serde::Deserialize;

use crate::context::Context;

/// What the API keeps of a service account's file.
#[derive(Deserialize)]
struct ServiceAccount {
    client_email: String,
    private_key_id: String,
    private_key: String,
}

/// The login as the registry of `image` is asked with it.
pub(crate) fn open(context: &Context, image: &ImageRepository, login: &RegistryLogin) -> Result<Login, Failure> {
    let cloud = |secret: CloudSecret| {
        let host: RegistryHost = image.registry().parse().map_err(|_| unusable(image))?;
        Ok(Keys::Cloud(context.clouds.login((login.id, login.version), host, secret)))
    };
    let keys = match &login.secret {
        RegistrySecret::Basic { username, password } => {
            Keys::Own(Credential::Password { username: username.clone(), password: password.0.clone() })
        }
        RegistrySecret::IdentityToken { token } => Keys::Own(Credential::IdentityToken(token.0.clone())),
        RegistrySecret::Ecr { access_key_id, secret_access_key, role_arn, external_id } => {
            cloud(CloudSecret::Amazon {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.0.clone(),
                role_arn: role_arn.clone(),
                external_id: external_id.clone(),
            })?
        }
        RegistrySecret::Gar { key } => {
            let account: ServiceAccount = serde_json::from_str(key.expose()).map_err(|_| unusable(image))?;
            cloud(CloudSecret::Google {
                client_email: account.client_email,
                private_key_id: account.private_key_id,
                private_key: account.private_key.into(),
            })?
        }
        RegistrySecret::Acr { tenant, client_id, client_secret } => cloud(CloudSecret::Azure {
            tenant: tenant.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.0.clone(),
        })?,
    };
    Ok(Login { keys, auth_host: login.auth_host.clone() })
}

fn unusable(image: &ImageRepository) -> Failure {
    let reason = format!("the login for `{}` is not of a form that this automator knows; update it", image.registry());
    Failure { reason, retry_at: None, throttled: false, login: Some(LoginFault::Failed) }
}

/// What a failure says of the login or the lack of one, for who must mend it.
pub(crate) fn fault(failure: &Failure) -> Option<ReadFault> {
    match failure.login.as_ref()? {
        LoginFault::Missing => Some(ReadFault::NoLogin),
        LoginFault::Refused => Some(ReadFault::Refused),
        LoginFault::Denied => Some(ReadFault::Denied),
        LoginFault::TokenServer { .. } => Some(ReadFault::TokenServer),
        LoginFault::Failed => None,
    }
}

/// What a session found out about how much its registry may be asked.
pub(crate) fn told(session: &Session, failure: Option<&Failure>) -> HostReport {
    let throttled = failure.is_some_and(|failure| failure.throttled);
    let retry_at = failure.filter(|failure| failure.throttled).and_then(|failure| failure.retry_at);
    HostReport { throttled, retry_at, allowance: session.allowance() }
}

/// What became of a login. A failure that is not the login's says nothing of it, unless it was taken before that.
pub(crate) fn used(login: &RegistryLogin, works: bool, failure: Option<&Failure>) -> LoginUse {
    let fault = failure.and_then(|failure| failure.login.as_ref());
    let outcome = match fault {
        Some(LoginFault::Refused) => Some(LoginOutcome::Refused),
        Some(LoginFault::Denied) => Some(LoginOutcome::Denied),
        Some(LoginFault::TokenServer { .. }) => Some(LoginOutcome::TokenServer),
        Some(LoginFault::Failed) => Some(LoginOutcome::Failed),
        Some(LoginFault::Missing) | None => works.then_some(LoginOutcome::Works),
    };
    let offered_host = match fault {
        Some(LoginFault::TokenServer { host }) => Some(host.clone()),
        _ => None,
    };
    let reason = fault.and(failure).map(|failure| failure.reason.clone());
    LoginUse { id: login.id, version: login.version, outcome, reason, offered_host }
}

/// Lists the tags of an image with a login, to see whether that can be done.
pub(crate) async fn test(context: &Context, work: &TestWork) -> TestReport {
    let (registry, path) = (work.image.registry(), work.image.path());
    let opened = match open(context, &work.image, &work.login) {
        Ok(opened) => opened,
        Err(failure) => return report(work, false, Err(failure), HostReport::default()),
    };
    let session = Session::new(context.registries.clone(), registry, Some(opened));
    let seen = match session.list_tags(&work.image, None).await {
        TagPage::Complete { tags, .. } => {
            let count = tags.len();
            let tags = if count == 1 { "1 tag".to_owned() } else { format!("{count} tags") };
            Ok(if session.login_works() {
                format!("`{registry}` took the login and showed {tags} of `{path}`")
            } else {
                format!("`{registry}` showed {tags} of `{path}` without asking for a login: the login was not tried")
            })
        }
        TagPage::Unchanged => Ok(format!("`{registry}` took the login")),
        TagPage::Failed(failure) => Err(failure),
    };
    let host = told(&session, seen.as_ref().err());
    report(work, session.login_works(), seen, host)
}

fn report(work: &TestWork, works: bool, seen: Result<String, Failure>, host: HostReport) -> TestReport {
    let (image, login) = (work.image.clone(), used(&work.login, works, seen.as_ref().err()));
    match seen {
        Ok(message) => TestReport { image, passed: true, message, login, host },
        Err(failure) => TestReport { image, passed: false, message: failure.reason, login, host },
    }
}
