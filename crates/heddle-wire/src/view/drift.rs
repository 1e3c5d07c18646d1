//! Is the world as Git says: the records of drift, and who may report them.

use chrono::{DateTime, Utc};
use heddle_core::{
    drift::{DriftSource, DriftState, DriftTool, Found, PlanHash},
    git::{RepoName, Revision},
    id::ClusterId,
    name::{EnvironmentName, SyncName},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    drift::{DriftItem, NotLookedAt},
    secret::WireSecret,
    text::{Message, Name},
};

bodies! {
    /// A page of everything that is looked at: `GET /organizations/{organization}/drift`.
    DriftPage {
        /// What is not the same first.
        items: Vec<DriftRecordView>,
        /// Pass as `after` for the next page.
        next: Option<String>,
        /// How many there are of each state, whatever the page shows.
        counts: DriftCounts,
    }

    /// How many records are in which state.
    DriftCounts {
        /// The world is as Git says.
        same: i64,
        /// It is not.
        differs: i64,
        /// It cannot be said.
        unknown: i64,
        /// Nobody looks.
        not_looked_at: i64,
        /// There are more of these than are judged for one list: nothing is said of them here.
        not_judged: i64,
    }

    /// One thing that is looked at: a Sync, a Terraform folder, a playbook.
    DriftRecordView {
        /// The record; `None` for a Sync, whose page is its cluster's.
        id: Option<Uuid>,
        /// The Sync, where it is one.
        sync: Option<DriftSync>,
        /// The repository that the source lies in, where it is known.
        repository: Option<RepoName>,
        /// The environment; `None` for a Sync that is shown under none.
        environment: Option<EnvironmentName>,
        /// The tool.
        tool: DriftTool,
        /// The folder, the playbook, or the path of the Sync.
        source: String,
        /// What it means now.
        state: DriftState,
        /// Since when, as far as that is known.
        since: Option<DateTime<Utc>>,
        /// Why, where the state alone does not say it.
        reason: Option<Message>,
        /// How many things differ.
        differences: i64,
        /// When somebody looked last.
        looked_at: Option<DateTime<Utc>>,
        /// Who looked: the reporter's name, or the cluster whose agent it was.
        looked_by: Option<String>,
        /// Whether that reporter was revoked since.
        by_revoked: bool,
        /// The commit that was looked at.
        commit: Option<Revision>,
        /// How often somebody must look, in seconds, where `drift:` says so.
        every_secs: Option<i64>,
    }

    /// Which Sync a record is about.
    DriftSync {
        /// The cluster.
        cluster: ClusterId,
        /// Its name.
        cluster_name: String,
        /// The Sync.
        sync: SyncName,
    }

    /// A record with one spell in full: `GET /organizations/{organization}/drift/{record}`.
    DriftRecordDetail {
        /// The record.
        record: DriftRecordView,
        /// The spell that was asked for, the newest where none was; `None` where nobody has looked.
        shown: Option<SpellDetail>,
        /// Where `drift:` asks for it, as `acme/config:.heddle.yaml:14`.
        asked_in: Option<String>,
        /// The spells, newest first, without what is in them.
        history: Vec<DriftSpell>,
        /// Pass as `before` for older ones.
        next: Option<Uuid>,
        /// What an issue or a pull request says of it.
        issue: DriftIssue,
    }

    /// A record in Markdown.
    DriftIssue {
        /// Its title.
        title: String,
        /// Its text: what differs, and how exactly that is applied.
        body: String,
        /// Where such an issue begins at the Git host, with as much of the text as fits; `None` where no repository is known.
        url: Option<String>,
    }

    /// Looks in a row that found the same things in the same places.
    DriftSpell {
        /// The spell.
        id: Uuid,
        /// What they found.
        found: Found,
        /// When the first of them ended.
        first_at: DateTime<Utc>,
        /// When the last of them ended.
        last_at: DateTime<Utc>,
        /// How many looks.
        looks: i64,
        /// How many things differ.
        differences: i64,
        /// The reporter's name.
        reporter: String,
        /// Whether that reporter was revoked since.
        by_revoked: bool,
        /// The commit of the last of them.
        commit: Option<Revision>,
    }

    /// A spell with what its last look found.
    SpellDetail {
        /// Which.
        spell: DriftSpell,
        /// The program that looked.
        program: Name,
        /// Its version.
        version: Option<Name>,
        /// What differs.
        items: Vec<DriftItem>,
        /// How many more things differ.
        more: i64,
        /// What was not looked at.
        not_looked_at: Vec<NotLookedAt>,
        /// How much more was not looked at.
        more_not_looked_at: i64,
        /// Why the last look did not come to its end.
        failure: Option<Message>,
        /// What `heddle sync` is to be given to apply exactly this; `None` where whoever said it was revoked.
        plan_hash: Option<PlanHash>,
    }

    /// Who may report one record and nothing else: `GET /organizations/{organization}/reporters`.
    ReporterView {
        /// The reporter.
        id: Uuid,
        /// What it is for.
        name: String,
        /// The repository that the source lies in; `None` where looks from any are taken.
        repository: Option<RepoName>,
        /// The environment it reports.
        environment: EnvironmentName,
        /// The tool.
        tool: DriftTool,
        /// The source.
        source: DriftSource,
        /// The record it reports.
        record: Uuid,
        /// Who made it.
        created_by: String,
        /// When.
        created_at: DateTime<Utc>,
        /// When it last reported.
        reported_at: Option<DateTime<Utc>>,
        /// When it was revoked.
        revoked_at: Option<DateTime<Utc>>,
    }

    /// Makes a reporter: `POST /organizations/{organization}/reporters`.
    CreateReporter {
        /// What it is for, 1 to 100 characters.
        name: String,
        /// The repository that the source lies in.
        repository: RepoName,
        /// The environment it is to report.
        environment: EnvironmentName,
        /// The tool.
        tool: DriftTool,
        /// The folder or playbook, by its path in the repository.
        source: DriftSource,
    }

    /// A new reporter; its token is shown this once.
    ReporterCreated {
        /// The reporter.
        reporter: ReporterView,
        /// The token, for `HEDDLE_REPORT_TOKEN`.
        token: WireSecret,
        /// The command that looks and reports.
        command: String,
    }
}
