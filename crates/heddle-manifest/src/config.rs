//! `.heddle.yaml`: what a person decides.
//!
//! Reading fails closed. A mistake never lets a broader rule write: a broken rule still matches what it names and yields
//! no update; when its selector cannot be read, the rules after it stop too; a hold, freeze or schedule that is broken
//! stops writes; what might be anything stops everything.

mod beside;
mod calendar;
mod change;
mod expectations;
mod fields;
mod foreign;
mod images;
mod read;
mod resources;
#[cfg(feature = "schema")]
mod schema;
mod stops;

use chrono::TimeDelta;
use heddle_core::{
    git::BranchName,
    image::{CHART_INDEX, ImageRepository, glob_in_full},
    name::EnvironmentName,
};

pub(crate) use self::beside::read_comment;
pub(crate) use self::foreign::{read_flux_policy, split_list};
#[cfg(feature = "schema")]
pub use self::schema::json_schema;
pub use self::{
    calendar::{Freeze, Hold, Window},
    change::{ChangeError, Changed, MAX_EQUAL_ENTRIES, Surroundings, change, replaced},
    expectations::{Expectation, MAX_EXPECTATIONS},
    fields::MAX_FINDINGS,
    foreign::{PolicyFile, read_policy_file},
    read::{read, too_large},
};
pub use crate::ruling::{Beside, Ruling};
use crate::{glob::Glob, occurrence::Occurrence, resource::ResourceRule};

/// The name of the file, at the repository's root.
pub const CONFIG_FILE: &str = ".heddle.yaml";

/// The largest `.heddle.yaml` that is read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 256 << 10;

/// What `.heddle.yaml` says.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The environments, in order of promotion.
    pub environments: Vec<Environment>,
    /// The rules for images; the first that matches governs.
    pub rules: Vec<Rule>,
    /// The rules for charts and other artifacts of registries, likewise.
    pub charts: Vec<Rule>,
    /// What stops writes: broken holds, freezes and schedules.
    pub stops: Vec<Stop>,
    /// Where custom resources hold images.
    pub resources: Vec<ResourceRule>,
    /// Times in which nothing is written.
    pub freezes: Vec<Freeze>,
    /// Images that stay at a tag.
    pub holds: Vec<Hold>,
    /// What somebody must look at.
    pub expectations: Vec<Expectation>,
    /// The times of the week in which changes are written; empty means always.
    pub schedule: Vec<Window>,
    /// What goes into one pull request.
    pub grouping: Grouping,
    /// How many proposals may be open at once.
    pub open_limit: Option<u32>,
    /// Labels of pull requests.
    pub labels: Vec<String>,
    /// Who is asked to review them.
    pub reviewers: Reviewers,
}

/// Who is asked to review pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// Logins.
    pub users: Vec<String>,
    /// Slugs of teams of the repository's organization.
    pub teams: Vec<String>,
}

/// What goes into one pull request. Commits take everything of their branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Everything of an environment.
    #[default]
    Environment,
    /// One image of an environment.
    Image,
    /// Everything of a branch.
    Branch,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Its path, without slashes at its ends; empty for the root.
    pub path: String,
    /// Its branch; the default branch where none is written.
    pub branch: Option<BranchName>,
    /// The environment that goes before it.
    pub promote: Option<Promotion>,
}

/// From where an environment takes its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Its line in the file.
    pub line: u32,
    /// The environment that goes before.
    pub from: EnvironmentName,
    /// How long a tag must have been healthy there.
    pub after: TimeDelta,
}

/// A rule for images.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it names; `None` when that cannot be read, so that it and all after it stop.
    pub selector: Option<Selector>,
    /// What it says of that.
    pub ruling: Ruling,
}

/// What a rule names. All parts must hold.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Image repositories.
    pub name: RepositoryGlob,
    /// Environments; empty means all.
    pub environments: Vec<EnvironmentName>,
    /// Paths of files; empty means all.
    pub paths: Vec<Glob>,
    /// Containers; empty means all.
    pub containers: Vec<String>,
}

/// A glob over image repositories in full; `nginx` names `docker.io/library/nginx`, `*` alone names all.
#[derive(Debug, Clone)]
pub enum RepositoryGlob {
    /// Every repository.
    All,
    /// Those that match.
    Matching(Glob),
    /// Charts that match, by their repository with their name behind it: the file that lists them is no part of that.
    Charts(Glob),
}

/// A scope in which nothing is written, and why.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Its line in the file.
    pub line: u32,
    /// Environments; empty means all.
    pub environments: Vec<EnvironmentName>,
    /// Image repositories.
    pub images: RepositoryGlob,
    /// A sentence that says why.
    pub reason: String,
}

