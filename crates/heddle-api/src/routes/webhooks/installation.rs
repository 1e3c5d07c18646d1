//! What GitHub says of the App's installation: where it keeps us out, the repository's page says so at once.

use heddle_core::git::RepoName;
use heddle_db::{
    Tx, deliveries,
    notice::{Notice, Topic},
    repositories::{self, Binding, ShutOut},
    work,
};
use heddle_github::webhook::InstallationAction;

use crate::{app::App, problem::ApiResult, routes::github::canonical_url};

/// Notes it for each repository that is bound, of whichever organization.
pub(super) async fn take(app: &App, delivery: &str, installation: u64, action: &InstallationAction) -> ApiResult<()> {
    let Ok(installation) = i64::try_from(installation) else { return Ok(()) };
    let mut tx = app.db.routing().await?;
    if deliveries::note(&mut *tx, delivery).await? {
        let (shut_out, named) = match action {
            InstallationAction::Suspended => (Some(ShutOut::Suspended), None),
            InstallationAction::Deleted => (Some(ShutOut::Uninstalled), None),
            InstallationAction::Unsuspended => (None, None),
            InstallationAction::Removed(named) => (Some(ShutOut::Removed), Some(named)),
            InstallationAction::Added(named) => (None, Some(named)),
        };
        let mut bindings = match named {
            None => repositories::list_of_installation(&mut *tx, installation).await?,
            Some(named) => find_named(app, &mut tx, installation, named).await?,
        };
        // Whoever locks several repositories does it in this order.
        bindings.sort_by_key(|binding| binding.repository.0);
        for binding in bindings {
            note(&mut tx, &binding, shut_out).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn find_named(app: &App, tx: &mut Tx, installation: i64, named: &[RepoName]) -> ApiResult<Vec<Binding>> {
    let mut bindings = Vec::new();
    for name in named {
        let url = canonical_url(app, name)?;
        let binding = repositories::find_binding(&mut **tx, &url).await?;
        bindings.extend(binding.filter(|binding| binding.installation_id == installation));
    }
    Ok(bindings)
}

async fn note(tx: &mut Tx, binding: &Binding, shut_out: Option<ShutOut>) -> ApiResult<()> {
    let (organization, repository) = (binding.organization, binding.repository);
    tx.enter(organization).await?;
    if !repositories::set_shut_out(&mut **tx, repository, shut_out).await? {
        return Ok(());
    }
    if shut_out.is_none() {
        work::request_read(tx, organization, repository).await?;
    }
    Ok(tx.notify(&Notice::Changed { organization, topic: Topic::Repositories, id: Some(repository.0) }).await?)
}
