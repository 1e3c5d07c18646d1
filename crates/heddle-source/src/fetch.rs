//! The blocking conversation with a git host, by gix.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use gix::{
    credentials::{helper::Action, protocol::Outcome},
    protocol::transport::client::blocking_io::http,
    remote::{Direction, fetch::Shallow},
};
use heddle_core::git::BranchName;
use secrecy::ExposeSecret;

use crate::{
    FetchError, Remote, Snapshot, clone,
    store::Generation,
    transport::{BoundedHttp, Bounds},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// Brings the head of `branch` into the clone, and opens it. `stop` ends the transfer.
pub(crate) fn fetch(
    generation: &Arc<Generation>,
    remote: &Remote,
    branch: &BranchName,
    limit: Duration,
    stop: &AtomicBool,
) -> Result<Snapshot, FetchError> {
    let repo = clone::open(generation.dir(), remote.url.scheme())?;
    let reference = format!("refs/heads/{branch}");
    let head = fetch_head(&repo.to_thread_local(), remote, branch, &reference, limit, stop)?;
    Snapshot::open(repo, head, Arc::clone(generation)).map_err(|error| FetchError::Other(error.to_string()))
}

/// Opens the head of `branch` that an earlier fetch left in the clone; `None` when there is none.
pub(crate) fn open_last(generation: &Arc<Generation>, remote: &Remote, branch: &BranchName) -> Option<Snapshot> {
    let repo = clone::open(generation.dir(), remote.url.scheme()).ok()?;
    let head = {
        let local = repo.to_thread_local();
        let reference = local.try_find_reference(&format!("refs/heads/{branch}")).ok().flatten()?;
        reference.try_id()?.detach()
    };
    Snapshot::open(repo, head, Arc::clone(generation)).ok()
}

/// Asks for the branch's head, and for its pack unless the clone holds that head already.
fn fetch_head(
    repo: &gix::Repository,
    remote: &Remote,
    branch: &BranchName,
    reference: &str,
    limit: Duration,
    stop: &AtomicBool,
) -> Result<gix::ObjectId, FetchError> {
    let bounds = Arc::new(Bounds::new(&remote.url, limit));
    let explain = |error| bounds.explain(error);
    let refspec = format!("+{reference}:{reference}");
    let git_remote = repo
        .remote_at_without_url_rewrite(remote.url.as_str())
        .and_then(|git_remote| git_remote.with_refspecs([refspec.as_str()], Direction::Fetch))
        .map_err(FetchError::from_gix)?
        .with_fetch_tags(gix::remote::fetch::Tags::None);
    let (url, version) = git_remote.sanitized_url_and_version(Direction::Fetch).map_err(FetchError::from_gix)?;
    let transport = http::Transport::new_http(BoundedHttp::new(Arc::clone(&bounds)), url, version, false);
    let prepared = git_remote
        .to_connection_with_transport(transport)
        .with_credentials(|action| Ok(answer(remote, action)))
        .with_transport_options(Box::new(transport_options(remote, limit)))
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
        .map_err(explain)?;
    bounds.check()?;
    let found = prepared.ref_map().mappings.iter().find_map(|mapping| mapping.remote.as_id());
    let head = found.ok_or_else(|| FetchError::BranchMissing { branch: branch.clone() })?.to_owned();
    let known =
        repo.try_find_reference(reference).ok().flatten().and_then(|known| known.try_id().map(|id| id.detach()));
    if known != Some(head) || !repo.has_object(head) {
        prepared
            .with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN))
            .receive(gix::progress::Discard, stop)
            .map_err(explain)?;
    }
    Ok(head)
}

/// Answers git's question for a login. Nothing is ever stored.
fn answer(remote: &Remote, action: Action) -> Option<Outcome> {
    let Action::Get(context) = action else { return None };
    let credential = remote.credential.as_ref()?;
    let identity = gix::sec::identity::Account {
        username: credential.username.clone(),
        password: credential.password.expose_secret().to_owned(),
        oauth_refresh_token: None,
    };
    Some(Outcome { identity, next: context.into() })
}

fn transport_options(remote: &Remote, limit: Duration) -> http::Options {
    let ca_pem = remote.ca_pem.clone();
    let configure_client = move |builder: reqwest::blocking::ClientBuilder| {
        // Without a limit of its own a request would end after 30 s, however large the pack.
        let builder = builder.timeout(limit).connect_timeout(CONNECT_LIMIT);
        let Some(pem) = &ca_pem else { return Ok(builder) };
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(gix::Error::from_error)?;
        Ok(builder.tls_certs_merge(certificates))
    };
    let backend =
        http::reqwest::Options { configure_client: Some(Box::new(configure_client)), configure_request: None };
    http::Options { backend: Some(Arc::new(Mutex::new(backend))), ..http::Options::default() }
}
