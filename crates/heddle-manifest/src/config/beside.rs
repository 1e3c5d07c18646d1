//! What is said of an image right beside it.

use heddle_core::change::Mode;

use super::{Ruling, fields::Report, images::read_ruling};
use crate::{
    FoundPolicy,
    finding::Finding,
    peers::Wish,
    yaml::{Documents, Position},
};

const KEYS: &[&str] = &["policy", "mode"];

/// Who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// A comment `# heddle: {"policy": {…}}`.
    Comment(Ruling),
    /// A peer's marker, object or annotation.
    Peer(Ruling),
}

impl Beside {
    /// What it says.
    pub fn ruling(&self) -> &Ruling {
        match self {
            Self::Comment(ruling) | Self::Peer(ruling) => ruling,
        }
    }

    /// Reads the comment behind a value. One that is broken governs too, and updates nothing.
    pub(crate) fn of_comment(found: &FoundPolicy, file: &str, line: u32) -> Option<(Self, Vec<Finding>)> {
        let FoundPolicy::Comment { text } = found else { return None };
        let mut report = Report::default();
        let documents = Documents::read(text);
        let start = Position { line, column: 1 };
        if let Some(error) = &documents.error {
            let message =
                format!("the comment `# heddle:` cannot be read, so this image is not updated: {}", error.message);
            report.add(start, "broken-comment", message);
        }
        let root = documents.roots.first().filter(|_| documents.error.is_none());
        let fields = root.and_then(|root| report.fields(root, "the comment `# heddle:`", KEYS));
        let ruling = fields.map(|fields| read_ruling(fields, &mut report));
        let findings = report.into_findings();
        let is_sound = findings.iter().all(|finding| !finding.blocks);
        let at_value = |finding: Finding| Finding { file: file.to_owned(), position: start, ..finding };
        let (policy, mode) = ruling.unwrap_or((None, Mode::Observe));
        let ruling = Ruling { file: file.to_owned(), line, policy: policy.filter(|_| is_sound), mode };
        Some((Self::Comment(ruling), findings.into_iter().map(at_value).collect()))
    }

    /// What a peer wishes. Heddle is new to such a repository, so a person merges; what is only watched today stays so.
    pub(crate) fn of_peer(wish: &Wish) -> Self {
        let mode = if wish.mode == Mode::Observe { Mode::Observe } else { Mode::PullRequest };
        let (file, line) = (wish.origin.file.clone(), wish.origin.line);
        Self::Peer(Ruling { file, line, policy: Some(wish.policy.clone()), mode })
    }
}
