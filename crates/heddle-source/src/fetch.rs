//! The blocking conversation with a git host, by gix.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use gix::{
    protocol::transport::client::{
        TransportWithoutIO,
        blocking_io::http::{self, options::FollowRedirects},
    },
    remote::{
        Direction,
        fetch::{Prepare, Shallow},
    },
};
use heddle_core::git::{BranchName, Revision};
use heddle_egress::{PublicOnly, Route};
use secrecy::ExposeSecret;

use crate::{
    FetchError, Remote, Snapshot, clone,
    limits::{MAX_FETCH_BYTES, MAX_REFERENCES_BYTES},
    store::Generation,
    transport::{BoundedHttp, Bounds},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(15);

/// What is asked of a host, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) want: Want,
    pub(crate) way: Way,
    /// The most bytes that its answers may hold.
    pub(crate) most_bytes: u64,
}

/// Which commit is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    /// The head of a branch.
    Branch(BranchName),
    /// This one.
    Commit(Revision),
}

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the address that whoever runs the program wrote, which may be a private one.
    Own,
    /// By an address that a repository named, which leads on to no other.
    Named(Route),
}

impl Asked {
    /// The head of a branch of a repository that whoever runs the program named.
    pub(crate) fn branch(branch: &BranchName) -> Self {
        Self { want: Want::Branch(branch.clone()), way: Way::Own, most_bytes: MAX_FETCH_BYTES }
    }
}

impl Want {
    /// What the host is asked for.
    fn source(&self) -> String {
        match self {
            Self::Branch(branch) => format!("refs/heads/{branch}"),
            Self::Commit(commit) => commit.as_str().to_owned(),
        }
    }

    /// Under which name the clone keeps it.
    fn reference(&self) -> String {
        match self {
            Self::Branch(branch) => format!("refs/heads/{branch}"),
            Self::Commit(commit) => format!("refs/heads/commit-{commit}"),
        }
    }

    /// What it means that the host does not have it.
    fn missing(&self) -> FetchError {
        match self {
            Self::Branch(branch) => FetchError::BranchMissing { branch: branch.clone() },
            Self::Commit(commit) => FetchError::CommitMissing { commit: commit.clone() },
        }
    }
}

/// Brings what is wanted into the clone, and opens it. `stop` ends the transfer.
pub(crate) fn fetch(
    generation: &Arc<Generation>,
    remote: &Remote,
    asked: &Asked,
    limit: Duration,
    stop: &AtomicBool,
) -> Result<Snapshot, FetchError> {
    let repo = clone::open(generation.dir(), remote.url.scheme())?;
    let local = repo.to_thread_local();
    let head = as_whom_it_may(remote, |remote| fetch_head(&local, remote, asked, limit, stop))?;
    Snapshot::open(repo, head, Arc::clone(generation)).map_err(|error| FetchError::Other(error.to_string()))
}

/// Opens what an earlier fetch left in the clone; `None` when there is none.
pub(crate) fn open_last(generation: &Arc<Generation>, remote: &Remote, want: &Want) -> Option<Snapshot> {
    let repo = clone::open(generation.dir(), remote.url.scheme()).ok()?;
    let head = {
        let local = repo.to_thread_local();
        let reference = local.try_find_reference(&want.reference()).ok().flatten()?;
        reference.try_id()?.detach()
    };
    Snapshot::open(repo, head, Arc::clone(generation)).ok()
}

/// The commits to which references of the host point, by their full names; of a tag with a text, the commit behind it.
/// `dir` is for this alone.
pub(crate) fn list_references(
    dir: &std::path::Path,
    remote: &Remote,
    names: &[String],
    (way, limit): (Way, Duration),
) -> Result<Vec<(String, Revision)>, FetchError> {
    let repo = clone::open(dir, remote.url.scheme())?.to_thread_local();
    as_whom_it_may(remote, |remote| {
        let bounds = Arc::new(Bounds::new(&remote.url, limit, MAX_REFERENCES_BYTES));
        let prepared = prepare(&repo, remote, names, way, &bounds)?;
        let found = prepared.ref_map().mappings.iter().filter_map(|mapping| {
            let commit = Revision::try_from(mapping.remote.peeled_id()?.to_string()).ok()?;
            Some((mapping.remote.as_name()?.to_string(), commit))
        });
        Ok(found.collect())
    })
}

/// Asks as the login of `remote`; where the host does not take that, once more without: everybody may read a public
/// repository, also who brings a login that has ended. The error is that of the login.
fn as_whom_it_may<T>(remote: &Remote, ask: impl Fn(&Remote) -> Result<T, FetchError>) -> Result<T, FetchError> {
    match ask(remote) {
        Err(error) if error.is_about_credentials() && remote.credential.is_some() => {
            ask(&Remote { credential: None, ..remote.clone() }).map_err(|_| error)
        }
        answer => answer,
    }
}

