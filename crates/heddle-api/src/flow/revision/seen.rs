//! How the Syncs of a branch are doing with a commit, as facts and states tell it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl, Revision},
    health::HealthStatus,
    id::OrganizationId,
    pipeline::{
        AppliedRevision, Left, RevisionHistory, RevisionInSync, RevisionLine, RolloutKey, SyncNow, revision_line,
    },
};
use heddle_db::{
    DbError, Tx,
    applied_revisions::{self, At, Reached, Unplaced},
    clusters::{self, Cluster},
    commits::Found,
    revision_looks::Look,
    revisions::{self, BranchPlace},
    syncs::{self, Sync},
};
use heddle_wire::{
    agent::{Condition, SyncError},
    automator::FoundCommit,
    view::{Link, RevisionSyncView, RevisionView, UnplacedRevision},
};

use crate::flow::{judge::in_words, link};

/// So many revisions that no read has placed are shown at most.
const MOST_UNPLACED_SHOWN: usize = 20;

/// How revisions stand to a commit.
struct Standing<'a> {
    /// The revision that carries it.
    carried_by: &'a Revision,
    /// That one's place; `None` where no read has placed it.
    place: Option<BranchPlace>,
    /// The places of what Syncs said.
    places: BTreeMap<Revision, Option<BranchPlace>>,
}

impl Standing<'_> {
    /// Whether a revision is known to contain it; `None` where a read is still to place it.
    fn contains(&self, revision: &Revision) -> Option<bool> {
        if revision == self.carried_by {
            return Some(true);
        }
        let Some((ordinal, lineage)) = self.place else { return Some(false) };
        let place = self.places.get(revision)?;
        Some(place.is_some_and(|(other, of)| of == lineage && other > ordinal))
    }

    /// Whether a revision is known to be from before it.
    fn is_after(&self, revision: &Revision) -> bool {
        match (self.place, self.places.get(revision)) {
            (Some((ordinal, lineage)), Some(Some((other, of)))) => *of == lineage && *other < ordinal,
            _ => false,
        }
    }
}

/// Takes a Sync's state for what its facts did not tell: they were lost, or are older than what is kept of them.
fn add_state(reached: &mut Vec<Reached>, sync: &Sync, standing: &Standing<'_>) {
    let Some(revision) = &sync.applied_revision else { return };
    if standing.contains(revision) != Some(true) {
        return;
    }
    let told_at = sync.applied_told_at.unwrap_or(sync.reported_at);
    let is_healthy = sync.health == HealthStatus::Healthy && sync.unseen_since.is_none();
    let healthy_at = is_healthy.then(|| {
        let since = conditions(sync).iter().find(|one| &*one.kind == "Healthy").map_or(told_at, |one| one.since);
        since.clamp(told_at, told_at.max(sync.reported_at))
    });
    match reached.iter_mut().find(|one| one.key == sync.key) {
        Some(one) => one.healthy_at = one.healthy_at.or(healthy_at),
        None => reached.push(Reached {
            key: sync.key.clone(),
            revision: revision.clone(),
            applied_at: told_at,
            changed: None,
            healthy_at,
            is_health_known: true,
            last: revision.clone(),
            is_inferred: true,
        }),
    }
}

fn conditions(sync: &Sync) -> Vec<Condition> {
    serde_json::from_value(sync.conditions.clone()).unwrap_or_default()
}

/// What Syncs say now.
pub(super) struct Seen<'a> {
    clusters: Vec<Cluster>,
    syncs: Vec<Sync>,
    host: &'a str,
    now: DateTime<Utc>,
}

impl<'a> Seen<'a> {
    /// Those of an organization. `host` is the address of the host's pages.
    pub(super) async fn load(
        tx: &mut Tx,
        organization: OrganizationId,
        host: &'a str,
        now: DateTime<Utc>,
    ) -> Result<Self, DbError> {
        Ok(Self {
            clusters: clusters::list(&mut **tx, organization).await?,
            syncs: syncs::list(&mut **tx, organization).await?,
            host,
            now,
        })
    }

    /// A commit that is on a branch.
    pub(super) async fn view_met(
        &self,
        tx: &mut Tx,
        organization: OrganizationId,
        found: &Found,
    ) -> Result<RevisionView, DbError> {
        let at = At {
            repository_url: &found.repository_url,
            branch: &found.branch,
            revision: &found.carried_by,
            ordinal: found.ordinal,
            lineage: found.lineage,
        };
        let mut reached = applied_revisions::list_reached(&mut **tx, organization, &at).await?;
        let said: BTreeSet<&Revision> = self
            .followers(&found.repository_url, &found.branch)
            .flat_map(|sync| [&sync.attempted_revision, &sync.applied_revision])
            .flatten()
            .chain(reached.iter().map(|one| &one.last))
            .collect();
        let said: Vec<String> = said.into_iter().map(ToString::to_string).collect();
        let standing = Standing {
            carried_by: &found.carried_by,
            place: Some((found.ordinal, found.lineage)),
            places: revisions::list_places(&mut **tx, found.repository, &found.branch, &said).await?,
        };
        for sync in self.followers(&found.repository_url, &found.branch) {
            add_state(&mut reached, sync, &standing);
        }
        let note = self.note(found);
        let history = RevisionHistory {
            pull_request: found.pull_request.clone(),
            merged: Some((found.branch.clone(), found.seen_at)),
            syncs: self.in_syncs(&found.repository_url, &found.branch, &reached, note.as_deref(), &standing),
        };
        let line = revision_line(&found.carried_by, &history);
        Ok(RevisionView {
            repository: found.repository_name.clone(),
            branch: Some(found.branch.clone()),
            revision: found.revision.clone(),
            url: self.page(&found.repository_name, &found.revision),
            subject: found.subject.clone(),
            author: found.author.clone(),
            committed_at: found.committed_at,
            pull_request: found.pull_request.clone(),
            pull_request_known: found.is_pull_known,
            carried_by: Some(&found.carried_by).filter(|by| **by != found.revision).cloned(),
            note,
            looked_at: None,
            syncs: self.named(&line),
            line,
        })
    }

