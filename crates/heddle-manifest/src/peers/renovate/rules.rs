//! Which images a rule of Renovate is for, and which of its managers reads a file.

use heddle_core::policy::limit::{MAX_COMPILED_BYTES, MAX_EXPRESSION_BYTES};
use regex::{Regex, RegexBuilder};

use super::{Brought, Origin, origin};
use crate::{glob::Glob, occurrence::Occurrence, yaml::Node};

/// The managers that know images or charts in manifests, and the files that each reads without being told.
const MANAGERS: [(&str, &str); 7] = [
    ("kustomize", r"(^|/)kustomization\.ya?ml$"),
    (OF_CHARTS_ALONE, r"(^|/)Chart\.ya?ml$"),
    ("helm-values", r"(^|/)values\.ya?ml$"),
    ("flux", r"(^|/)gotk-components\.ya?ml$"),
    ("kubernetes", ""),
    ("argocd", ""),
    ("tekton", ""),
];

/// The manager of dependencies of charts.
const OF_CHARTS_ALONE: &str = "helmv3";

/// The managers that know versions of charts.
const OF_CHARTS: [&str; 4] = ["kustomize", "flux", "argocd", OF_CHARTS_ALONE];

/// The keys by which a rule says what it is for.
const MATCHERS: [&str; 13] = [
    "matchDatasources",
    "matchPackageNames",
    "matchDepNames",
    "matchPackagePatterns",
    "matchDepPatterns",
    "matchPackagePrefixes",
    "matchDepPrefixes",
    "excludePackageNames",
    "excludePackagePatterns",
    "excludePackagePrefixes",
    "matchManagers",
    "matchFileNames",
    "matchPaths",
];

/// The managers of a configuration.
pub(super) struct Managers {
    /// Each with the patterns of its files.
    all: Vec<(&'static str, Vec<Pattern>)>,
    ignored: Vec<Pattern>,
    included: Vec<Pattern>,
}

impl Managers {
    pub fn read(files: &[(String, Node)]) -> Self {
        let mut managers = Self { all: Vec::new(), ignored: Vec::new(), included: Vec::new() };
        let enabled: Vec<String> = files.iter().flat_map(|(_, root)| texts(root, "enabledManagers")).collect();
        for (name, default) in MANAGERS {
            let default = Some(default).filter(|text| !text.is_empty()).and_then(|text| compile(text, ""));
            let mut patterns: Vec<Pattern> = default.map(Pattern::Expression).into_iter().collect();
            let mut is_on = enabled.is_empty() || enabled.iter().any(|one| one == name);
            for own in files.iter().filter_map(|(_, root)| root.get(name)) {
                patterns.extend(
                    texts(own, "fileMatch").iter().filter_map(|text| compile(text, "")).map(Pattern::Expression),
                );
                patterns.extend(texts(own, "managerFilePatterns").iter().filter_map(|text| Pattern::read(text)));
                is_on &= own.get("enabled").and_then(Node::text) != Some("false");
            }
            if is_on {
                managers.all.push((name, patterns));
            }
        }
        for (_, root) in files {
            managers.ignored.extend(texts(root, "ignorePaths").iter().filter_map(|text| Pattern::read(text)));
            managers.included.extend(texts(root, "includePaths").iter().filter_map(|text| Pattern::read(text)));
        }
        managers
    }

    /// The manager that reads an image, or the version of a chart, in its file.
    pub fn of(&self, occurrence: &Occurrence) -> Option<&'static str> {
        let file = occurrence.place.file.as_str();
        let is_left = self.ignored.iter().any(|pattern| pattern.is_match(file))
            || (!self.included.is_empty() && !self.included.iter().any(|pattern| pattern.is_match(file)));
        let knows = |name: &str| match occurrence.is_chart {
            true => OF_CHARTS.contains(&name),
            false => name != OF_CHARTS_ALONE,
        };
        let mut all = self.all.iter().filter(|(name, _)| !is_left && knows(name));
        all.find(|(_, patterns)| patterns.iter().any(|pattern| pattern.is_match(file))).map(|(name, _)| *name)
    }
}

/// A text that is matched: a glob, an expression between slashes, or the text itself.
#[derive(Debug)]
pub(super) enum Pattern {
    Expression(Regex),
    Glob(Glob),
    Text(String),
    /// As rules match: in any case, a text as a whole. Both are in small letters.
    AnyCaseGlob(Glob),
    Whole(String),
}

