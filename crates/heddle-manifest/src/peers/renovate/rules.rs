//! Which images a rule of Renovate is for, and which of its managers reads a file.

use regex::Regex;

use super::{Brought, Origin, origin};
use crate::{glob::Glob, occurrence::Occurrence, yaml::Node};

/// The managers that know images in manifests, and the files that each reads without being told.
const MANAGERS: [(&str, &str); 6] = [
    ("kustomize", r"(^|/)kustomization\.ya?ml$"),
    ("helm-values", r"(^|/)values\.ya?ml$"),
    ("flux", r"(^|/)gotk-components\.ya?ml$"),
    ("kubernetes", ""),
    ("argocd", ""),
    ("tekton", ""),
];

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
            let mut patterns: Vec<Pattern> =
                Regex::new(default).ok().filter(|_| !default.is_empty()).map(Pattern::Expression).into_iter().collect();
            let mut is_on = enabled.is_empty() || enabled.iter().any(|one| one == name);
            for own in files.iter().filter_map(|(_, root)| root.get(name)) {
                patterns.extend(
                    texts(own, "fileMatch").iter().filter_map(|text| Regex::new(text).ok()).map(Pattern::Expression),
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

    /// The manager that reads the file of an image.
    pub fn of(&self, occurrence: &Occurrence) -> Option<&'static str> {
        let file = occurrence.place.file.as_str();
        let is_left = self.ignored.iter().any(|pattern| pattern.is_match(file))
            || (!self.included.is_empty() && !self.included.iter().any(|pattern| pattern.is_match(file)));
        let mut all = self.all.iter().filter(|_| !is_left);
        all.find(|(_, patterns)| patterns.iter().any(|pattern| pattern.is_match(file))).map(|(name, _)| *name)
    }
}

/// A text that is matched: a glob, an expression between slashes, or the text itself.
#[derive(Debug)]
pub(super) enum Pattern {
    Expression(Regex),
    Glob(Glob),
    Text(String),
}

impl Pattern {
    /// Reads one; `None` where it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('/') {
            let (expression, flags) = inner.rsplit_once('/')?;
            let flags = if flags.contains('i') { "(?i)" } else { "" };
            return Regex::new(&format!("{flags}{expression}")).ok().map(Self::Expression);
        }
        if text.contains(['*', '?']) { Glob::parse(text).map(Self::Glob) } else { Some(Self::Text(text.to_owned())) }
    }

    pub fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Expression(expression) => expression.is_match(text),
            // A lone star is everything to Renovate.
            Self::Glob(glob) => glob.as_str() == "*" || glob.matches(text),
            Self::Text(own) => {
                own == text
                    || text.strip_prefix(own.as_str()).is_some_and(|rest| own.ends_with('/') || rest.starts_with('/'))
            }
        }
    }
}

/// An image as Renovate sees it.
pub(super) struct Subject {
    /// The ways that the name is written.
    names: Vec<String>,
    file: String,
    pub manager: &'static str,
}

impl Subject {
    pub fn of(occurrence: &Occurrence, manager: &'static str) -> Self {
        let full = occurrence.image.repository.to_string();
        let written = crate::written::split_build(&occurrence.written).0.to_owned();
        let mut names = vec![written, full.clone()];
        for prefix in ["docker.io/", "docker.io/library/"] {
            names.extend(full.strip_prefix(prefix).map(str::to_owned));
        }
        names.dedup();
        Self { names, file: occurrence.place.file.clone(), manager }
    }

    pub fn is_named(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// A rule of `packageRules`.
pub(super) struct Rule<'r> {
    pub node: &'r Node,
    pub origin: Origin,
    /// A key that says what it is for and is not followed.
    unknown: Option<String>,
}

impl<'r> Rule<'r> {
    pub fn read_all(file: &str, root: &'r Node) -> Vec<Self> {
        let rules = root.get("packageRules").map(Node::items).unwrap_or_default();
        let read = |node: &'r Node| {
            let mut keys = node.entries().iter().filter_map(|(key, _)| key.text());
            let is_unknown = |key: &&str| {
                (key.starts_with("match") || key.starts_with("exclude"))
                    && !MATCHERS.contains(key)
                    && *key != "matchUpdateTypes"
            };
            let unknown = keys.find(is_unknown).map(str::to_owned);
            Self { node, origin: origin(file, node.position.line), unknown }
        };
        rules.iter().map(read).collect()
    }