    /// What is not known of a commit that is on a branch.
    fn note(&self, found: &Found) -> Option<String> {
        let branch = &found.branch;
        (found.lineage != found.head_lineage).then(|| {
            let why = if found.lineage < 0 {
                format!("it was read by a release that did not keep whether `{branch}` was rewritten")
            } else {
                format!("`{branch}` was rewritten since, or went on by more than 1,000 commits between two reads")
            };
            format!("{why}: whether it still contains this commit is not known")
        })
    }

    /// What Syncs applied and no read has placed on a branch, by revision.
    pub(super) fn view_unplaced(
        &self,
        applied: Vec<Unplaced>,
        name: impl Fn(&RepoUrl) -> Option<RepoName>,
    ) -> Vec<UnplacedRevision> {
        let mut found: BTreeMap<(RepoUrl, BranchName, Revision), Vec<Reached>> = BTreeMap::new();
        for one in applied {
            let revision = one.reached.revision.clone();
            found.entry((one.repository_url, one.branch, revision)).or_default().push(one.reached);
        }
        let view = |((address, branch, revision), mut reached): ((RepoUrl, BranchName, Revision), Vec<Reached>)| {
            let repository = name(&address);
            let note = if repository.is_some() {
                format!("no read has met it on `{branch}`, and which revisions contain it is not known")
            } else {
                format!("`{address}` is not connected, so that when it was merged, and by what, is not known")
            };
            let standing = Standing { carried_by: &revision, place: None, places: BTreeMap::new() };
            for sync in self.followers(&address, &branch) {
                add_state(&mut reached, sync, &standing);
            }
            let mut syncs = self.in_syncs(&address, &branch, &reached, None, &standing);
            // Of those that never applied it nothing can be said.
            syncs.retain(|sync| sync.applied.is_some());
            let history = RevisionHistory { pull_request: None, merged: Some((branch.clone(), None)), syncs };
            let line = revision_line(&revision, &history);
            UnplacedRevision { repository_url: address, repository, branch, revision, note, syncs: self.named(&line) }
        };
        found.into_iter().take(MOST_UNPLACED_SHOWN).map(view).collect()
    }

    /// A commit that was looked for: on no branch that is read, or so far back on some that what brought it is not known.
    pub(super) fn view_looked(&self, look: &Look, address: &RepoUrl, found: &FoundCommit) -> Vec<RevisionView> {
        let commit = &found.commit;
        let view = |branch: Option<&BranchName>, note: Option<String>, history: RevisionHistory| {
            let line = revision_line(&commit.revision, &history);
            RevisionView {
                repository: look.repository_name.clone(),
                branch: branch.cloned(),
                revision: commit.revision.clone(),
                url: self.page(&look.repository_name, &commit.revision),
                subject: Some(commit.subject.clone()),
                author: Some(commit.author.clone()),
                committed_at: Some(commit.committed_at),
                pull_request: commit.pull_request.clone(),
                pull_request_known: true,
                carried_by: None,
                note,
                looked_at: look.answered_at,
                syncs: self.named(&line),
                line,
            }
        };
        let pull_request = commit.pull_request.clone();
        if found.far_back.is_empty() {
            return vec![view(None, None, RevisionHistory { pull_request, merged: None, syncs: Vec::new() })];
        }
        let standing = Standing { carried_by: &commit.revision, place: None, places: BTreeMap::new() };
        let far_back = found.far_back.iter().map(|branch| {
            let note = format!(
                "`{branch}` contains it more than 1,000 commits back; with which of its revisions it came is not known"
            );
            let history = RevisionHistory {
                pull_request: pull_request.clone().filter(|pull| pull.base == *branch),
                merged: Some((branch.clone(), None)),
                syncs: self.in_syncs(address, branch, &[], Some(&note), &standing),
            };
            view(Some(branch), Some(note), history)
        });
        far_back.collect()
    }

    fn page(&self, repository: &RepoName, revision: &Revision) -> String {
        format!("{}/{repository}/commit/{revision}", self.host.trim_end_matches('/'))
    }

