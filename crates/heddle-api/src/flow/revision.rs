//! Where a commit is: what reads met, what was looked for, and how the Syncs of its branch are doing with it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    health::HealthStatus,
    id::{OrganizationId, RepositoryId},
    pipeline::{AppliedRevision, RevisionHistory, RevisionInSync, RevisionLine, RolloutKey, SyncNow, revision_line},
};
use heddle_db::{
    DbError, Tx,
    applied_revisions::{self, At, Reached},
    clusters::{self, Cluster},
    commits::{self, Found, NewCommit},
    repositories::{self, Repository},
    revision_looks::{self, Look},
    revisions::{self, NewRevision},
    syncs::{self, Sync},
};
use heddle_wire::{
    agent::{Condition, SyncError},
    automator::{CommitReport, FoundCommit, ReadReport},
    view::{Link, RevisionSyncView, RevisionView, WhereView},
};

use super::{judge::in_words, link};

/// Stores what a read met beside the branches, and what it found of what was looked for. Says whether anything was looked
/// for.
///
/// # Errors
/// When the store cannot be reached.
pub async fn store(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    report: &ReadReport,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    for branch in &report.branches {
        let beside: Vec<NewCommit<'_>> =
            branch.beside.iter().map(|one| new_commit(&one.commit, &one.carried_by)).collect();
        commits::record_all(&mut **tx, organization, (repository, &branch.branch), &beside).await?;
    }
    for looked in &report.looked_up {
        let mut answer = None;
        if let Some(found) = &looked.found {
            for carried in &found.carried {
                // The line of the one that carries it is told with the pull request that brought both.
                let pull_request = found.commit.pull_request.as_ref();
                let by = NewRevision { pull_request, ..new_revision(&carried.by) };
                revisions::meet(tx, organization, repository, &carried.branch, &by).await?;
                if carried.by.revision != found.commit.revision {
                    let commit = new_commit(&found.commit, &carried.by.revision);
                    commits::record_all(&mut **tx, organization, (repository, &carried.branch), &[commit]).await?;
                }
            }
            answer = Some(serde_json::to_value(found).map_err(corrupt)?);
        }
        if looked.failed {
            // Nobody has looked, so that whoever asks has it looked for.
            revision_looks::forget(&mut **tx, repository, &looked.wanted).await?;
        } else {
            revision_looks::answer(&mut **tx, repository, &looked.wanted, answer.as_ref(), now).await?;
        }
    }
    Ok(!report.looked_up.is_empty())
}

fn new_commit<'a>(commit: &'a CommitReport, carried_by: &'a Revision) -> NewCommit<'a> {
    NewCommit { commit: new_revision(commit), carried_by }
}

/// A commit as the store takes it.
pub(super) fn new_revision(commit: &CommitReport) -> NewRevision<'_> {
    NewRevision {
        revision: &commit.revision,
        committed_at: commit.committed_at,
        author: &commit.author,
        subject: &commit.subject,
        pull_request: commit.pull_request.as_ref(),
    }
}

