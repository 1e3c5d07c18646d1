//! Reads a config repository: its rules, and what stands on each branch that an environment follows.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{
    git::{BranchName, Revision},
    image::ImageRef,
};
use heddle_manifest::{
    Config, Files, ResourceRule,
    config::{self, Beside, CONFIG_FILE, Ruling},
    find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment, environments_on},
    intake::{Intake, TooMuch},
    peers::Difference,
    yaml::Position,
};
use heddle_source::{Credential, FetchError, FileEntry, FileMode, Kind, ReadError, Remote, Snapshot, TreePath};
use heddle_wire::automator::{
    Asked, EnvironmentReport, Finding, PromotionReport, RepositoryAccess, SyncPath, fingerprint,
};

use crate::{
    context::Context,
    error::WorkError,
    keys::Keys,
    plan::{Branch, RulesFile},
};

/// A repository as it stands.
pub(crate) struct Checkout {
    /// The rules of the default branch.
    pub config: Config,
    /// The file that holds them.
    pub rules_file: RulesFile,
    /// The branches that environments follow.
    pub branches: Vec<Branch>,
    /// The environments, in order of promotion, implicit ones last.
    pub environments: Vec<EnvironmentReport>,
    /// What is wrong in the configuration and the manifests.
    pub findings: Vec<Finding>,
}

impl Checkout {
    /// Fetches and reads.
    ///
    /// # Errors
    /// When the default branch cannot be fetched, or another one that is there.
    pub async fn read(
        context: &Context,
        access: &RepositoryAccess,
        sync_paths: &[SyncPath],
    ) -> Result<Self, WorkError> {
        let default = fetch(context, access, &access.default_branch).await?;
        let (config, problems, rules_file) = read_config(&default).await?;
        let mut findings: Vec<Finding> =
            problems.into_iter().map(|finding| on_branch(&access.default_branch, finding)).collect();
        let mut checkout =
            Self { config, rules_file, branches: Vec::new(), environments: Vec::new(), findings: Vec::new() };
        let (mut declared, mut implicit) = (Vec::new(), Vec::new());
        for name in checkout.branch_names(access, sync_paths) {
            let snapshot = if name == access.default_branch {
                default.clone()
            } else {
                match fetch(context, access, &name).await {
                    Ok(snapshot) => snapshot,
                    Err(WorkError::Fetch(FetchError::BranchMissing { .. })) => {
                        findings.push(missing_branch(access, &name));
                        continue;
                    }
                    Err(other) => return Err(other),
                }
            };
            let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for sync in sync_paths.iter().filter(|sync| sync.branch == name) {
                paths.entry(sync.path.clone()).or_default().extend(sync.syncs.iter().cloned());
            }
            let environments = environments_on(&checkout.config, &name, &access.default_branch, &paths);
            for environment in &environments {
                let list = if environment.origin == EnvironmentOrigin::Synced { &mut implicit } else { &mut declared };
                list.push(report(&checkout.config, environment, &name));
            }
            let is_default = name == access.default_branch;
            let (resources, by_peers) = (checkout.config.resources.clone(), checkout.config.rules.is_empty());
            let mut branch = read_branch(snapshot, name, environments, is_default, resources, by_peers).await?;
            branch.found.leave_out_idle_charts(&checkout.config);
            findings.extend(branch.found.findings.iter().map(|finding| on_branch(&branch.name, finding.clone())));
            checkout.branches.push(branch);
        }
        findings.extend(checkout.read_keys(default, &access.default_branch).await?);
        let order = |environment: &EnvironmentReport| {
            checkout.config.environments.iter().position(|known| known.name == environment.name)
        };
        declared.sort_by_key(order);
        checkout.environments = declared;
        checkout.environments.append(&mut implicit);
        checkout.findings = findings;
        Ok(checkout)
    }