/// An image at a place, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The effective repository.
    pub image: &'a ImageRepository,
    /// It is a chart or another artifact, and no image.
    pub is_chart: bool,
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The file.
    pub file: &'a str,
    /// The container; `None` at a place that belongs to none.
    pub container: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// An image where it was found, in one of its environments.
    pub fn of(occurrence: &'a Occurrence, environment: &'a EnvironmentName) -> Self {
        Self {
            image: &occurrence.image.repository,
            is_chart: occurrence.is_chart,
            environment,
            file: &occurrence.place.file,
            container: occurrence.container.as_deref(),
        }
    }
}

impl Config {
    /// The rule that governs an image or a chart at a place: the first that matches, or one that stopped the rules after it.
    /// Rules for images say nothing of charts, nor these of images.
    pub fn rule_for(&self, subject: Subject<'_>) -> Option<&Ruling> {
        let matches = |rule: &&Rule| rule.selector.as_ref().is_none_or(|selector| selector.matches(subject));
        let rules = if subject.is_chart { &self.charts } else { &self.rules };
        rules.iter().find(matches).map(|rule| &rule.ruling)
    }

    /// What is said of an image at a place in one of its environments. A comment of ours beside it is the nearest word;
    /// then come the rules of this file; what a peer's words say counts where there is neither.
    pub fn ruling<'a>(&'a self, occurrence: &'a Occurrence, environment: &EnvironmentName) -> Option<&'a Ruling> {
        let peer = || {
            let beside = occurrence.beside.as_ref()?;
            // A configuration that cannot be read may have a rule for it.
            let may_count = self.stop_for(&occurrence.image.repository, environment).is_none();
            may_count.then(|| beside.ruling())
        };
        match &occurrence.beside {
            Some(Beside::Comment(ruling)) => Some(ruling),
            _ => self.rule_for(Subject::of(occurrence, environment)).or_else(peer),
        }
    }

    /// From where an environment takes its tags; `None` where it takes them as they come.
    pub fn promotion_of(&self, environment: &EnvironmentName) -> Option<&Promotion> {
        self.environments.iter().find(|one| one.name == *environment)?.promote.as_ref()
    }

    /// What stops writes of an image in an environment.
    pub fn stop_for(&self, image: &ImageRepository, environment: &EnvironmentName) -> Option<&Stop> {
        self.stops.iter().find(|stop| {
            (stop.environments.is_empty() || stop.environments.contains(environment)) && stop.images.matches(image)
        })
    }
}

impl Selector {
    /// Whether the selector names the image at its place. A place without a container is named by every container list,
    /// because what stands in `images:` of a kustomization reaches each container.
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        self.name.matches(subject.image)
            && (self.environments.is_empty() || self.environments.contains(subject.environment))
            && (self.paths.is_empty() || self.paths.iter().any(|glob| glob.matches(subject.file)))
            && (self.containers.is_empty()
                || subject.container.is_none_or(|name| self.containers.iter().any(|container| container == name)))
    }
}

impl RepositoryGlob {
    /// Reads the glob; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" || text == "**" {
            return Some(Self::All);
        }
        let full = glob_in_full(text);
        if text.bytes().any(|b| b.is_ascii_uppercase() || b == b'@') {
            return None;
        }
        // A tag in the name would match nothing, in silence.
        let tagged = full.rsplit('/').next().is_some_and(|last| last.contains(':'));
        if tagged { None } else { Glob::parse(&full).map(Self::Matching) }
    }

    /// Reads the name of a rule for charts, in which a name without a slash is a chart's in any registry; `None` when it is
    /// none.
    pub fn parse_chart(text: &str) -> Option<Self> {
        let plain = text.strip_prefix("oci://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
        // As charts of Docker Hub are known here, whatever clients of OCI call it.
        let hub = plain.strip_prefix("registry-1.docker.io/").map(|path| format!("docker.io/{path}"));
        let plain = hub.as_deref().unwrap_or(plain);
        if plain == "*" || plain == "**" {
            return Some(Self::All);
        }
        let is_other = |b: u8| b.is_ascii_uppercase() || b == b'@';
        let tagged = plain.rsplit('/').next().is_some_and(|last| last.contains(':'));
        if tagged || plain.bytes().any(is_other) {
            return None;
        }
        let full = if plain.contains('/') { plain.to_owned() } else { format!("**/{plain}") };
        Glob::parse(&full).map(Self::Charts)
    }

    /// Whether the repository matches.
    pub fn matches(&self, image: &ImageRepository) -> bool {
        match self {
            Self::All => true,
            Self::Matching(glob) => glob.matches(image.as_str()),
            Self::Charts(glob) => match image.chart_index() {
                None => glob.matches(image.as_str()),
                Some((file, chart)) => {
                    let path = file.strip_suffix(CHART_INDEX).unwrap_or(file);
                    glob.matches(&format!("{}/{path}{chart}", image.registry()))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
