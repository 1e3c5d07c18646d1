//! One comparison of what is rendered with the cluster: each object gets its place, the watches and lists see what is there,
//! the others hear what is wanted, and a run makes it so. From the first step on it ends when there is something newer to be
//! done.

use heddle_core::name::SyncName;
use heddle_kube::sync::Sync;
use tokio_util::sync::CancellationToken;

use super::{
    Context,
    applied::Applied,
    cluster::{ClusterFault, ClusterState},
    compute::{Pace, compute_in_turn},
    desired::{Desired, Placement},
    roots::Roots,
    run::{self, Hindrance, Outcome, RunContext, RunState},
    source::Rendered,
    telling::publish_wants,
};
use crate::metrics::SyncMetrics;

/// What a comparison takes, and what of it is changed.
pub(super) struct Comparison<'a> {
    pub ctx: &'a Context,
    pub sync: &'a Sync,
    pub name: &'a SyncName,
    pub metrics: &'a SyncMetrics,
    pub roots: &'a Roots,
    /// What was fully applied last, of whatever was followed then.
    pub applied: Option<&'a Applied>,
    /// Whether it is about another revision than the one that is applied of what is followed now.
    pub is_new: bool,
    /// Cancelled when there is something newer to be done.
    pub stop: &'a CancellationToken,
    /// What the one before was about, and then what this one is about.
    pub desired: &'a mut Option<Desired>,
    pub state: RunState<'a>,
}

impl Comparison<'_> {
    /// Makes the cluster as the repository wants it.
    ///
    /// # Errors
    /// When the cluster cannot be asked, or the inventory not be written.
    pub async fn run(mut self, rendered: Rendered) -> Result<Outcome, ClusterFault> {
        let stop = self.stop;
        let Some(desired) = stop.run_until_cancelled(self.prepare(rendered)).await.transpose()? else {
            return Ok(Outcome::Superseded);
        };
        let Self { ctx, sync, name, metrics, roots, applied, is_new, stop, desired: slot, state } = self;
        publish_wants(state.known, &ctx.neighbors, name, &desired, state.cluster.inventory());
        let desired = &*slot.insert(desired);
        let context = RunContext { ctx, sync, name, metrics, desired, roots, applied, stop };
        // What is applied already is kept as it is, whatever the others do.
        let awaited = if is_new { ctx.neighbors.awaited(&name.name, desired.revision()) } else { None };
        let Some(awaited) = awaited else { return Ok(run::run(context, state).await?) };
        // The one that is waited for may itself wait for what moved to it.
        run::hand_over(context, state).await?;
        Ok(Outcome::Hindered(Hindrance::Dependency(awaited)))
    }

    async fn prepare(&mut self, rendered: Rendered) -> Result<Desired, ClusterFault> {
        let cluster = &mut *self.state.cluster;
        let desired = resolve(self.ctx, self.sync, cluster, self.desired.as_ref(), rendered).await?;
        cluster.refresh(&desired, &self.ctx.neighbors.living()).await?;
        Ok(desired)
    }
}

/// What is rendered, with its places in the cluster. `known` is what was wanted before.
///
/// # Errors
/// When the cluster cannot be asked which kinds it serves, or there is no account.
pub(super) async fn resolve(
    ctx: &Context,
    sync: &Sync,
    cluster: &mut ClusterState,
    known: Option<&Desired>,
    rendered: Rendered,
) -> Result<Desired, ClusterFault> {
    cluster.prepare(&ctx.own, sync).await?;
    let kinds = cluster.kinds_for(&rendered.content).await?;
    let placement = Placement::of(sync, ctx.own.namespace());
    if let Some(renewed) = known.and_then(|known| known.renewed(&rendered, &kinds, &placement)) {
        return Ok(renewed);
    }
    Ok(compute_in_turn(Pace::Quick, move || Desired::resolve(rendered, &kinds, placement)).await)
}