    fn followers(&self, address: &RepoUrl, branch: &BranchName) -> impl Iterator<Item = &Sync> {
        self.syncs.iter().filter(move |sync| sync.repository_url == *address && sync.branch == *branch)
    }

    /// How each Sync of the branch stands to a commit. `unknown` says why it cannot be told of one that has not reached it.
    fn in_syncs(
        &self,
        address: &RepoUrl,
        branch: &BranchName,
        reached: &[Reached],
        unknown: Option<&str>,
        standing: &Standing<'_>,
    ) -> Vec<RevisionInSync> {
        let following: Vec<&Sync> = self.followers(address, branch).collect();
        let mut keys: BTreeSet<&RolloutKey> = following.iter().map(|sync| &sync.key).collect();
        keys.extend(reached.iter().map(|one| &one.key));
        keys.into_iter()
            .map(|key| {
                let one = reached.iter().find(|one| one.key == *key);
                let sync = following.iter().find(|sync| sync.key == *key);
                let now = sync.map_or_else(
                    || SyncNow { left: Some(Left::Gone), ..SyncNow::default() },
                    |sync| self.sync_now(sync, one, unknown, standing),
                );
                RevisionInSync {
                    key: key.clone(),
                    applied: one.map(|one| AppliedRevision {
                        revision: one.revision.clone(),
                        at: one.applied_at,
                        changed: one.changed,
                        is_inferred: one.is_inferred,
                        is_health_known: one.is_health_known,
                    }),
                    healthy_at: one.and_then(|one| one.healthy_at),
                    now,
                }
            })
            .collect()
    }

    fn sync_now(
        &self,
        sync: &Sync,
        reached: Option<&Reached>,
        unknown: Option<&str>,
        standing: &Standing<'_>,
    ) -> SyncNow {
        let conditions = conditions(sync);
        let errors: Vec<SyncError> = serde_json::from_value(sync.errors.clone()).unwrap_or_default();
        let message = |kind: &str| {
            let false_one = conditions.iter().find(|one| &*one.kind == kind && &*one.status == "False");
            false_one.map(|one| one.message.to_string()).filter(|text| !text.is_empty())
        };
        // What it said of a revision before is no word of this one, but that it fetches none.
        let is_behind = sync.attempted_revision.as_ref().is_some_and(|revision| standing.is_after(revision));
        let spoken_of: &[&str] = if is_behind { &["Fetched"] } else { &["Fetched", "Rendered", "Applied"] };
        let waits_for = spoken_of.iter().copied().find_map(message);
        let is_seen = sync.unseen_since.is_none();
        let said = reached.map(|one| &one.last).into_iter().chain(&sync.applied_revision);
        let contain: Vec<Option<bool>> = said.map(|revision| standing.contains(revision)).collect();
        let has_moved_on = reached.is_some() && contain.iter().all(|contains| *contains == Some(false));
        let is_unplaced = !contain.contains(&Some(true)) && contain.contains(&None);
        let unplaced = || "what it applied since is to be placed on the branch by the next read".to_owned();
        SyncNow {
            left: has_moved_on.then_some(Left::MovedOn),
            is_suspended: sync.suspended,
            silence: self.silence(&sync.key),
            failure: errors.first().filter(|_| !is_behind && unknown.is_none()).map(in_words),
            waits_for: unknown.map(ToOwned::to_owned).or(waits_for),
            health: if is_unplaced {
                Some((HealthStatus::Unknown, Some(unplaced())))
            } else {
                is_seen.then(|| {
                    let reason = if sync.health == HealthStatus::Healthy { None } else { message("Healthy") };
                    (sync.health, reason)
                })
            },
        }
    }

    fn silence(&self, key: &RolloutKey) -> Option<(String, Option<DateTime<Utc>>)> {
        let Some(cluster) = self.clusters.iter().find(|cluster| cluster.id == key.cluster) else {
            return Some(("its cluster was deleted".to_owned(), None));
        };
        let (name, last) = (&cluster.name, cluster.last_seen_at);
        let words = match link::of(&cluster.heard(), self.now) {
            Link::Connected | Link::Late => return None,
            Link::NeverConnected => format!("the agent of `{name}` never connected; apply its install manifest"),
            Link::Revoked => format!("the keys of `{name}` were revoked; renew its install manifest"),
            Link::Offline => format!("the agent of `{name}` is away; see that it runs and reaches the API"),
            Link::Silent => format!("the agent of `{name}` is there, and its reports do not arrive"),
        };
        Some((words, last))
    }

    fn named(&self, line: &RevisionLine) -> Vec<RevisionSyncView> {
        let cluster = |key: &RolloutKey| self.clusters.iter().find(|cluster| cluster.id == key.cluster);
        let sync = |key: &RolloutKey| self.syncs.iter().find(|sync| sync.key == *key);
        line.syncs
            .iter()
            .map(|one| RevisionSyncView {
                cluster_name: cluster(&one.sync).map(|cluster| cluster.name.clone()).unwrap_or_default(),
                environment: sync(&one.sync).and_then(|sync| sync.environment.clone()),
                line: one.clone(),
            })
            .collect()
    }
}
