//! From Git to objects, as the repository has them: nothing here knows the cluster.

mod bases;
mod facts;
mod keys;
mod login;
mod rendered;
mod variables;

use std::{future::pending, sync::Arc, time::Duration};

use chrono::Utc;
use heddle_client::AgentClient;
use heddle_core::git::Revision;
use heddle_kube::{
    AccountClient, KubeError,
    sync::{Sync, SyncSpec},
};
use heddle_source::{ClusterView, Decryption, FetchError, Remote, Resolved, Snapshot, Stop, Until, limits::PATH_LIMIT};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use self::{bases::Found, login::Login};
use super::{
    Context,
    compute::{Pace, QUICK_LIMIT, compute, compute_in_turn},
    heads::Heads,
    spec::Spec,
};
use crate::metrics::{RenderResult, SyncMetrics};

pub(super) use self::rendered::{Content, Raw, Rendered, type_of};
use self::rendered::{Inputs, With};
pub(crate) use self::{facts::ClusterFacts, login::Tokens};

/// The files of a Sync, and the look at them that is under way. A look is a task of its own: whatever it takes, nothing else
/// waits for it.
#[derive(Default)]
pub(super) struct SourceReader {
    files: Files,
    looking: Option<AbortOnDropHandle<(Files, Looked)>>,
    /// When the last look began.
    began_at: Option<Instant>,
    heads: Heads,
}

/// How to get at the files, and what was last made of them. Cheap to clone.
#[derive(Clone, Default)]
struct Files {
    rendered: Option<Rendered>,
    /// How long the last render took decides about the next.
    pace: Pace,
}

/// What a look needs and does not change.
#[derive(Clone)]
pub(super) struct Asker {
    pub ctx: Arc<Context>,
    pub api: Option<AgentClient>,
    pub client: AccountClient,
    pub sync: Arc<Sync>,
    pub spec: Spec,
    pub metrics: SyncMetrics,
}

/// Whether a look for one spec comes to what one for another does: they differ in when and how it is applied alone.
pub(super) fn asks_the_same(one: &SyncSpec, other: &SyncSpec) -> bool {
    let as_one = SyncSpec {
        interval: one.interval.clone(),
        prune: one.prune,
        drift: one.drift,
        take_over: one.take_over,
        ignore: one.ignore.clone(),
        kinds: one.kinds.clone(),
        depends_on: one.depends_on.clone(),
        suspend: one.suspend,
        ..other.clone()
    };
    as_one == *one
}

/// How a look has ended.
#[derive(Debug)]
pub(super) struct Looked {
    pub result: Result<Look, LookFault>,
    /// Whether what was applied before is rendered in its place, from the clone on disk.
    pub is_resumed: bool,
    /// Whether another head was told of meanwhile, so that the next look is due.
    pub is_overtaken: bool,
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
    /// The branch was not read.
    Fetch(FetchError),
    /// The branch was read, and not what is needed besides: values for variables, logins for remote bases, keys of encrypted files.
    Inputs {
        /// The head of the branch.
        revision: Revision,
        /// One word.
        reason: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The branch was read, and not what its charts learn of the cluster.
    Cluster {
        /// The head of the branch.
        revision: Revision,
        /// Why.
        error: KubeError,
    },
}

impl LookFault {
    /// Whether it will pass by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Credentials { .. } => false,
            Self::Fetch(error) => matches!(error, FetchError::Unreachable { .. } | FetchError::TimedOut { .. }),
            Self::Inputs { .. } | Self::Cluster { .. } => true,
        }
    }
}

impl SourceReader {
    /// What the last look has made of the branch; `None` while nothing was rendered.
    pub fn rendered(&self) -> Option<&Rendered> {
        self.files.rendered.as_ref()
    }

    /// Whether a look is under way.
    pub fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// When the last look began; `None` while there was none.
    pub fn began_at(&self) -> Option<Instant> {
        self.began_at
    }

    /// The head of the branch that the last look came to that went well.
    pub fn head(&self) -> Option<&Revision> {
        self.heads.newest()
    }

    /// A hint tells of a head, or that there is one. Says whether a look is due for it.
    pub fn hear(&mut self, head: Option<Revision>) -> bool {
        let is_looking = self.is_looking();
        self.heads.hear(head, is_looking)
    }