    /// Puts the keys of the default branch into the rules; gives what is wrong with them.
    async fn read_keys(&mut self, default: Snapshot, default_name: &BranchName) -> Result<Vec<Finding>, WorkError> {
        let occurrences = self.branches.iter().flat_map(|branch| &branch.found.occurrences);
        let of_places = occurrences.filter_map(|one| one.beside.as_ref().map(Beside::ruling));
        let of_config = self.config.rules.iter().map(|rule| &rule.ruling);
        let paths: BTreeSet<String> = of_config.chain(of_places).flat_map(Keys::named).map(str::to_owned).collect();
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let keys = blocking(move || Keys::read(&default, paths)).await?;
        let mut findings = BTreeSet::new();
        let mut complete = |branch: &BranchName, ruling: &mut Ruling| {
            let wrong = keys.complete(ruling);
            findings.extend(wrong.into_iter().map(|wrong| (branch.clone(), ruling.file.clone(), ruling.line, wrong)));
        };
        for rule in &mut self.config.rules {
            complete(default_name, &mut rule.ruling);
        }
        for branch in &mut self.branches {
            for beside in branch.found.occurrences.iter_mut().filter_map(|one| one.beside.as_mut()) {
                complete(&branch.name, beside.ruling_mut());
            }
        }
        let finding = |(branch, file, line, message): (BranchName, String, u32, String)| {
            let position = Position { line, column: 1 };
            on_branch(
                &branch,
                heddle_manifest::Finding { position, ..plain_finding(&file, "unreadable-key", &message) },
            )
        };
        Ok(findings.into_iter().map(finding).collect())
    }

    /// The fingerprint of what the rules here are to choose, as the API makes it of what a read reports.
    pub fn fingerprint(&self) -> String {
        let mut asked = Vec::new();
        for occurrence in self.branches.iter().flat_map(|branch| &branch.found.occurrences) {
            for environment in &occurrence.environments {
                let ruling = self.config.ruling(occurrence, environment);
                let Some(policy) = ruling.and_then(|ruling| ruling.policy.as_ref()) else { continue };
                let ImageRef { repository: image, tag, digest } = &occurrence.image;
                asked.push(Asked { environment, image, policy, tag: tag.as_ref(), digest: digest.as_ref() });
            }
        }
        let promotions = self.environments.iter();
        fingerprint(
            asked,
            promotions.filter_map(|environment| Some((&environment.name, environment.promotion.as_ref()?))),
        )
    }

    /// The default branch first, then the others that environments or Syncs name.
    fn branch_names(&self, access: &RepositoryAccess, sync_paths: &[SyncPath]) -> Vec<BranchName> {
        let mut others: BTreeSet<BranchName> =
            self.config.environments.iter().filter_map(|environment| environment.branch.clone()).collect();
        others.extend(sync_paths.iter().map(|sync| sync.branch.clone()));
        others.remove(&access.default_branch);
        std::iter::once(access.default_branch.clone()).chain(others).collect()
    }
}

/// The rules alone.
///
/// # Errors
/// When the default branch cannot be fetched.
pub(crate) async fn read_rules(context: &Context, access: &RepositoryAccess) -> Result<Config, WorkError> {
    Ok(read_config(&fetch(context, access, &access.default_branch).await?).await?.0)
}

async fn fetch(context: &Context, access: &RepositoryAccess, branch: &BranchName) -> Result<Snapshot, WorkError> {
    let remote = Remote {
        url: access.clone_url.clone(),
        credential: Some(Credential { username: "x-access-token".into(), password: access.token.0.clone() }),
        ca_pem: context.ca_pem.clone(),
    };
    Ok(context.store.fetch(&remote, branch).await?)
}

/// The rules, what is wrong in them, and the file itself.
async fn read_config(snapshot: &Snapshot) -> Result<(Config, Vec<heddle_manifest::Finding>, RulesFile), WorkError> {
    let snapshot = snapshot.clone();
    blocking(move || {
        let path = TreePath::parse(CONFIG_FILE).expect("the constant is a name");
        match snapshot.find(&path)? {
            None => Ok((Config::default(), Vec::new(), RulesFile::Missing)),
            Some(Kind::File(mode)) if is_plain(mode) => {
                let bytes = snapshot.read(&path)?;
                // Bytes that are no UTF-8 become marks that no key and no value can have, so they become findings.
                let (config, problems) = config::read(&String::from_utf8_lossy(&bytes));
                let rules_file = String::from_utf8(bytes).map_or(RulesFile::Unreadable, RulesFile::Text);
                Ok((config, problems, rules_file))
            }
            Some(_) => Ok((Config::default(), Vec::new(), RulesFile::Unreadable)),
        }
    })
    .await
}

