//! From Git to objects.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_client::ClientError;
use heddle_kube::Redactor;
use heddle_source::{Credential, FetchError, Remote, Snapshot, render};
use heddle_wire::agent::{GitTokenRequest, SyncError};
use tokio::time::Instant;

use super::{Follower, objects::Wanted, spec::Spec, variables::Given};
use crate::metrics::RenderResult;

/// A token is asked for anew when it has less time left than this.
const TOKEN_SLACK: TimeDelta = TimeDelta::minutes(5);

/// What a person can do who wants to be independent of the API.
const WITHOUT_API: &str =
    "drift is repaired meanwhile, and with a Secret in `spec.credentials` git is read without the API";

/// A token that the API minted.
pub(super) struct Token {
    credential: Credential,
    expires_at: DateTime<Utc>,
}

/// How to log in, and why there is no better way.
struct Login {
    credential: Option<Credential>,
    excuse: Option<(&'static str, String)>,
}

impl Follower {
    /// Looks at the branch, and renders when there is something new.
    pub(super) async fn look(&mut self) {
        let spec = match &self.spec {
            Ok(spec) => spec.clone(),
            Err(fault) => {
                let fault = fault.clone();
                self.conditions.set("Fetched", Some(false), "BadSpec", &fault, Utc::now());
                self.next_look = Instant::now() + std::time::Duration::from_secs(3600);
                return;
            }
        };
        self.next_look = Instant::now() + spec.interval;
        // What could not be applied is tried again with each look.
        self.unsettled |= self.incomplete
            || self.others.awaits
            || self.fights.are_on()
            || !self.errors.is_empty()
            || self.stopped_prune.is_some();
        let fetched = self.fetch(&spec).await;
        self.metrics.fetched(fetched.is_some());
        if let Some(snapshot) = fetched {
            self.fetched_at = Some(Utc::now());
            let message = format!("read {}", snapshot.revision.short());
            self.conditions.set("Fetched", Some(true), "Fetched", &message, Utc::now());
            match self.read_variables().await {
                Ok(given) => self.take_snapshot(&spec, &snapshot, given).await,
                Err(message) => self.fail_transiently("Rendered", "NoVariables", &message),
            }
        } else if self.wanted.is_none() {
            self.resume(&spec).await;
        }
    }

    /// An agent that starts while git is out of its reach goes on with what it had applied, as the clone on disk has it:
    /// nothing new is applied, and drift is repaired.
    async fn resume(&mut self, spec: &Spec) {
        let remote = Remote { url: spec.address.clone(), credential: None, ca_pem: None };
        let last = self.shared.store.last(&remote, &spec.branch).await;
        let snapshot = last.filter(|last| Some(&last.revision) == self.applied_revision.as_ref());
        if let (Some(snapshot), Ok(given)) = (snapshot, self.read_variables().await) {
            self.given = given;
            self.render(spec, &snapshot).await;
        }
    }

    async fn fetch(&mut self, spec: &Spec) -> Option<Snapshot> {
        for last_try in [false, true] {
            let login = self.login(spec, last_try).await;
            let remote =
                Remote { url: spec.address.clone(), credential: login.credential, ca_pem: self.shared.ca_pem.clone() };
            match self.shared.store.fetch(&remote, &spec.branch).await {
                Ok(snapshot) => return Some(snapshot),
                // A token may have been revoked before its time.
                Err(error) if error.is_about_credentials() && self.token.take().is_some() && !last_try => {}
                Err(error) => {
                    self.tell_fetch_fault(&error, login.excuse);
                    return None;
                }
            }
        }
        None
    }

