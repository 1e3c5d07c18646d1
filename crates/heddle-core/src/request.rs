//! What people ask to be written: who asks, why, and where it stands.
//!
//! What a person writes here ends up in commit messages, so it is made safe where a value comes to be: one line, short,
//! without control characters and without addresses. No text can become a line of its own, and so no trailer.

mod asked;
mod entry;

use serde::{Deserialize, Serialize};

pub use self::{
    asked::{
        Asked, KNOWN_REQUESTS, Promotion, PromotionStep, Release, RequestKind, Rollback, RollbackStep, Rules, Step,
    },
    entry::{FreezeEntry, HoldEntry, RuleEdit},
};

use crate::{
    change::GateKind,
    id::UserId,
    image::{Digest, Tag},
    name::EnvironmentName,
    place::Place,
};

/// Longest reason, in characters.
pub const MAX_REASON_CHARS: usize = 200;

/// Longest name of a person that stands in a commit, in characters.
pub const MAX_NAME_CHARS: usize = 60;

/// The name of somebody whose own name holds nothing that may stand in a commit.
const NAMELESS: &str = "a member";

/// Why somebody asks, on one line of at most [`MAX_REASON_CHARS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReasonError {
    /// Nothing but space.
    #[error("the reason is empty; leave it out, or say why")]
    Empty,
    /// Longer than [`MAX_REASON_CHARS`].
    #[error("the reason has {0} characters, and {MAX_REASON_CHARS} are the most; say it shorter")]
    TooLong(usize),
    /// It has a line end, another control character, or one that changes the direction of text.
    #[error("the reason has a line end or another control character; write it on one line")]
    Control,
    /// GitHub would close an issue for it: `fixes #12`.
    #[error("GitHub would close an issue for these words; say it without `close`, `fix` or `resolve` before a number")]
    Closes,
    /// CI would not run for it: `[skip ci]`.
    #[error("CI would be skipped for these words; say it without `[skip ci]`, its like and `skip-checks:`")]
    SkipsChecks,
    /// It has an e-mail address.
    #[error("the reason holds an e-mail address, which would stand in Git for good; name the person another way")]
    Address,
}

impl Reason {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = ReasonError;
    fn try_from(text: String) -> Result<Self, ReasonError> {
        let text = text.trim_matches(' ');
        let length = text.chars().count();
        if text.is_empty() {
            return Err(ReasonError::Empty);
        }
        if length > MAX_REASON_CHARS {
            return Err(ReasonError::TooLong(length));
        }
        if text.chars().any(is_odd) {
            return Err(ReasonError::Control);
        }
        if text.split(' ').any(is_address) {
            return Err(ReasonError::Address);
        }
        if closes_an_issue(text) {
            return Err(ReasonError::Closes);
        }
        if skips_checks(text) {
            return Err(ReasonError::SkipsChecks);
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::str::FromStr for Reason {
    type Err = ReasonError;
    fn from_str(text: &str) -> Result<Self, ReasonError> {
        text.to_owned().try_into()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.0
    }
}

/// Who asks, as a commit names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "SentRequester")]
pub struct Requester {
    /// Their name, without what may not stand there: see [`Requester::new`].
    pub name: String,
    /// Their account.
    pub user: UserId,
}

#[derive(Deserialize)]
struct SentRequester {
    name: String,
    user: UserId,
}

impl From<SentRequester> for Requester {
    fn from(sent: SentRequester) -> Self {
        Self::new(&sent.name, sent.user)
    }
}

impl Requester {
    /// The person with this name. Of an address only what stands before the `@` is taken; brackets and control characters
    /// are left out, and what is too long is cut. Nothing is taken of a name that would close an issue or skip checks.
    pub fn new(name: &str, user: UserId) -> Self {
        let space = |c: char| if is_odd(c) || "<>()[]{}`|#".contains(c) { ' ' } else { c };
        let plain: String = name.split('@').next().unwrap_or_default().chars().map(space).collect();
        let words: Vec<&str> = plain.split_whitespace().collect();
        let name: String = words.join(" ").chars().take(MAX_NAME_CHARS).collect();
        let name = name.trim_end();
        let is_odd = name.is_empty() || closes_an_issue(name) || skips_checks(name);
        Self { name: if is_odd { NAMELESS } else { name }.to_owned(), user }
    }
}

/// Who asks, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Requested {
    /// Who.
    pub by: Requester,
    /// Why, where they say so.
    pub reason: Option<Reason>,
}

impl Requested {
    /// The trailers of a commit that is asked for, each one line.
    pub fn trailers(&self) -> Vec<String> {
        let mut trailers = vec![format!("Requested-by: {} (heddle:{})", self.by.name, self.by.user)];
        trailers.extend(self.reason.as_ref().map(|reason| format!("Reason: {}", reason.as_str())));
        trailers
    }
}

/// Control characters, line ends of every script, and characters that nobody sees or that turn the direction of text.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// `ada@example.com`, also within brackets. An image with a digest is none: no dot follows its `@`.
fn is_address(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        let ends_in_letter = name.ends_with(|c: char| c.is_alphanumeric() || "._+-".contains(c));
        ends_in_letter && host.split_once('.').is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty())
    })
}

