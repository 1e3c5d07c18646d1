//! From Git to objects, as the repository has them: nothing here knows the cluster.

mod login;
mod rendered;
mod variables;

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use heddle_client::AgentClient;
use heddle_core::git::Revision;
use heddle_kube::{AccountClient, sync::Sync};
use heddle_source::{FetchError, Remote, Snapshot, Stop, Until, limits::PATH_LIMIT};
use tokio::{sync::watch, time::Instant};

use self::{
    login::{Login, Token},
    variables::Given,
};
use super::{
    Context,
    compute::{Pace, QUICK_LIMIT, compute, compute_in_turn},
    spec::Spec,
};
use crate::metrics::{RenderResult, SyncMetrics};

pub(super) use rendered::{Content, Rendered, type_of};

/// The files of a Sync: how to get at them, and what was last made of them.
#[derive(Default)]
pub(super) struct SourceReader {
    token: Option<Token>,
    rendered: Option<Rendered>,
    /// How long the last render took decides about the next.
    pace: Pace,
}

/// What a look needs and does not change.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    /// The Sync as it is by now.
    pub edits: &'a watch::Receiver<Arc<Sync>>,
    pub ctx: &'a Context,
    pub api: Option<&'a AgentClient>,
    pub client: &'a AccountClient,
    pub sync: &'a Sync,
    pub spec: &'a Spec,
    pub metrics: &'a SyncMetrics,
}

impl Asker<'_> {
    /// Ends when the Sync was edited and wants other files by now, or another account.
    async fn overtaken(self) {
        let mut edits = self.edits.clone();
        let is_other = |sync: &Arc<Sync>| {
            let spec = Spec::read(&sync.spec, self.ctx.own.namespace());
            sync.spec.service_account_name != self.sync.spec.service_account_name
                || spec.is_ok_and(|spec| !self.spec.has_same_files(&spec))
        };
        if edits.wait_for(is_other).await.is_err() {
            // Nobody edits it any more.
            std::future::pending::<()>().await;
        }
    }
}

/// What a look at the branch came to.
#[derive(Debug)]
pub(super) enum Look {
    /// The revision is the one that is rendered.
    Unchanged(Revision),
    /// Another revision, in which nothing that the last render read has changed.
    SameContent(Revision),
    /// Another content.
    Rendered(Revision),
}

impl Look {
    /// The head of the branch.
    pub fn revision(&self) -> &Revision {
        match self {
            Self::Unchanged(revision) | Self::SameContent(revision) | Self::Rendered(revision) => revision,
        }
    }
}

/// Why a look came to nothing. What was rendered before stays.
#[derive(Debug)]
pub(super) enum LookFault {
    /// The git host does not let us in, and there is a reason on our side.
    Credentials {
        /// One word.
        reason: &'static str,
        /// What to do.
        message: String,
    },
    /// The Sync wants other files by now.
    Overtaken,
    /// The branch was not read.
    Fetch(FetchError),
    /// The branch was read, and not the values for its variables.
    Variables {
        /// The head of the branch.
        revision: Revision,
        /// What is wrong.
        message: String,
    },
}

impl LookFault {
    /// Whether it will pass by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Credentials { .. } | Self::Overtaken => false,
            Self::Fetch(error) => matches!(error, FetchError::Unreachable { .. } | FetchError::TimedOut { .. }),
            Self::Variables { .. } => true,
        }
    }
}

impl SourceReader {
    /// What the last look has made of the branch; `None` while nothing was rendered.
    pub fn rendered(&self) -> Option<&Rendered> {
        self.rendered.as_ref()
    }

    /// Looks at the branch, and renders when there is something new.
    ///
    /// # Errors
    /// What kept it from that.
    pub async fn look(&mut self, asker: Asker<'_>) -> Result<Look, LookFault> {
        tokio::select! {
            looked = self.try_look(asker) => looked,
            // A fetch or a render that nobody waits for ends, and gives its turn to others.
            () = asker.overtaken() => Err(LookFault::Overtaken),
        }
    }