    /// Whether it may be for images at all.
    pub fn is_for_images(&self) -> bool {
        let datasources = texts(self.node, "matchDatasources");
        let managers = texts(self.node, "matchManagers");
        (datasources.is_empty() || datasources.iter().any(|one| one == "docker"))
            && (managers.is_empty() || managers.iter().any(|one| MANAGERS.iter().any(|(name, _)| name == one)))
    }

    /// The key that keeps it from being followed in full.
    pub fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Whether it is for an image, as far as its keys are followed.
    pub fn matches(&self, subject: &Subject) -> bool {
        let list = |key: &str| texts(self.node, key);
        let is_file = |key: &str| {
            let wanted = list(key);
            wanted.is_empty()
                || wanted.iter().filter_map(|text| Pattern::read(text)).any(|one| one.is_match(&subject.file))
        };
        let managers = list("matchManagers");
        self.is_for_images()
            && (managers.is_empty() || managers.iter().any(|one| one == subject.manager))
            && is_file("matchFileNames")
            && is_file("matchPaths")
            && self.names(subject)
    }

    fn names(&self, subject: &Subject) -> bool {
        let list = |keys: [&str; 2]| -> Vec<String> { keys.iter().flat_map(|key| texts(self.node, key)).collect() };
        let any = |test: &dyn Fn(&str) -> bool| subject.names.iter().any(|name| test(name));
        let expression =
            |text: &String| Regex::new(text).is_ok_and(|expression| any(&|name| expression.is_match(name)));
        let prefix = |text: &String| any(&|name| name.starts_with(text.as_str()));
        let fits = |text: &str| Pattern::read(text).is_some_and(|one| any(&|name| one.is_match(name)));
        let names = list(["matchPackageNames", "matchDepNames"]);
        let (negated, wanted): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.starts_with('!'));
        let patterns = list(["matchPackagePatterns", "matchDepPatterns"]);
        let prefixes = list(["matchPackagePrefixes", "matchDepPrefixes"]);
        let is_open = wanted.is_empty() && patterns.is_empty() && prefixes.is_empty();
        let is_wanted = is_open
            || wanted.iter().any(|name| fits(name))
            || patterns.iter().any(|text| text == "*" || expression(text))
            || prefixes.iter().any(prefix);
        let is_left = negated.iter().any(|name| fits(name.trim_start_matches('!')))
            || texts(self.node, "excludePackageNames").iter().any(|name| subject.is_named(name))
            || texts(self.node, "excludePackagePatterns").iter().any(expression)
            || texts(self.node, "excludePackagePrefixes").iter().any(prefix);
        is_wanted && !is_left
    }

    /// Says what of it is not followed.
    pub fn tell(&self, brought: &mut Brought) {
        let datasources = texts(self.node, "matchDatasources");
        if datasources.iter().any(|one| one == "helm") {
            brought.differs(&self.origin, "`matchDatasources: helm`: charts are not updated, only images");
        }
        if !self.is_for_images() {
            return;
        }
        if let Some(key) = &self.unknown {
            brought.differs(&self.origin, format!("`{key}` is not followed; where the rule holds something back, no rule is written for what it may mean"));
        }
        let unread = MATCHERS
            .iter()
            .flat_map(|key| texts(self.node, key))
            .filter(|text| text.starts_with('/') || text.starts_with("!/"));
        for text in unread.filter(|text| Pattern::read(text.trim_start_matches('!')).is_none()) {
            brought.differs(
                &self.origin,
                format!("`{text}` is no expression that is understood here, so it matches nothing"),
            );
        }
        super::settings::tell(self, brought);
    }
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
