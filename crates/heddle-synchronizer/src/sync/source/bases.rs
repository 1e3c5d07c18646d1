//! What kustomizations and charts of a Sync name by an address.

use std::sync::Arc;

use heddle_kube::sync::{APPROVE_REMOTE_ANNOTATION, RemotePinned, RemoteStatus};
use heddle_source::{Bases, Credential, Hosts, Known, Login, Pinned, Resolved, Rules, Snapshot, gather as fetch};

use super::Asker;

/// What was fetched, and what addresses stand for that do not say it themselves.
#[derive(Default)]
pub(super) struct Found {
    pub bases: Bases,
    pub resolved: Arc<[Resolved]>,
}

/// Fetches what the Sync lets be fetched; nothing where it names no host. `before` is what addresses stood for at the last
/// look. A fault comes as a sentence.
pub(super) async fn gather(asker: &Asker, snapshot: &Snapshot, before: Option<&[Resolved]>) -> Result<Found, String> {
    let remote = &asker.spec.remote;
    if remote.hosts.is_empty() {
        return Ok(Found::default());
    }
    let pinned = match remote.pinned {
        RemotePinned::Required => Pinned::Required,
        RemotePinned::Resolve => Pinned::Resolve,
    };
    let rules =
        Rules { hosts: Hosts::parse(&remote.hosts)?, pinned, logins: logins(asker).await?, owner: owner(asker) };
    let (tree, spec) = (Arc::new(snapshot.clone()), &asker.spec);
    let known = known(asker, before);
    let (bases, resolved) = fetch(&asker.ctx.fetcher, &rules, &known, (tree, &spec.path, &spec.overlay)).await;
    Ok(Found { bases, resolved: resolved.into() })
}

async fn logins(asker: &Asker) -> Result<Vec<Login>, String> {
    let mut logins = Vec::new();
    for login in &asker.spec.remote.logins {
        let read = asker.client.read_login(asker.ctx.own.namespace(), &login.secret_name).await;
        let (username, password) = read.map_err(|error| {
            format!("the Secret `{}` of `spec.remote.logins` cannot be used: {error}", login.secret_name)
        })?;
        logins.push(Login::new(&login.prefix, Credential { username, password })?);
    }
    Ok(logins)
}

/// The Sync by its UID: another one of its name is another owner.
fn owner(asker: &Asker) -> String {
    asker.sync.metadata.uid.clone().unwrap_or_default()
}

/// What addresses stood for, by the last look, else by the status of an earlier process; and what was approved since.
fn known(asker: &Asker, before: Option<&[Resolved]>) -> Known {
    let in_status = || {
        let status = asker.sync.status.iter().flat_map(|status| &status.remotes);
        let resolved = |remote: &RemoteStatus| Resolved {
            address: remote.address.clone(),
            id: remote.revision.clone(),
            version: remote.version.clone(),
            is_branch: remote.branch,
            moved_to: remote.moved_to.clone(),
            away: None,
        };
        status.map(resolved).collect::<Vec<_>>()
    };
    let approved = asker.sync.metadata.annotations.as_ref().and_then(|all| all.get(APPROVE_REMOTE_ANNOTATION));
    let approved = approved.map(String::as_str).unwrap_or_default().split(',').map(str::trim);
    Known {
        resolved: before.map_or_else(in_status, <[Resolved]>::to_vec),
        approved: approved.filter(|id| !id.is_empty()).map(str::to_owned).collect(),
    }
}
