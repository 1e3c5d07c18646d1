//! A config repository with two environments over one base, its Git host, and an automator at the desk.

use chrono::{TimeDelta, Utc};
use heddle_core::{
    id::{IntentId, ProposalId, RepositoryId},
    policy::{TagInfo, TagList},
};
use heddle_github::{App, AppConfig, Host, Permissions};
use heddle_testkit::{
    github::{AppCredentials, AppPlan, GitHub, GitHubConfig},
    port,
    process::{Process, Program},
    scratch,
};
use heddle_wire::automator::{
    BranchHead, ImageTags, IntentOutcome, OpenIntent, OpenProposal, ProposedChange, ReadWork, RepositoryAccess,
    ScanWork, SyncPath, TagChoice, UnknownRevision, UpdateWork, Work,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::desk::{Desk, Heard};

pub const REPOSITORY: &str = "acme/config";
pub const IMAGE: &str = "ghcr.io/acme/api";

const RULES: &str = "version: 1\nenvironments:\n  - {name: staging, path: staging}\n  - {name: prod, path: prod}\nimages:\n  - {name: ghcr.io/acme/*, environments: [staging], policy: {semver: '1.x'}, mode: commit}\n  - {name: ghcr.io/acme/*, policy: {semver: '1.x'}}\n";

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n    - name: api\n      image: ghcr.io/acme/api:0.0.0\n";

pub struct Shop {
    pub github: GitHub,
    pub desk: Desk,
    app: AppCredentials,
    installation: u64,
    url: url::Url,
    folder: TempDir,
    automator: Option<Process>,
    slots: usize,
}

pub fn overlay(tag: &str) -> String {
    format!("resources:\n  - ../base\nimages:\n  - name: {IMAGE}\n    newTag: {tag} # the bot's\n")
}

impl Shop {
    /// Everything up, both environments at `tag`.
    pub async fn open(tag: &str) -> Self {
        Self::open_with(tag, 1).await
    }

    /// With an automator that does this many pieces of work at once.
    pub async fn open_with(tag: &str, slots: usize) -> Self {
        let github = GitHub::start(GitHubConfig::default()).await.unwrap();
        github.add_user("ada");
        github.add_organization("acme", "ada");
        let overlay = overlay(tag);
        let files = [
            (".heddle.yaml", RULES),
            ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
            ("base/pod.yaml", POD),
            ("staging/kustomization.yaml", &overlay),
            ("prod/kustomization.yaml", &overlay),
        ];
        github.create_repository(REPOSITORY, &files).await.unwrap();
        let app = github.create_app(AppPlan::new("heddle")).unwrap();
        let installation = github.install(app.id, "acme", &[]).unwrap();
        let (desk, url) = Desk::start().await;
        let folder = scratch::dir("automator").unwrap();
        let mut shop = Self { github, desk, app, installation, url, folder, automator: None, slots };
        shop.start_automator();
        shop
    }

    /// With more in `.heddle.yaml`.
    pub async fn with_rules(self, more: &str) -> Self {
        let rules = self.github.read_file(REPOSITORY, "main", ".heddle.yaml").await.unwrap().unwrap();
        let files = [(".heddle.yaml", Some(format!("{rules}{more}")))];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_deref()));
        self.github.push_files(REPOSITORY, "main", &files, "Rule", "ada").await.unwrap();
        self
    }

    pub fn start_automator(&mut self) {
        let token = self.folder.path().join("token");
        std::fs::write(&token, "a-token-for-automators\n").unwrap();
        let program = Program::new(env!("CARGO_BIN_EXE_heddle-automator"))
            .env("HEDDLE_API_URL", self.url.as_str())
            .env("HEDDLE_AUTOMATOR_TOKEN_FILE", &token)
            .env("HEDDLE_CACHE_DIR", self.folder.path().join("cache"))
            .env("HEDDLE_CA_FILE", self.github.ca_file())
            .env("HEDDLE_ALLOW_REGISTRIES", "127.0.0.1")
            .env("HEDDLE_CONCURRENCY", self.slots.to_string())
            .env("HEDDLE_METRICS_LISTEN", format!("127.0.0.1:{}", port::free().unwrap()));
        self.automator = Some(program.spawn(&self.folder.path().join("automator.log")).unwrap());
    }

    /// The most memory that the automator had so far, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let id = self.automator.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// SIGKILL.
    pub async fn kill_automator(&mut self) {
        if let Some(automator) = self.automator.take() {
            automator.kill().await.unwrap();
        }
    }

    pub async fn access(&self) -> RepositoryAccess {
        let host = Host::new(self.github.api_url().parse().unwrap(), Some(self.github.ca_pem().into())).unwrap();
        let app = AppConfig {
            app_id: self.app.id,
            private_key_pem: self.app.private_key_pem.clone().into(),
            host: host.clone(),
        };
        let name = REPOSITORY.parse().unwrap();
        let app = App::new(app).unwrap();
        let token = app.mint_token(self.installation, &name, Permissions::Write).await.unwrap();
        RepositoryAccess {
            id: RepositoryId(Uuid::nil()),
            name,
            clone_url: self.github.clone_url(REPOSITORY).parse().unwrap(),
            api_url: host.api_url,
            graphql_url: host.graphql_url,
            token: heddle_wire::secret::WireSecret(token.secret),
            token_expires_at: token.expires_at,
            bot_login: self.app.bot_login.clone(),
            default_branch: "main".parse().unwrap(),
        }
    }

    pub async fn head(&self) -> BranchHead {
        let head = self.github.head(REPOSITORY, "main").await.unwrap().unwrap();
        BranchHead { branch: "main".parse().unwrap(), revision: head.parse().unwrap() }
    }

    /// An update of a repository that was read at its present head.
    pub async fn update_work(&self, tags: &[&str]) -> UpdateWork {
        let first_seen_at = Utc::now() - TimeDelta::minutes(1);
        let tags = tags.iter().map(|tag| TagInfo::named(tag.parse().unwrap(), first_seen_at));
        UpdateWork {
            repository: self.access().await,
            known_heads: vec![self.head().await],
            images: vec![ImageTags { image: IMAGE.parse().unwrap(), list: Some(TagList::whole(tags.collect())) }],
            settled: Vec::new(),
            asked: None,
            taken_at: None,
            sync_paths: Vec::new(),
            open_intents: Vec::new(),
            open_proposals: Vec::new(),
            requests: Vec::new(),
            barred: Vec::new(),
            proven: Vec::new(),
            dashboard_url: "https://heddle.example/".parse().unwrap(),
        }
    }

    pub async fn update(&self, work: UpdateWork) -> Heard {
        self.desk.work(Work::Update(work)).await
    }

    pub async fn read(&self, known: Vec<BranchHead>, open: Vec<OpenProposal>) -> Heard {
        let work = ReadWork { known_heads: known, open_proposals: open, ..self.read_work().await };
        self.desk.work(Work::Read(work)).await
    }

    /// A read that looks for these commits.
    pub async fn look_for(&self, wanted: &[&str]) -> Heard {
        let wanted_commits = wanted.iter().map(|one| (*one).to_owned()).collect();
        let work = ReadWork { known_heads: vec![self.head().await], wanted_commits, ..self.read_work().await };
        self.desk.work(Work::Read(work)).await
    }

    /// A read that places a revision which an agent reported.
    pub async fn place(&self, head: &BranchHead) -> Heard {
        let unknown = UnknownRevision { branch: head.branch.clone(), revision: head.revision.clone() };
        let work = ReadWork {
            known_heads: vec![self.head().await],
            unknown_revisions: vec![unknown],
            ..self.read_work().await
        };
        self.desk.work(Work::Read(work)).await
    }

    /// A read that looks for these commits on more than one branch, none of which was read before.
    pub async fn look_on(&self, branches: &[&str], wanted: &[&str]) -> Heard {
        let follow =
            |branch: &&str| SyncPath { branch: branch.parse().unwrap(), path: "prod".into(), syncs: Vec::new() };
        let work = ReadWork {
            sync_paths: branches.iter().map(follow).collect(),
            wanted_commits: wanted.iter().map(|one| (*one).to_owned()).collect(),
            ..self.read_work().await
        };
        self.desk.work(Work::Read(work)).await
    }

    async fn read_work(&self) -> ReadWork {
        ReadWork {
            repository: self.access().await,
            known_heads: Vec::new(),
            unknown_revisions: Vec::new(),
            wanted_commits: Vec::new(),
            sync_paths: Vec::new(),
            open_proposals: Vec::new(),
        }
    }

    pub async fn scan(&self, image: &str) -> Heard {
        self.scan_for(image, Vec::new(), None).await
    }

    /// A scan that describes what these choices need and `known` lacks.
    pub async fn scan_for(&self, image: &str, choices: Vec<TagChoice>, known: Option<TagList>) -> Heard {
        self.desk.work(Self::scan_work(image, choices, known)).await
    }

    pub fn scan_work(image: &str, choices: Vec<TagChoice>, known: Option<TagList>) -> Work {
        let image = image.parse().unwrap();
        let refresh = Vec::new();
        Work::Scan(ScanWork { image, login: None, etag: None, choices, known, refresh, asked: 1, at_once: None })
    }

    /// What an overlay holds on `main`.
    pub async fn text(&self, environment: &str) -> String {
        let path = format!("{environment}/kustomization.yaml");
        self.github.read_file(REPOSITORY, "main", &path).await.unwrap().unwrap()
    }

    /// What the last update left open: the proposals that were written as pull requests.
    pub fn open_proposals(heard: &Heard) -> Vec<OpenProposal> {
        let plan = heard.plan.as_ref().unwrap();
        let written = plan.proposals.iter().zip(&heard.posted).filter(|(_, posted)| posted.head_branch.is_some());
        written
            .map(|(planned, posted)| {
                let outcome = heard.outcomes.iter().find(|(id, _)| *id == posted.id).map(|(_, outcome)| outcome);
                let (number, head) = match outcome {
                    Some(IntentOutcome::Written { proposal, revision, .. }) => {
                        (number(proposal), Some(revision.clone()))
                    }
                    _ => (None, None),
                };
                let change = |(change, id): (&heddle_wire::automator::PlannedChange, _)| ProposedChange {
                    id,
                    environment: change.environment.clone(),
                    image: change.image.clone(),
                    to: change.to.clone(),
                    to_digest: change.to_digest.clone(),
                    places: change.places.clone(),
                };
                OpenProposal {
                    id: posted.proposal,
                    head_branch: posted.head_branch.clone().unwrap(),
                    base_branch: planned.base_branch.clone(),
                    number,
                    head,
                    group: planned.group.clone(),
                    request: planned.request,
                    changes: planned.changes.iter().zip(posted.changes.iter().copied()).map(change).collect(),
                }
            })
            .collect()
    }

    /// What the last update announced and never confirmed.
    pub fn open_intents(heard: &Heard) -> Vec<OpenIntent> {
        let plan = heard.plan.as_ref().unwrap();
        let all = plan.proposals.iter().zip(&heard.posted);
        all.filter(|(_, posted)| !heard.outcomes.iter().any(|(id, _)| *id == posted.id))
            .map(|(planned, posted)| OpenIntent {
                id: posted.id,
                proposal: posted.proposal,
                base: planned.base.clone(),
                base_branch: planned.base_branch.clone(),
                head_branch: posted.head_branch.clone(),
                title: planned.title.clone(),
                body: planned.body.clone(),
            })
            .collect()
    }

    /// How many commits on `main` are the bot's.
    pub async fn bot_commits(&self) -> usize {
        let log = self.github.log(REPOSITORY, "main").await.unwrap();
        log.iter().filter(|commit| commit.message.contains("Heddle-Intent:")).count()
    }
}

pub fn number(proposal: &heddle_core::change::ProposalRef) -> Option<u64> {
    match proposal {
        heddle_core::change::ProposalRef::PullRequest { number, .. } => Some(*number),
        heddle_core::change::ProposalRef::Commit { .. } => None,
    }
}

pub fn written(heard: &Heard, id: IntentId) -> bool {
    heard.outcomes.iter().any(|(known, outcome)| *known == id && matches!(outcome, IntentOutcome::Written { .. }))
}

pub fn proposal_of(heard: &Heard) -> ProposalId {
    heard.posted.iter().find(|posted| posted.head_branch.is_some()).unwrap().proposal
}