    /// Begins to look at the branch, and to render when there is something new. An agent that starts while git is out of
    /// its reach goes on with the `applied` revision, as the clone on disk has it: nothing new is applied, and drift is
    /// repaired.
    pub fn begin(&mut self, asker: Asker, applied: Option<Revision>) {
        self.began_at = Some(Instant::now());
        let look = self.files.clone().look(asker, applied);
        self.looking = Some(AbortOnDropHandle::new(tokio::spawn(look)));
    }

    /// Gives up the look that is under way, with its fetch or its render.
    pub fn give_up(&mut self) {
        self.looking = None;
    }

    /// What the look that is under way comes to; it never ends while there is none. Dropping the future loses nothing.
    pub async fn ended(&mut self) -> Looked {
        let Some(looking) = &mut self.looking else { return pending().await };
        let ended = looking.await;
        self.looking = None;
        match ended {
            Ok((files, mut looked)) => {
                self.files = files;
                looked.is_overtaken = self.heads.looked(looked.result.as_ref().ok().map(Look::revision));
                looked
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and this task with it.
                Err(_) => pending().await,
            },
        }
    }
}

impl Files {
    async fn look(mut self, asker: Asker, applied: Option<Revision>) -> (Self, Looked) {
        let result = self.try_look(&asker).await;
        let applied = applied.filter(|_| result.is_err() && self.rendered.is_none());
        let is_resumed = match applied {
            Some(applied) => self.resume(&asker, &applied).await,
            None => false,
        };
        (self, Looked { result, is_resumed, is_overtaken: false })
    }

    async fn try_look(&mut self, asker: &Asker) -> Result<Look, LookFault> {
        let fetched = self.fetch(asker).await;
        asker.metrics.fetched(fetched.is_ok());
        let snapshot = fetched?;
        let revision = snapshot.revision.clone();
        let given = variables::read(asker).await;
        let fault = |reason, message| LookFault::Inputs { revision: revision.clone(), reason, message };
        let given = given.map_err(|message| fault("NoVariables", message))?;
        let keys = self.read_keys(asker).await.map_err(|message| fault("NoKeys", message))?;
        let cluster = self.look_at_cluster(asker).await;
        let cluster = cluster.map_err(|error| LookFault::Cluster { revision: revision.clone(), error })?;
        let with = With { given, keys, cluster };
        let before = self.rendered.as_ref().filter(|known| known.content.with == with);
        let is_same_tree = match before {
            Some(known) => known.revision == revision || is_the_same(&known.content, &snapshot).await,
            None => false,
        };
        let found = match before.filter(|known| is_same_tree && known.content.bases.are_settled()) {
            Some(known) => Found { bases: known.content.bases.clone(), resolved: Arc::default() },
            None => {
                let before = self.rendered.as_ref().map(|known| &*known.resolved);
                bases::gather(asker, &snapshot, before).await.map_err(|message| fault("NoLogin", message))?
            }
        };
        let known =
            self.rendered.as_mut().filter(|known| is_same_tree && known.content.bases.are_the_same_as(&found.bases));
        let Some(known) = known else {
            let Found { bases, resolved } = found;
            let inputs = Inputs { files: snapshot, bases, with };
            return match self.render(asker, inputs, resolved).await {
                Ok(()) => Ok(Look::Rendered(revision)),
                Err(error) => Err(LookFault::Cluster { revision, error }),
            };
        };
        // What was rendered is never kept beyond this process and these files, so neither belongs to the inputs.
        known.resolved = found.resolved;
        if std::mem::replace(&mut known.revision, revision.clone()) == revision {
            return Ok(Look::Unchanged(revision));
        }
        asker.metrics.rendered(RenderResult::Skipped);
        Ok(Look::SameContent(revision))
    }

    /// What opens encrypted files.
    async fn read_keys(&self, asker: &Asker) -> Result<Option<Decryption>, String> {
        let before = self.rendered.as_ref().and_then(|known| known.content.with.keys.as_ref());
        keys::read(asker, before).await
    }

    /// What charts learn of the cluster, where the last render had any.
    async fn look_at_cluster(&self, asker: &Asker) -> Result<ClusterView, KubeError> {
        let has_charts = self.rendered.as_ref().is_some_and(|known| known.content.needs_cluster);
        if !has_charts {
            return Ok(ClusterView::Unknown);
        }
        asker.ctx.cluster_facts.read(&asker.client).await.map(ClusterView::Known)
    }