async fn read_branch(
    snapshot: Snapshot,
    name: BranchName,
    environments: Vec<FoundEnvironment>,
    is_default: bool,
    resources: Vec<ResourceRule>,
    governed_by_peers: bool,
) -> Result<Branch, WorkError> {
    blocking(move || {
        let mut reading = Reading { files: Files::with_resources(resources), ..Reading::default() };
        for file in snapshot.files()? {
            if file.path.as_str() == CONFIG_FILE {
                if file.mode == FileMode::Executable {
                    reading.executable.insert(CONFIG_FILE.to_owned());
                }
                if !is_default {
                    let message = "only the default branch's `.heddle.yaml` counts";
                    reading.problems.push(plain_finding(&file.path, "other-branch", message));
                }
            } else if is_plain(file.mode) && Files::wants(&file.path) {
                // A symbolic link is not followed: whoever refers to one gets a finding.
                reading.take(&snapshot, file)?;
            }
        }
        let Reading { files, executable, problems, .. } = reading;
        let mut found = find(&FindInput { files: &files, environments: &environments });
        found.findings.extend(problems);
        if governed_by_peers {
            found.findings.extend(std::mem::take(&mut found.unfollowed).into_iter().map(unfollowed));
        }
        let head: Revision = snapshot.revision.clone();
        Ok(Branch { name, head, files, executable, found })
    })
    .await
}

/// The files of a branch that matter here, and what is wrong with the others.
#[derive(Default)]
struct Reading {
    files: Files,
    executable: BTreeSet<String>,
    problems: Vec<heddle_manifest::Finding>,
    intake: Intake,
    /// The whole branch is too much; said at the first file that is left out for it.
    is_full: bool,
}

impl Reading {
    fn take(&mut self, snapshot: &Snapshot, file: FileEntry) -> Result<(), ReadError> {
        if let Err(too_much) = self.intake.admit(snapshot.size_bytes(&file)?) {
            if too_much == TooMuch::File || !self.is_full {
                self.problems.push(plain_finding(&file.path, "too-large", &too_much.to_string()));
            }
            self.is_full |= too_much != TooMuch::File;
            return Ok(());
        }
        match String::from_utf8(snapshot.read_entry(&file)?) {
            Ok(text) => {
                if file.mode == FileMode::Executable {
                    self.executable.insert(file.path.to_string());
                }
                self.files.insert(file.path.into(), text);
            }
            Err(_) => self.problems.push(plain_finding(&file.path, "broken-yaml", "the file is no UTF-8")),
        }
        Ok(())
    }
}

fn is_plain(mode: FileMode) -> bool {
    matches!(mode, FileMode::Regular | FileMode::Executable)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, WorkError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| WorkError::Other(format!("reading the repository failed: {error}")))??)
}

fn report(config: &Config, environment: &FoundEnvironment, branch: &BranchName) -> EnvironmentReport {
    EnvironmentReport {
        name: environment.name.clone(),
        path: environment.path.clone(),
        branch: branch.clone(),
        implicit: environment.origin == EnvironmentOrigin::Synced,
        promotion: config.promotion_of(&environment.name).map(|promotion| PromotionReport {
            from: promotion.from.clone(),
            after_secs: promotion.after.num_seconds(),
        }),
    }
}

fn plain_finding(file: &str, code: &'static str, message: &str) -> heddle_manifest::Finding {
    heddle_manifest::Finding {
        file: file.to_owned(),
        position: Position { line: 1, column: 1 },
        code,
        message: message.to_owned(),
        blocks: code != "other-branch",
    }
}

/// What a peer's words ask for and cannot have. Where `.heddle.yaml` has rules, people have decided.
fn unfollowed(fault: Difference) -> heddle_manifest::Finding {
    heddle_manifest::Finding {
        position: Position { line: fault.line, column: 1 },
        ..plain_finding(&fault.file, "not-followed", &fault.message)
    }
}

fn missing_branch(access: &RepositoryAccess, branch: &BranchName) -> Finding {
    let finding = plain_finding(CONFIG_FILE, "missing-branch", &format!("the repository has no branch `{branch}`"));
    on_branch(&access.default_branch, finding)
}

/// A finding with the branch it is on.
pub(crate) fn on_branch(branch: &BranchName, finding: heddle_manifest::Finding) -> Finding {
    Finding {
        branch: branch.clone(),
        file: finding.file,
        line: finding.position.line,
        column: finding.position.column,
        code: finding.code.to_owned(),
        message: finding.message,
        blocks: finding.blocks,
    }
}

/// The heads by branch, for comparisons.
pub(crate) fn heads(known: &[heddle_wire::automator::BranchHead]) -> BTreeMap<&BranchName, &Revision> {
    known.iter().map(|head| (&head.branch, &head.revision)).collect()
}