/// Asks for what is wanted, and for its pack unless the clone holds it already.
fn fetch_head(
    repo: &gix::Repository,
    remote: &Remote,
    asked: &Asked,
    limit: Duration,
    stop: &AtomicBool,
) -> Result<gix::ObjectId, FetchError> {
    let bounds = Arc::new(Bounds::new(&remote.url, limit, asked.most_bytes));
    let reference = asked.want.reference();
    let refspec = format!("+{}:{reference}", asked.want.source());
    let prepared = prepare(repo, remote, &[refspec], asked.way, &bounds)?;
    let found = prepared.ref_map().mappings.iter().find_map(|mapping| mapping.remote.as_id());
    let head = found.ok_or_else(|| asked.want.missing())?.to_owned();
    let known =
        repo.try_find_reference(&reference).ok().flatten().and_then(|known| known.try_id().map(|id| id.detach()));
    if known != Some(head) || !repo.has_object(head) {
        let received = prepared
            .with_shallow(Shallow::DepthAtRemote(NonZeroU32::MIN))
            .receive(gix::progress::Discard, stop)
            .map_err(|error| bounds.explain(error));
        match (received, &asked.want) {
            // The host says so in words of its own, and no clone that is made anew would help.
            (Err(FetchError::Other(_)), Want::Commit(_)) => return Err(asked.want.missing()),
            (received, _) => drop(received?),
        }
    }
    Ok(head)
}

/// Asks which references there are. Of those that are to be followed no redirect leads elsewhere.
fn prepare<'a, 'r>(
    repo: &'r gix::Repository,
    remote: &'a Remote,
    refspecs: &[String],
    way: Way,
    bounds: &Arc<Bounds>,
) -> Result<Prepare<'a, 'r, http::Transport<BoundedHttp>>, FetchError> {
    let git_remote = repo
        .remote_at_without_url_rewrite(remote.url.as_str())
        .and_then(|git_remote| git_remote.with_refspecs(refspecs.iter().map(String::as_str), Direction::Fetch))
        .map_err(FetchError::from_gix)?
        .with_fetch_tags(gix::remote::fetch::Tags::None);
    let (url, version) = git_remote.sanitized_url_and_version(Direction::Fetch).map_err(FetchError::from_gix)?;
    let mut transport = http::Transport::new_http(BoundedHttp::new(Arc::clone(bounds)), url, version, false);
    // A host that wants a login is not asked without one first, and one that it refuses is not sent to it again. Over plain
    // http none is sent at all.
    if let Some(account) = account(remote).filter(|_| remote.url.scheme() == "https") {
        transport.set_identity(account).map_err(|error| FetchError::Other(error.to_string()))?;
    }
    let prepared = git_remote
        .to_connection_with_transport(transport)
        .with_credentials(|_| Ok(None))
        .with_transport_options(Box::new(transport_options(remote, way, bounds.limit())))
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
        .map_err(|error| bounds.explain(error))?;
    bounds.check()?;
    Ok(prepared)
}

/// The login as gix sends it.
fn account(remote: &Remote) -> Option<gix::sec::identity::Account> {
    let credential = remote.credential.as_ref()?;
    Some(gix::sec::identity::Account {
        username: credential.username.clone(),
        password: credential.password.expose_secret().to_owned(),
        oauth_refresh_token: None,
    })
}

fn transport_options(remote: &Remote, way: Way, limit: Duration) -> http::Options {
    let ca_pem = remote.ca_pem.clone();
    let configure_client = move |builder: reqwest::blocking::ClientBuilder| {
        // Without a limit of its own a request would end after 30 s, however large the pack.
        let builder = builder.timeout(limit).connect_timeout(CONNECT_LIMIT);
        let builder = match way {
            Way::Own => builder,
            // A proxy would resolve names by itself.
            Way::Named(Route::Listed) => builder.no_proxy(),
            Way::Named(Route::Public) => builder.no_proxy().dns_resolver(Arc::new(PublicOnly)),
        };
        let Some(pem) = &ca_pem else { return Ok(builder) };
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(gix::Error::from_error)?;
        Ok(builder.tls_certs_merge(certificates))
    };
    let backend =
        http::reqwest::Options { configure_client: Some(Box::new(configure_client)), configure_request: None };
    let follow_redirects = match way {
        Way::Own => FollowRedirects::Initial,
        Way::Named(_) => FollowRedirects::None,
    };
    http::Options { backend: Some(Arc::new(Mutex::new(backend))), follow_redirects, ..http::Options::default() }
}