/// Where the commits are that begin with `beginning`, in the organization or one repository of it. `host` is the address of
/// the host's pages.
///
/// # Errors
/// When the store cannot be reached.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: Option<RepositoryId>,
    beginning: &str,
    host: &str,
    now: DateTime<Utc>,
) -> Result<WhereView, DbError> {
    let met = commits::find(&mut **tx, organization, repository, beginning).await?;
    let looks = revision_looks::list(&mut **tx, organization, repository, beginning).await?;
    let connected: Vec<Repository> = repositories::list(&mut **tx, organization)
        .await?
        .into_iter()
        .filter(|one| repository.is_none_or(|wanted| wanted == one.id))
        .collect();
    let seen = Seen {
        clusters: clusters::list(&mut **tx, organization).await?,
        syncs: syncs::list(&mut **tx, organization).await?,
        host,
        now,
    };
    let mut found = Vec::new();
    for commit in &met {
        found.push(seen.view_met(tx, organization, commit).await?);
    }
    for (look, answer) in answers(&looks)? {
        // A branch carries it, and what carries it is not known any more: it is to be looked for anew.
        if !answer.carried.is_empty() {
            continue;
        }
        let is_met = met.iter().any(|one| one.repository == look.repository && one.revision == answer.commit.revision);
        let address = connected.iter().find(|one| one.id == look.repository).map(|one| &one.url);
        if let (false, Some(address)) = (is_met, address) {
            found.extend(seen.view_looked(look, address, &answer));
        }
    }
    let known: BTreeSet<RepositoryId> = met.iter().map(|one| one.repository).collect();
    let names = |wanted: &dyn Fn(&Look) -> bool| {
        looks.iter().filter(|look| wanted(look)).map(|look| look.repository_name.clone()).collect()
    };
    let is_unasked =
        |one: &&Repository| !known.contains(&one.id) && !looks.iter().any(|look| look.repository == one.id);
    Ok(WhereView {
        found,
        looking: names(&|look| look.answered_at.is_none()),
        absent: names(&|look| look.answered_at.is_some() && look.answer.is_none() && !known.contains(&look.repository)),
        unasked: connected.iter().filter(is_unasked).map(|one| one.name.clone()).collect(),
    })
}

fn answers(looks: &[Look]) -> Result<Vec<(&Look, FoundCommit)>, DbError> {
    let answered = looks.iter().filter_map(|look| Some((look, look.answer.clone()?)));
    answered.map(|(look, answer)| Ok((look, serde_json::from_value(answer).map_err(corrupt)?))).collect()
}

fn corrupt(error: serde_json::Error) -> DbError {
    DbError::Corrupt { column: "revision_looks.answer", reason: error.to_string() }
}

/// That a Sync is at a revision although nobody told when it came there: the fact was lost, or is older than what is kept of
/// them.
fn told_by_state(sync: &Sync) -> Option<Reached> {
    let is_healthy = sync.health == HealthStatus::Healthy && sync.unseen_since.is_none();
    Some(Reached {
        key: sync.key.clone(),
        revision: sync.applied_revision.clone()?,
        applied_at: sync.reported_at,
        changed: None,
        healthy_at: is_healthy.then_some(sync.reported_at),
        is_inferred: true,
    })
}

/// What Syncs say now.
struct Seen<'a> {
    clusters: Vec<Cluster>,
    syncs: Vec<Sync>,
    host: &'a str,
    now: DateTime<Utc>,
}