impl Pattern {
    /// Reads one; `None` where it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('/') {
            let (expression, flags) = inner.rsplit_once('/')?;
            let flags = if flags.contains('i') { "(?i)" } else { "" };
            return compile(expression, flags).map(Self::Expression);
        }
        if text.contains(['*', '?']) { Glob::parse(text).map(Self::Glob) } else { Some(Self::Text(text.to_owned())) }
    }

    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Expression(expression) => expression.is_match(text),
            // A lone star is everything to Renovate.
            Self::Glob(glob) => glob.as_str() == "*" || glob.matches(text),
            Self::AnyCaseGlob(glob) => glob.as_str() == "*" || glob.matches(&text.to_lowercase()),
            Self::Whole(own) => *own == text.to_lowercase(),
            Self::Text(own) => {
                own == text
                    || text.strip_prefix(own.as_str()).is_some_and(|rest| own.ends_with('/') || rest.starts_with('/'))
            }
        }
    }
}

/// How the texts of a rule are read.
impl Pattern {
    /// Reads one as rules match it; `None` where it cannot be read.
    fn of_rule(text: &str) -> Option<Self> {
        match text {
            _ if text.starts_with('/') => Self::read(text),
            // Choices and classes of globs.
            _ if text.contains(['{', '[', '(']) => None,
            _ if text.contains(['*', '?']) => Glob::parse(&text.to_lowercase()).map(Self::AnyCaseGlob),
            _ => Some(Self::Whole(text.to_lowercase())),
        }
    }

    /// What begins with a text.
    fn beginning(text: &str) -> Option<Self> {
        compile(&format!("^{}", regex::escape(text)), "").map(Self::Expression)
    }

    /// An expression as it is written; a star alone is everything.
    fn expression(text: &str) -> Option<Self> {
        compile(if text == "*" { "" } else { text }, "").map(Self::Expression)
    }
}

/// Compiles a foreign expression; `None` where it is too long, too large or not understood.
pub(super) fn compile(expression: &str, flags: &str) -> Option<Regex> {
    if expression.len() > MAX_EXPRESSION_BYTES {
        return None;
    }
    RegexBuilder::new(&format!("{flags}{expression}")).size_limit(MAX_COMPILED_BYTES).build().ok()
}

/// An image, or a chart, as Renovate sees it.
pub(super) struct Subject {
    /// The ways that the name is written.
    names: Vec<String>,
    file: String,
    pub manager: &'static str,
    /// Where Renovate looks for its versions: a registry, or a repository of charts.
    datasource: &'static str,
}

impl Subject {
    pub fn of(occurrence: &Occurrence, manager: &'static str) -> Self {
        let full = occurrence.image.repository.to_string();
        let written = crate::written::split_build(&occurrence.written).0.to_owned();
        let mut names = vec![written, full.clone()];
        for prefix in ["docker.io/", "docker.io/library/"] {
            names.extend(full.strip_prefix(prefix).map(str::to_owned));
        }
        let of_index = occurrence.image.repository.chart_index();
        // Of a repository of charts, a chart is known by its own name alone; of a registry, by either.
        if of_index.is_some() {
            names.clear();
        }
        if occurrence.is_chart {
            names.extend(full.rsplit('/').next().map(str::to_owned));
        }
        names.dedup();
        let datasource = if of_index.is_some() { "helm" } else { "docker" };
        Self { names, file: occurrence.place.file.clone(), manager, datasource }
    }

    /// The blocks of a configuration that are for it.
    pub fn levels(&self) -> impl Iterator<Item = &'static str> {
        [Some("docker").filter(|_| self.datasource == "docker"), Some(self.manager)].into_iter().flatten()
    }

    pub fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// What a rule wants of a text, and what it does not.
#[derive(Default)]
struct Wanted {
    wanted: Vec<Pattern>,
    left: Vec<Pattern>,
    /// Whether something is wanted that cannot be read, so that it may be anything.
    is_open: bool,
}

impl Wanted {
    /// Adds texts that are wanted, or with `!` in front are not.
    fn list(&mut self, list: &[String], unread: &mut Vec<String>) {
        for text in list {
            match (text.strip_prefix('!'), Pattern::of_rule(text.strip_prefix('!').unwrap_or(text))) {
                (None, Some(pattern)) => self.wanted.push(pattern),
                (Some(_), Some(pattern)) => self.left.push(pattern),
                (negated, None) => {
                    self.is_open |= negated.is_none();
                    unread.push(text.clone());
                }
            }
        }
    }

    /// Adds texts that are wanted, each an expression or another pattern of one kind.
    fn wants(&mut self, list: &[String], read: fn(&str) -> Option<Pattern>, unread: &mut Vec<String>) {
        for text in list {
            let pattern = read(text);
            self.is_open |= pattern.is_none();
            unread.extend(pattern.is_none().then(|| text.clone()));
            self.wanted.extend(pattern);
        }
    }

    /// Adds texts that are not wanted.
    fn leaves(&mut self, list: &[String], read: fn(&str) -> Option<Pattern>, unread: &mut Vec<String>) {
        for text in list {
            let pattern = read(text);
            unread.extend(pattern.is_none().then(|| text.clone()));
            self.left.extend(pattern);
        }
    }

