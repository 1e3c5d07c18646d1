//! The range language that Flux, Argo CD Image Updater and Kargo share.
//!
//! It is the dialect of Masterminds/semver 3 (`constraints.go`), not that of the Rust `semver` crate: a bare `1.2.3`
//! means `=`, a space or a comma means "and", `||` means "or"; there are hyphen ranges, `x` and `*`, `~` and `^`; a
//! pre-release takes part only where its "and" group names one.

use std::{cmp::Ordering, fmt, str::FromStr, sync::LazyLock};

use regex::Regex;

use super::{
    limit::MAX_EXPRESSION_BYTES,
    version::{TagVersion, compare_prereleases},
};

const VERSION: &str = r"v?([0-9xX*]+)(\.[0-9xX*]+)?(\.[0-9xX*]+)?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";
const OPERATOR: &str = r"=<|=>|<=|>=|~>|!=|=|<|>|~|\^|";

/// Spaces as Go's `\s` has them; ranges are ASCII.
const SPACE: &str = r"[\t\n\f\r ]";

static HYPHEN: LazyLock<Regex> =
    LazyLock::new(|| fixed(&format!("{SPACE}*({VERSION}){SPACE}+-{SPACE}+({VERSION}){SPACE}*")));
static TERM: LazyLock<Regex> = LazyLock::new(|| fixed(&format!("(?:{OPERATOR}){SPACE}*{VERSION}")));
static ONE_TERM: LazyLock<Regex> = LazyLock::new(|| fixed(&format!("^({OPERATOR}){SPACE}*{VERSION}$")));
static GROUP: LazyLock<Regex> = LazyLock::new(|| {
    let term = format!("(?:{OPERATOR}){SPACE}*{VERSION}{SPACE}*");
    fixed(&format!("^{SPACE}*{term}(?:(?:{SPACE}+|,{SPACE}*){term})*$"))
});

fn fixed(expression: &str) -> Regex {
    Regex::new(expression).expect("the expression is fixed and valid")
}

/// Why a text is no range. The message names the part at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Nothing there.
    #[error("the range is empty: write `*` for every release")]
    Empty,
    /// A part that the language does not have.
    #[error("`{0}` is no range: write for example `>=1.2 <2`, `^1.4`, `~1.4.2`, `1.x` or `1.2 - 1.4`")]
    Part(String),
    /// Longer than [`MAX_EXPRESSION_BYTES`].
    #[error("the range is {0} bytes long, and {MAX_EXPRESSION_BYTES} are the most: write a shorter one")]
    TooLong(usize),
    /// A version in it is none.
    #[error("`{0}` is no version")]
    Version(String),
}

/// A parsed range.
#[derive(Debug, Clone)]
pub struct Range {
    text: String,
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    terms: Vec<Term>,
    names_prerelease: bool,
}

#[derive(Debug, Clone)]
struct Term {
    operator: Operator,
    version: TagVersion,
    /// A number is missing or a wildcard: which one decides what the operator means.
    open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

impl Range {
    /// Whether the version lies in the range. With `prereleases`, pre-releases take part although no group names one.
    pub fn contains(&self, version: &TagVersion, prereleases: bool) -> bool {
        self.groups.iter().any(|group| {
            let admitted = version.pre.is_empty() || prereleases || group.names_prerelease;
            admitted && group.terms.iter().all(|term| term.admits(version))
        })
    }

    /// The number of terms in each "or" group.
    pub fn shape(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.terms.len()).collect()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(RangeError::Empty);
        }
        if text.len() > MAX_EXPRESSION_BYTES {
            return Err(RangeError::TooLong(text.len()));
        }
        // `1.2 - 1.4` stands for `>=1.2, <=1.4`.
        let plain = HYPHEN.replace_all(text, |found: &regex::Captures<'_>| {
            format!(">= {}, <= {} ", found.get(1).map_or("", |m| m.as_str()), found.get(6).map_or("", |m| m.as_str()))
        });
        let groups = plain.split("||").map(parse_group).collect::<Result<_, _>>()?;
        Ok(Self { text: text.trim().to_owned(), groups })
    }
}