    async fn try_look(&mut self, asker: Asker<'_>) -> Result<Look, LookFault> {
        let fetched = self.fetch(asker).await;
        asker.metrics.fetched(fetched.is_ok());
        let snapshot = fetched?;
        let revision = snapshot.revision.clone();
        let given = variables::read(asker).await;
        let given = given.map_err(|message| LookFault::Variables { revision: revision.clone(), message })?;
        let known = self.rendered.as_mut().filter(|known| known.content.given == given);
        match known {
            Some(known) if known.revision == revision => Ok(Look::Unchanged(revision)),
            // What was rendered is never kept beyond this process and these files, so neither belongs to the inputs.
            Some(known) if is_the_same(&known.content, &snapshot).await => {
                known.revision = revision.clone();
                asker.metrics.rendered(RenderResult::Skipped);
                Ok(Look::SameContent(revision))
            }
            _ => {
                self.render(asker, snapshot, given).await;
                Ok(Look::Rendered(revision))
            }
        }
    }

    /// An agent that starts while git is out of its reach goes on with what it had applied, as the clone on disk has it:
    /// nothing new is applied, and drift is repaired. Says whether there is such a thing.
    pub async fn resume(&mut self, asker: Asker<'_>, applied: &Revision) -> bool {
        let remote = Remote { url: asker.spec.address.clone(), credential: None, ca_pem: None };
        let last = asker.ctx.store.last(&remote, &asker.spec.branch).await;
        let Some(snapshot) = last.filter(|last| last.revision == *applied) else { return false };
        let Ok(given) = variables::read(asker).await else { return false };
        self.render(asker, snapshot, given).await;
        true
    }

    async fn fetch(&mut self, asker: Asker<'_>) -> Result<Snapshot, LookFault> {
        let (ctx, spec) = (asker.ctx, asker.spec);
        let mut fresh = false;
        loop {
            let Login { credential, excuse } = login::log_in(&mut self.token, asker, fresh).await;
            let remote = Remote { url: spec.address.clone(), credential, ca_pem: ctx.ca_pem.clone() };
            match (ctx.store.fetch(&remote, &spec.branch).await, excuse) {
                (Ok(snapshot), _) => return Ok(snapshot),
                // A token may have been revoked before its time.
                (Err(error), _) if error.is_about_credentials() && self.token.take().is_some() && !fresh => {
                    fresh = true
                }
                (Err(error), Some((reason, message))) if error.is_about_credentials() => {
                    return Err(LookFault::Credentials { reason, message });
                }
                (Err(error), _) => return Err(LookFault::Fetch(error)),
            }
        }
    }

    /// Renders a revision. It ends with the future of this.
    async fn render(&mut self, asker: Asker<'_>, snapshot: Snapshot, given: Option<Given>) {
        let revision = snapshot.revision.clone();
        let (mut content, mut took) = render_at(self.pace, asker, &snapshot, given.clone()).await;
        if content.is_cut_short && self.pace == Pace::Quick {
            self.pace = Pace::Slow;
            (content, took) = render_at(self.pace, asker, &snapshot, given).await;
        }
        self.pace = if took < QUICK_LIMIT { Pace::Quick } else { Pace::Slow };
        asker.metrics.render_took(took);
        let is_good = content.errors.is_empty();
        asker.metrics.rendered(if is_good { RenderResult::Done } else { RenderResult::Failed });
        self.rendered = Some(Rendered { revision, content: content.into(), at: Utc::now() });
    }
}

/// Renders in its turn. How long it waits for that is no part of what it took.
async fn render_at(pace: Pace, asker: Asker<'_>, snapshot: &Snapshot, given: Option<Given>) -> (Content, Duration) {
    let (tools, spec, snapshot) = (asker.ctx.tools.clone(), asker.spec.clone(), snapshot.clone());
    let limit = if pace == Pace::Quick { QUICK_LIMIT } else { PATH_LIMIT };
    let stop = Stop::default();
    let _stop = stop.on_drop();
    compute_in_turn(pace, move || {
        let began_at = Instant::now();
        let content = Content::render(snapshot, &spec, &tools, given, &Until::within(limit, &stop));
        (content, began_at.elapsed())
    })
    .await
}

async fn is_the_same(content: &Arc<Content>, snapshot: &Snapshot) -> bool {
    let (content, snapshot) = (Arc::clone(content), snapshot.clone());
    compute(move || content.is_the_same_in(&snapshot)).await
}