/// Closing keywords before an issue, of which GitHub takes any spelling:
/// <https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue>.
fn closes_an_issue(text: &str) -> bool {
    const KEYWORDS: [&str; 9] =
        ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
    let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let is_keyword = |word: &str| {
        let word = word.trim_end_matches(':').trim_start_matches(|c: char| !c.is_alphanumeric());
        KEYWORDS.contains(&word)
    };
    let names_issue = |word: &str| word.contains('#') || word.contains("gh-") || word.contains("/issues/");
    let joined = words
        .iter()
        .any(|word| word.split_once(':').is_some_and(|(first, rest)| is_keyword(first) && names_issue(rest)));
    joined || words.windows(2).any(|pair| is_keyword(&pair[0]) && names_issue(&pair[1]))
}

/// Words for which GitHub runs no workflow or check, in any spelling:
/// <https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs>.
fn skips_checks(text: &str) -> bool {
    const MARKS: [&str; 5] = ["[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"];
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let text = words.join(" ");
    // Space within the brackets is none to whoever is lenient.
    let text = text.replace("[ ", "[").replace(" ]", "]");
    MARKS.iter().any(|mark| text.contains(mark)) || text.contains("skip-checks:")
}

/// What keeps rules from writing, and a person who names it not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Override {
    /// A hold of `.heddle.yaml`.
    Hold,
    /// A freeze of `.heddle.yaml`.
    Freeze,
    /// The schedule of `.heddle.yaml`.
    Schedule,
}

impl Override {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hold, Self::Freeze, Self::Schedule];

    /// The word in rows, answers and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Freeze => "freeze",
            Self::Schedule => "schedule",
        }
    }

    /// What lets a gate of this kind be passed; `None` where nothing does.
    pub fn of(gate: GateKind) -> Option<Self> {
        match gate {
            GateKind::Hold => Some(Self::Hold),
            GateKind::Freeze => Some(Self::Freeze),
            GateKind::Schedule => Some(Self::Schedule),
            GateKind::Age
            | GateKind::Signature
            | GateKind::Promotion
            | GateKind::Limit
            | GateKind::Observe
            | GateKind::Branch
            | GateKind::Refused
            | GateKind::Broken => None,
        }
    }
}

impl std::str::FromStr for Override {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|one| one.word() == text);
        known.ok_or_else(|| format!("`{text}` is nothing to go against; write `hold`, `freeze` or `schedule`"))
    }
}

/// A place as it was shown to the person who asked: a request is good for what stood there, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShownPlace {
    /// Where.
    pub place: Place,
    /// The tag that stood there.
    pub tag: Option<Tag>,
    /// The digest that stood there.
    pub digest: Option<Digest>,
    /// The environments whose closure held it.
    pub environments: Vec<EnvironmentName>,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// No update has looked at it, or what one announced was not written.
    Waiting,
    /// An automator announced it and is about to write.
    Writing,
    /// A pull request brings it, which somebody has to merge.
    Proposed,
    /// The branch carries it. From here on its changes tell where it is.
    Merged,
    /// Its pull request was closed unmerged.
    Declined,
    /// It was not written, because that could not be done as it was shown.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
}

impl RequestState {
    /// Whether nothing follows.
    pub const fn has_ended(self) -> bool {
        match self {
            Self::Waiting | Self::Writing | Self::Proposed => false,
            Self::Merged | Self::Declined | Self::Refused | Self::Withdrawn => true,
        }
    }

    /// The word in rows and answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Writing => "writing",
            Self::Proposed => "proposed",
            Self::Merged => "merged",
            Self::Declined => "declined",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a stored word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Writing, Self::Proposed, Self::Merged, Self::Declined, Self::Refused];
        all.into_iter().chain([Self::Withdrawn]).find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests;