fn parse_group(text: &str) -> Result<Group, RangeError> {
    if !GROUP.is_match(text) {
        return Err(RangeError::Part(text.trim().to_owned()));
    }
    let terms = TERM.find_iter(text).map(|term| parse_term(term.as_str())).collect::<Result<Vec<_>, _>>()?;
    let names_prerelease = terms.iter().any(|term| !term.version.pre.is_empty());
    Ok(Group { terms, names_prerelease })
}

fn parse_term(text: &str) -> Result<Term, RangeError> {
    let found = ONE_TERM.captures(text).ok_or_else(|| RangeError::Part(text.to_owned()))?;
    let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
    let wild = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
    let (major, minor, patch, pre) = (part(2), part(3), part(4), part(5));
    let (open, plain) = if wild(major) {
        (Open::Everything, format!("0.0.0{pre}"))
    } else if wild(minor) {
        (Open::Minor, format!("{major}.0.0{pre}"))
    } else if wild(patch) {
        (Open::Patch, format!("{major}{minor}.0{pre}"))
    } else {
        (Open::Nothing, format!("{major}{minor}{patch}{pre}"))
    };
    let version = TagVersion::parse(&plain).ok_or_else(|| RangeError::Version(text.trim().to_owned()))?;
    let operator = match part(1) {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::TildeOrEqual,
    };
    Ok(Term { operator, version, open })
}

impl Term {
    fn admits(&self, version: &TagVersion) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.operator {
            Operator::TildeOrEqual if self.open == Open::Nothing => order == Ordering::Equal,
            Operator::TildeOrEqual | Operator::Tilde => self.admits_tilde(version),
            Operator::NotEqual => self.admits_unequal(version),
            Operator::Greater => self.admits_greater(version),
            Operator::Less => order == Ordering::Less,
            Operator::GreaterOrEqual => order != Ordering::Less,
            Operator::LessOrEqual => self.admits_less_or_equal(version),
            Operator::Caret => self.admits_caret(version),
        }
    }

    fn admits_unequal(&self, version: &TagVersion) -> bool {
        let own = &self.version;
        match self.open {
            Open::Nothing => version.cmp_precedence(own) != Ordering::Equal,
            Open::Minor => own.major != version.major,
            Open::Patch if (own.major, own.minor) != (version.major, version.minor) => true,
            Open::Patch => compare_prereleases(&version.pre, &own.pre) != Ordering::Equal,
            Open::Everything => {
                (own.major, own.minor, own.patch) != (version.major, version.minor, version.patch)
                    || compare_prereleases(&version.pre, &own.pre) != Ordering::Equal
            }
        }
    }

    /// `>11` asks for 12 or higher, `>11.1` for 11.2 or higher.
    fn admits_greater(&self, version: &TagVersion) -> bool {
        match self.open {
            Open::Minor => version.major > self.version.major,
            Open::Patch => (version.major, version.minor) > (self.version.major, self.version.minor),
            Open::Nothing | Open::Everything => version.cmp_precedence(&self.version) == Ordering::Greater,
        }
    }

    /// `<=11` admits all of 11, `<=11.1` all of 11.1.
    fn admits_less_or_equal(&self, version: &TagVersion) -> bool {
        let own = &self.version;
        match self.open {
            Open::Nothing => version.cmp_precedence(own) != Ordering::Greater,
            Open::Minor => version.major <= own.major,
            Open::Patch | Open::Everything => (version.major, version.minor) <= (own.major, own.minor),
        }
    }

    fn admits_tilde(&self, version: &TagVersion) -> bool {
        let own = &self.version;
        if version.cmp_precedence(own) == Ordering::Less {
            return false;
        }
        let zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        match self.open {
            // Masterminds takes `~0.0.0` for every version.
            Open::Nothing | Open::Everything if zero => true,
            Open::Minor => version.major == own.major,
            _ => (version.major, version.minor) == (own.major, own.minor),
        }
    }

    /// The first number that is not zero stays.
    fn admits_caret(&self, version: &TagVersion) -> bool {
        let own = &self.version;
        if version.cmp_precedence(own) == Ordering::Less {
            return false;
        }
        if own.major > 0 || self.open == Open::Minor {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.open == Open::Patch {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}