    fn tell_fetch_fault(&mut self, error: &FetchError, excuse: Option<(&'static str, String)>) {
        let now = Utc::now();
        match (error, excuse) {
            (error, Some((reason, excuse))) if error.is_about_credentials() => {
                self.conditions.set("Fetched", Some(false), reason, &excuse, now);
            }
            (FetchError::Unreachable { .. } | FetchError::TimedOut { .. }, _) => {
                self.fail_transiently("Fetched", "Unreachable", &error.to_string());
            }
            (error, _) => {
                let reason = match error {
                    FetchError::BranchMissing { .. } => "BranchMissing",
                    FetchError::Unauthorized | FetchError::Forbidden => "Unauthorized",
                    FetchError::NotFound => "NotFound",
                    _ => "Failed",
                };
                self.conditions.set("Fetched", Some(false), reason, &error.to_string(), now);
            }
        }
    }

    /// The Secret that the Sync names, else a token of the API, else nothing, which does for public repositories.
    async fn login(&mut self, spec: &Spec, fresh: bool) -> Login {
        if let Some(reference) = &self.sync.spec.credentials {
            return match self.client.read_login(&self.name.namespace, &reference.secret_name).await {
                Ok((username, password)) => Login { credential: Some(Credential { username, password }), excuse: None },
                Err(error) => {
                    let excuse = format!("the Secret `{}` cannot be used: {error}", reference.secret_name);
                    Login { credential: None, excuse: Some(("BadSecret", excuse)) }
                }
            };
        }
        let now = Utc::now();
        let kept = self.token.as_ref().filter(|token| !fresh && token.expires_at > now);
        if let Some(token) = kept.filter(|token| token.expires_at > now + TOKEN_SLACK) {
            return Login { credential: Some(token.credential.clone()), excuse: None };
        }
        match self.mint(spec).await {
            Ok(token) => {
                let credential = Some(token.credential.clone());
                self.token = Some(token);
                Login { credential, excuse: None }
            }
            Err(excuse) => Login { credential: kept.map(|token| token.credential.clone()), excuse: Some(excuse) },
        }
    }

    async fn mint(&self, spec: &Spec) -> Result<Token, (&'static str, String)> {
        let api = self.api.borrow().clone();
        let api = api.ok_or_else(|| {
            ("NoIdentity", format!("the agent is not enrolled yet, so it has no token for git; {WITHOUT_API}"))
        })?;
        let request = GitTokenRequest { repository: spec.repository.clone() };
        let response = api.git_token(&request).await.map_err(|error| match error {
            ClientError::NotConnected { message } => ("RepositoryNotConnected", message),
            other => ("NoToken", format!("the API gave no token for git: {other}; {WITHOUT_API}")),
        })?;
        let credential = Credential { username: response.username, password: response.token.0 };
        Ok(Token { credential, expires_at: response.expires_at })
    }

    /// A revision in which nothing that the last render read has changed is the wanted one by name alone. What was
    /// rendered is never kept beyond this process and this spec, so neither belongs to the inputs.
    async fn take_snapshot(&mut self, spec: &Spec, snapshot: &Snapshot, given: Option<Given>) {
        let is_same = self.given == given;
        self.given = given;
        match self.wanted.as_mut().filter(|_| is_same) {
            Some(wanted) if wanted.revision == snapshot.revision => {}
            Some(wanted) if wanted.render_errors.is_empty() && wanted.inputs.are_the_same_in(snapshot) => {
                wanted.revision = snapshot.revision.clone();
                self.metrics.rendered(RenderResult::Skipped);
                self.unsettled = true;
            }
            _ => self.render(spec, snapshot).await,
        }
    }

    async fn render(&mut self, spec: &Spec, snapshot: &Snapshot) {
        let began_at = Instant::now();
        let mut rendered = render(snapshot, &spec.path, &self.shared.tools).await;
        self.metrics.render_took(began_at.elapsed());
        let is_new = self.inventory.as_ref().is_none_or(heddle_reconcile::Inventory::is_empty);
        if !rendered.path_exists && is_new && self.applied_revision.is_none() {
            rendered.errors.push(heddle_source::RenderError {
                file: None,
                line: None,
                message: format!("the path `{}` does not exist in the repository", spec.path),
            });
        }
        if let Some(given) = &self.given {
            rendered.substitute(&given.variables);
        }
        let secrets = self.given.iter().map(|given| &given.secrets);
        self.redactor = Redactor::of(rendered.objects.iter().map(|object| &object.value).chain(secrets));
        let errors: Vec<SyncError> = rendered
            .errors
            .into_iter()
            .map(|error| SyncError {
                file: error.file.map(Into::into),
                line: error.line,
                object: None,
                message: self.redactor.redact(&error.message).into(),
            })
            .collect();
        let (is_good, count) = (errors.is_empty(), rendered.objects.len());
        let message = match errors.first() {
            None => format!("{count} objects"),
            Some(first) => format!("{} errors, the first: {}", errors.len(), first.message),
        };
        let reason = if is_good { "Rendered" } else { "Failed" };
        self.conditions.set("Rendered", Some(is_good), reason, &message, Utc::now());
        self.metrics.rendered(if is_good { RenderResult::Done } else { RenderResult::Failed });
        self.wanted = Some(Wanted::new(snapshot.clone(), rendered.objects, rendered.inputs, errors));
        self.unsettled = true;
    }
}