impl Seen<'_> {
    /// A commit that is on a branch.
    async fn view_met(
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
        let said: Vec<String> = self
            .followers(&found.repository_url, &found.branch)
            .flat_map(|sync| [&sync.attempted_revision, &sync.applied_revision])
            .filter_map(|revision| revision.as_ref().map(ToString::to_string))
            .collect();
        let places = revisions::list_places(&mut **tx, found.repository, &found.branch, &said).await?;
        for sync in self.followers(&found.repository_url, &found.branch) {
            let contains = places.iter().any(|(revision, ordinal, lineage)| {
                Some(revision) == sync.applied_revision.as_ref()
                    && *lineage == found.lineage
                    && (*ordinal > found.ordinal || *revision == found.carried_by)
            });
            if contains && reached.iter().all(|one| one.key != sync.key) {
                reached.extend(told_by_state(sync));
            }
        }
        let note = (found.lineage != found.head_lineage).then(|| {
            format!(
                "`{}` was rewritten since, or went on by more than 1,000 commits between two reads: whether it still \
                 contains this commit is not known",
                found.branch
            )
        });
        let is_behind = |sync: &Sync| {
            places.iter().any(|(revision, ordinal, lineage)| {
                Some(revision) == sync.attempted_revision.as_ref()
                    && *lineage == found.lineage
                    && *ordinal < found.ordinal
            })
        };
        let history = RevisionHistory {
            pull_request: found.pull_request.clone(),
            merged: Some((found.branch.clone(), found.seen_at)),
            syncs: self.in_syncs(&found.repository_url, &found.branch, &reached, note.as_deref(), is_behind),
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
            carried_by: Some(&found.carried_by).filter(|by| **by != found.revision).cloned(),
            note,
            looked_at: None,
            syncs: self.named(&line),
            line,
        })
    }

    /// A commit that was looked for: on no branch that is read, or so far back on some that what brought it is not known.
    fn view_looked(&self, look: &Look, address: &RepoUrl, found: &FoundCommit) -> Vec<RevisionView> {
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
        let far_back = found.far_back.iter().map(|branch| {
            let note = format!(
                "`{branch}` contains it more than 1,000 commits back; with which of its revisions it came is not known"
            );
            let history = RevisionHistory {
                pull_request: pull_request.clone(),
                merged: Some((branch.clone(), None)),
                syncs: self.in_syncs(address, branch, &[], Some(&note), |_| false),
            };
            view(Some(branch), Some(note), history)
        });
        far_back.collect()
    }

    fn page(&self, repository: &heddle_core::git::RepoName, revision: &Revision) -> String {
        format!("{}/{repository}/commit/{revision}", self.host.trim_end_matches('/'))
    }

    fn followers(&self, address: &RepoUrl, branch: &BranchName) -> impl Iterator<Item = &Sync> {
        self.syncs.iter().filter(move |sync| sync.repository_url == *address && sync.branch == *branch)
    }

    /// How each Sync of the branch stands to a commit. `unknown` says why it cannot be told of one that has not reached it;
    /// `is_behind`, that what it tried last is from before the commit.
    fn in_syncs(
        &self,
        address: &RepoUrl,
        branch: &BranchName,
        reached: &[Reached],
        unknown: Option<&str>,
        is_behind: impl Fn(&Sync) -> bool,
    ) -> Vec<RevisionInSync> {
        let following: Vec<&Sync> = self.followers(address, branch).collect();
        let mut keys: BTreeSet<&RolloutKey> = following.iter().map(|sync| &sync.key).collect();
        keys.extend(reached.iter().map(|one| &one.key));
        keys.into_iter()
            .map(|key| {
                let one = reached.iter().find(|one| one.key == *key);
                let sync = following.iter().find(|sync| sync.key == *key);
                let now = sync.map_or_else(
                    || SyncNow { is_gone: true, ..SyncNow::default() },
                    |sync| self.sync_now(sync, unknown, is_behind(sync)),
                );
                RevisionInSync {
                    key: key.clone(),
                    applied: one.map(|one| AppliedRevision {
                        revision: one.revision.clone(),
                        at: one.applied_at,
                        changed: one.changed,
                        is_inferred: one.is_inferred,
                    }),
                    healthy_at: one.and_then(|one| one.healthy_at),
                    now,
                }
            })
            .collect()
    }

    fn sync_now(&self, sync: &Sync, unknown: Option<&str>, is_behind: bool) -> SyncNow {
        let conditions: Vec<Condition> = serde_json::from_value(sync.conditions.clone()).unwrap_or_default();
        let errors: Vec<SyncError> = serde_json::from_value(sync.errors.clone()).unwrap_or_default();
        let message = |kind: &str| {
            let false_one = conditions.iter().find(|one| &*one.kind == kind && &*one.status == "False");
            false_one.map(|one| one.message.to_string()).filter(|text| !text.is_empty())
        };
        let waits_for = ["Fetched", "Rendered", "Applied"].into_iter().find_map(message);
        let is_seen = sync.unseen_since.is_none();
        SyncNow {
            is_gone: false,
            is_suspended: sync.suspended,
            silence: self.silence(&sync.key),
            failure: errors.first().filter(|_| !is_behind && unknown.is_none()).map(in_words),
            waits_for: unknown.map(ToOwned::to_owned).or(waits_for.filter(|_| !is_behind)),
            health: is_seen.then(|| {
                let reason = if sync.health == HealthStatus::Healthy { None } else { message("Healthy") };
                (sync.health, reason)
            }),
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