    /// Whether one of the ways to write a text is wanted, and none is what is not. Where nothing is named that is wanted,
    /// all else is.
    fn takes(&self, texts: &[String]) -> bool {
        let hits = |patterns: &[Pattern]| patterns.iter().any(|one| texts.iter().any(|text| one.is_match(text)));
        (self.is_open || self.wanted.is_empty() || hits(&self.wanted)) && !hits(&self.left)
    }
}

/// A rule of `packageRules`.
pub(super) struct Rule<'r> {
    pub node: &'r Node,
    pub origin: Origin,
    /// What of what it is for is not followed: a key, or a text that cannot be read.
    unknown: Option<String>,
    /// The texts that cannot be read.
    unread: Vec<String>,
    managers: Wanted,
    datasources: Wanted,
    /// `matchFileNames` and `matchPaths`, which are folders too.
    files: [Wanted; 2],
    names: Wanted,
}

impl<'r> Rule<'r> {
    pub fn read_all(file: &str, root: &'r Node) -> Vec<Self> {
        let rules = root.get("packageRules").map(Node::items).unwrap_or_default();
        rules.iter().map(|node| Self::read(node, origin(file, node.position.line))).collect()
    }

    fn read(node: &'r Node, origin: Origin) -> Self {
        let mut unread = Vec::new();
        let mut list = |key: &str| {
            let mut wanted = Wanted::default();
            wanted.list(&texts(node, key), &mut unread);
            wanted
        };
        let (managers, datasources) = (list("matchManagers"), list("matchDatasources"));
        let files = list("matchFileNames");
        let mut paths = Wanted::default();
        paths.wants(&texts(node, "matchPaths"), Pattern::read, &mut unread);
        let names = names(node, &mut unread);
        let mut keys = node.entries().iter().filter_map(|(key, _)| key.text());
        let is_unknown = |key: &&str| {
            (key.starts_with("match") || key.starts_with("exclude"))
                && !MATCHERS.contains(key)
                && *key != "matchUpdateTypes"
        };
        let unknown = keys.find(is_unknown).or(unread.first().map(String::as_str)).map(str::to_owned);
        Self { node, origin, unknown, unread, managers, datasources, files: [files, paths], names }
    }

    /// Whether it may be for images or charts at all.
    pub fn is_for_any(&self) -> bool {
        let takes_manager = |name: &str| self.managers.takes(&[name.to_owned()]);
        let takes_source = |name: &str| self.datasources.takes(&[name.to_owned()]);
        (takes_source("docker") || takes_source("helm")) && MANAGERS.iter().any(|(name, _)| takes_manager(name))
    }

    /// What keeps it from being followed in full.
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Whether it is for an image or a chart, as far as its keys are followed. A list of which something cannot be read may be for any.
    pub fn matches(&self, subject: &Subject) -> bool {
        let file = std::slice::from_ref(&subject.file);
        self.datasources.takes(&[subject.datasource.to_owned()])
            && self.managers.takes(&[subject.manager.to_owned()])
            && self.files.iter().all(|files| files.takes(file))
            && self.names.takes(&subject.names)
    }

    /// Says what of it is not followed.
    pub fn tell(&self, brought: &mut Brought) {
        if !self.is_for_any() {
            return;
        }
        for text in &self.unread {
            let message = format!(
                "`{text}` is no expression that is understood here, or too large; where the rule holds something back, no rule is written for what it may mean"
            );
            brought.differs(&self.origin, message);
        }
        if let Some(key) = self.unknown.as_ref().filter(|key| !self.unread.contains(key)) {
            brought.differs(&self.origin, format!("`{key}` is not followed; where the rule holds something back, no rule is written for what it may mean"));
        }
        super::settings::tell(self, brought);
    }
}

/// What a rule says of names.
fn names(node: &Node, unread: &mut Vec<String>) -> Wanted {
    let list = |keys: &[&str]| -> Vec<String> { keys.iter().flat_map(|key| texts(node, key)).collect() };
    let mut names = Wanted::default();
    names.list(&list(&["matchPackageNames", "matchDepNames"]), unread);
    names.wants(&list(&["matchPackagePatterns", "matchDepPatterns"]), Pattern::expression, unread);
    names.wants(&list(&["matchPackagePrefixes", "matchDepPrefixes"]), Pattern::beginning, unread);
    names.leaves(&list(&["excludePackageNames"]), |text| Some(Pattern::Whole(text.to_lowercase())), unread);
    names.leaves(&list(&["excludePackagePatterns"]), Pattern::expression, unread);
    names.leaves(&list(&["excludePackagePrefixes"]), Pattern::beginning, unread);
    names
}

/// The texts under a key: one, or a list of them.
pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    match node.get(key) {
        None => Vec::new(),
        Some(value) => match value.text() {
            Some(text) => vec![text.to_owned()],
            None => value.items().iter().filter_map(Node::text).map(str::to_owned).collect(),
        },
    }
}
