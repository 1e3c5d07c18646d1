//! Remote bases, files and charts, as far as the command line lets them be fetched.

use std::{fs, sync::Arc};

use anyhow::{Context, anyhow};
use heddle_egress::Egress;
use heddle_kube::sync::{RemotePinned, SyncSpec};
use heddle_source::{Bases, Fetcher, Folder, Hosts, Known, Overlay, Pinned, Resolved, Rules, gather};

use crate::{config::RemoteArguments, exit::Failure, screen::Screen};

/// Fetches what the kustomizations and charts of a folder name by an address: nothing, unless the command line says so.
pub(super) async fn fetch(
    arguments: &RemoteArguments,
    spec: &SyncSpec,
    folder: &Arc<Folder>,
    overlay: &Overlay,
    screen: &Screen,
) -> Result<Bases, Failure> {
    let remote = spec.remote.clone().unwrap_or_default();
    let mut hosts = arguments.hosts.clone();
    if arguments.fetch {
        hosts.extend(remote.hosts);
        if !remote.logins.is_empty() {
            screen
                .note("the Secrets of `spec.remote.logins` are in the cluster alone: nothing is fetched with a login");
        }
    }
    let hosts = Hosts::parse(&hosts).map_err(|fault| Failure::wrong(anyhow!("--remote-host: {fault}")))?;
    if hosts.is_empty() {
        return Ok(Bases::default());
    }
    let follows = arguments.resolve || (arguments.fetch && remote.pinned == RemotePinned::Resolve);
    let pinned = if follows { Pinned::Resolve } else { Pinned::Required };
    let ca_pem = arguments.ca_file.as_ref().map(fs::read).transpose().context("HEDDLE_CA_FILE")?;
    let ca_pem = ca_pem.filter(|pem| !pem.trim_ascii().is_empty());
    let egress = Egress::new(&arguments.allow, ca_pem.as_deref()).map_err(Failure::wrong)?;
    let scratch = tempfile::tempdir().context("no folder could be made for what is fetched")?;
    let dir = arguments.cache_dir.as_deref().unwrap_or_else(|| scratch.path());
    let fetcher = Fetcher::open(dir, egress, ca_pem);
    let rules = Rules { hosts, pinned, logins: Vec::new(), owner: String::new() };
    let path = folder.path().to_string();
    let (bases, resolved) = gather(&fetcher, &rules, &Known::default(), (Arc::clone(folder), &path, overlay)).await;
    for Resolved { address, id, version, .. } in resolved {
        let version = version.map(|version| format!("version {version}, ")).unwrap_or_default();
        screen.note(&format!("`{address}` is {version}{id} now"));
    }
    Ok(bases)
}