    /// Renders what was applied as the clone on disk has it. Says whether there is such a thing.
    async fn resume(&mut self, asker: &Asker, applied: &Revision) -> bool {
        let remote = Remote { url: asker.spec.address.clone(), credential: None, ca_pem: None };
        let last = asker.ctx.store.last(&remote, &asker.spec.branch).await;
        let Some(snapshot) = last.filter(|last| last.revision == *applied) else { return false };
        let Ok(given) = variables::read(asker).await else { return false };
        let Ok(keys) = self.read_keys(asker).await else { return false };
        let Ok(Found { bases, resolved }) = bases::gather(asker, &snapshot, None).await else { return false };
        let with = With { given, keys, cluster: ClusterView::Unknown };
        let inputs = Inputs { files: snapshot, bases, with };
        self.render(asker, inputs, resolved).await.is_ok()
    }

    async fn fetch(&self, asker: &Asker) -> Result<Snapshot, LookFault> {
        let (ctx, spec) = (&asker.ctx, &asker.spec);
        let mut refused = None;
        loop {
            let Login { credential, is_minted, excuse } = login::log_in(asker, refused.as_ref()).await;
            let remote = Remote { url: spec.address.clone(), credential, ca_pem: ctx.ca_pem.clone() };
            match (ctx.store.fetch(&remote, &spec.branch).await, excuse) {
                (Ok(snapshot), _) => return Ok(snapshot),
                // A token may have been revoked before its time.
                (Err(error), _) if error.is_about_credentials() && is_minted && refused.is_none() => {
                    refused = remote.credential;
                }
                (Err(error), Some((reason, message))) if error.is_about_credentials() => {
                    return Err(LookFault::Credentials { reason, message });
                }
                (Err(error), _) => return Err(LookFault::Fetch(error)),
            }
        }
    }

    /// Renders a revision. It ends with the future of this.
    ///
    /// # Errors
    /// When there are charts, and the cluster cannot be asked. Then nothing is rendered.
    async fn render(&mut self, asker: &Asker, inputs: Inputs, resolved: Arc<[Resolved]>) -> Result<(), KubeError> {
        let revision = inputs.files.revision.clone();
        let mut content = self.render_in_time(asker, inputs.clone()).await;
        if content.needs_cluster && inputs.with.cluster == ClusterView::Unknown {
            let cluster = ClusterView::Known(asker.ctx.cluster_facts.read(&asker.client).await?);
            let with = With { cluster, ..inputs.with.clone() };
            content = self.render_in_time(asker, Inputs { with, ..inputs }).await;
        }
        let is_good = content.errors.is_empty();
        asker.metrics.rendered(if is_good { RenderResult::Done } else { RenderResult::Failed });
        self.rendered = Some(Rendered { revision, content: content.into(), at: Utc::now(), resolved });
        Ok(())
    }

    /// Renders at the pace that the path needs.
    async fn render_in_time(&mut self, asker: &Asker, inputs: Inputs) -> Content {
        let (mut content, mut took) = render_at(self.pace, asker, inputs.clone()).await;
        if content.is_cut_short && self.pace == Pace::Quick {
            self.pace = Pace::Slow;
            (content, took) = render_at(self.pace, asker, inputs).await;
        }
        self.pace = if took < QUICK_LIMIT { Pace::Quick } else { Pace::Slow };
        asker.metrics.render_took(took);
        content
    }
}

/// Renders in its turn. How long it waits for that is no part of what it took.
async fn render_at(pace: Pace, asker: &Asker, inputs: Inputs) -> (Content, Duration) {
    let (tools, spec) = (asker.ctx.tools.clone(), asker.spec.clone());
    let limit = if pace == Pace::Quick { QUICK_LIMIT } else { PATH_LIMIT };
    let stop = Stop::default();
    let _stop = stop.on_drop();
    compute_in_turn(pace, move || {
        let began_at = Instant::now();
        let content = Content::render(inputs, &spec, &tools, &Until::within(limit, &stop));
        (content, began_at.elapsed())
    })
    .await
}

async fn is_the_same(content: &Arc<Content>, snapshot: &Snapshot) -> bool {
    let (content, snapshot) = (Arc::clone(content), snapshot.clone());
    compute(move || content.is_the_same_in(&snapshot)).await
}
