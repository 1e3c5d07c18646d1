//! One term of a rule: a condition of the object, or a comparison of two places.

use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::path::{Path, Sign, Words, as_text, length, split};

/// A term, and whether it is turned round.
#[derive(Debug)]
pub(super) struct Term {
    negated: bool,
    question: Question,
}

#[derive(Debug)]
enum Question {
    Condition(Condition),
    Exists(Path),
    Compare(Operand, Sign, Right),
}

/// `Ready=False(Reason){severity!=Info}`, in `status.conditions` or in the lists at another place.
#[derive(Debug)]
struct Condition {
    lists: Path,
    kinds: Words,
    except: Option<&'static str>,
    status: Option<(Sign, Words)>,
    reasons: Option<(Sign, Words)>,
    members: Vec<Member>,
}

/// A comparison of a member of a condition with words, another member or a place in the object.
#[derive(Debug)]
struct Member {
    left: Path,
    sign: Sign,
    right: Right,
}

#[derive(Debug)]
enum Operand {
    Value(Path, Option<&'static str>),
    Length(Path),
    Sum(Vec<Path>),
}

#[derive(Debug)]
enum Right {
    Words(Words),
    Place(Operand),
    /// Another member of the same condition.
    Sibling(Path),
}

/// What a term rests on.
#[derive(Default)]
pub(super) struct Found {
    words: Option<(String, String)>,
}

impl Found {
    /// Reason and message, where the term knows them.
    pub(super) fn said(self) -> Option<(String, String)> {
        self.words
    }

    /// Reason and message where no term knows any: what the status says as a whole.
    pub(super) fn default_words(status: HealthStatus, object: &Value) -> (String, String) {
        const MESSAGES: [&str; 6] = ["message", "phaseReason", "reason", "description", "errorMessage", "error"];
        let said = MESSAGES.iter().find_map(|key| object["status"][key].as_str().filter(|text| !text.is_empty()));
        let ready = super::super::conditions::find(object, "Ready").filter(|condition| !condition.is_true);
        let (reason, message) = match (status, ready) {
            (HealthStatus::Healthy, _) => ("Healthy", ""),
            (_, Some(ready)) => (ready.reason, ready.message),
            (HealthStatus::Degraded, None) => ("Degraded", "its status tells of a fault"),
            (HealthStatus::Suspended, None) => ("Suspended", "it is paused"),
            (HealthStatus::Unknown, None) => ("Unknown", "its status is none that is known"),
            (HealthStatus::Missing, None) => ("Missing", "what it stands for is not there"),
            _ => ("Waiting", "its controller has not said that it is done"),
        };
        (reason.to_owned(), said.unwrap_or(message).to_owned())
    }
}

impl Term {
    pub(super) fn read(text: &'static str) -> Result<Self, String> {
        let (negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let question = match text.split_once('@') {
            Some((lists, condition)) => Question::Condition(Condition::read(Path::read(lists)?, condition)?),
            None if text.starts_with(['.', '#', '+']) => read_comparison(text)?,
            None => Question::Condition(Condition::read(Path::read(".status.conditions")?, text)?),
        };
        Ok(Self { negated, question })
    }

    /// What the term rests on, where it fits.
    pub(super) fn find(&self, object: &Value) -> Option<Found> {
        let found = match &self.question {
            Question::Condition(condition) => condition.find(object),
            Question::Exists(path) => path.values(object).iter().any(Option::is_some).then(Found::default),
            Question::Compare(left, sign, right) => compare(left, *sign, right, object),
        };
        match (self.negated, found) {
            (false, found) => found,
            (true, Some(_)) => None,
            (true, None) => Some(Found::default()),
        }
    }
}

fn read_comparison(text: &'static str) -> Result<Question, String> {
    Ok(match Sign::cut(text) {
        None => Question::Exists(Path::read(text)?),
        Some((left, sign, right)) => Question::Compare(Operand::read(left)?, sign, Right::read(right)?),
    })
}

fn compare(left: &Operand, sign: Sign, right: &Right, object: &Value) -> Option<Found> {
    let lefts = left.values(object);
    let found = match right {
        Right::Words(words) => lefts.iter().find(|left| words_fit(left.as_deref(), sign, words)),
        Right::Place(place) => {
            let rights = place.values(object);
            lefts.iter().find(|left| rights.iter().any(|right| sign.holds(left.as_deref(), right.as_deref())))
        }
        Right::Sibling(_) => None,
    }?;
    let path = left.path().filter(|path| path.starts_with("status") && sign == Sign::Equal);
    let word = found.as_ref().zip(path).map(|(word, path)| {
        let reason = if word.contains(' ') { "Status".to_owned() } else { word.clone() };
        (reason, said_beside(object).unwrap_or_else(|| format!("its `{path}` is `{word}`")))
    });
    Some(Found { words: word.filter(|(reason, _)| !reason.is_empty() && reason.parse::<f64>().is_err()) })
}

/// What the status says in words, beside a phase.
fn said_beside(object: &Value) -> Option<String> {
    let words = ["message", "phaseReason", "errorMessage", "reason"].iter();
    words.filter_map(|key| object["status"][key].as_str()).find(|text| !text.is_empty()).map(str::to_owned)
}

fn words_fit(left: Option<&str>, sign: Sign, words: &Words) -> bool {
    match sign {
        Sign::Equal => left.is_some_and(|left| words.fit(left)),
        Sign::NotEqual => !left.is_some_and(|left| words.fit(left)),
        Sign::Differ => left.is_some_and(|left| !words.fit(left)),
        Sign::Agree => left.is_none_or(|left| words.fit(left)),
        _ => sign.holds(left, words.first()),
    }
}

impl Condition {
    /// Reads `Kind|Kind-Except=Status|Status(Reason|Reason){member=value,…}`; each part but the first may be left out.
    fn read(lists: Path, text: &'static str) -> Result<Self, String> {
        let (text, members) = match text.split_once('{') {
            Some((text, members)) => (text, members.strip_suffix('}').ok_or("a brace has no end")?),
            None => (text, ""),
        };
        let (text, reasons) = match text.split_once('(') {
            Some((text, reasons)) => (text, Some(reasons.strip_suffix(')').ok_or("a bracket has no end")?)),
            None => (text, None),
        };
        let (kinds, status) = match Sign::cut(text) {
            Some((kinds, sign, status)) => (kinds, Some((sign, Words::read(status)))),
            None => (text, None),
        };
        let (kinds, except) = match kinds.strip_prefix("*-") {
            Some(except) => ("*", Some(except)),
            None => (kinds, None),
        };
        let reasons = reasons.map(|reasons| match reasons.strip_prefix('!') {
            Some(reasons) => (Sign::NotEqual, Words::read(reasons)),
            None => (Sign::Equal, Words::read(reasons)),
        });
        let members = split(members, ',').into_iter().filter(|member| !member.is_empty());
        let members = members.map(Member::read).collect::<Result<_, _>>()?;
        Ok(Self { lists, kinds: Words::read(kinds), except, status, reasons, members })
    }

    fn find(&self, object: &Value) -> Option<Found> {
        let lists = self.lists.values(object);
        let conditions = lists.into_iter().flatten().flat_map(|list| -> Box<dyn Iterator<Item = &Value>> {
            match list {
                Value::Array(items) => Box::new(items.iter()),
                Value::Object(items) => Box::new(items.values()),
                _ => Box::new(std::iter::empty()),
            }
        });
        let found = conditions.into_iter().find(|condition| self.fits(condition, object))?;
        let reason = found["reason"].as_str().filter(|reason| !reason.is_empty());
        let reason = reason.or(found["type"].as_str()).unwrap_or("Condition").to_owned();
        Some(Found { words: Some((reason, found["message"].as_str().unwrap_or_default().to_owned())) })
    }

    fn fits(&self, condition: &Value, object: &Value) -> bool {
        let kind = condition["type"].as_str();
        let text = |part: &Option<(Sign, Words)>, key: &str| {
            part.as_ref().is_none_or(|(sign, words)| words_fit(condition[key].as_str(), *sign, words))
        };
        // A list whose members have no type, as Karmada's `aggregatedStatus`, is asked for with `*`.
        self.kinds.fit(kind.unwrap_or("none"))
            && self.except.is_none_or(|except| kind != Some(except))
            && text(&self.status, "status")
            && text(&self.reasons, "reason")
            && self.members.iter().all(|member| member.fits(condition, object))
    }
}

impl Member {
    fn read(text: &'static str) -> Result<Self, String> {
        let (left, sign, right) = Sign::cut(text).ok_or_else(|| format!("`{text}` compares nothing"))?;
        Ok(Self { left: Path::read_member(left), sign, right: Right::read(right)? })
    }

    fn fits(&self, condition: &Value, object: &Value) -> bool {
        let left = self.left.values(condition).into_iter().flatten().next().map(as_text);
        let left = left.as_deref();
        match &self.right {
            Right::Words(words) => words_fit(left, self.sign, words),
            Right::Place(place) => place.values(object).iter().any(|right| self.sign.holds(left, right.as_deref())),
            Right::Sibling(path) => {
                let right = path.values(condition).into_iter().flatten().next().map(as_text);
                self.sign.holds(left, right.as_deref())
            }
        }
    }
}

impl Operand {
    fn read(text: &'static str) -> Result<Self, String> {
        if let Some(list) = text.strip_prefix('#') {
            return Ok(Self::Length(Path::read(list)?));
        }
        let parts = split(text.strip_prefix('+').unwrap_or(text), '+');
        if text.starts_with('+') || parts.len() > 1 {
            return parts.into_iter().map(Path::read).collect::<Result<_, _>>().map(Self::Sum);
        }
        match text.split_once('?') {
            Some((path, default)) => Ok(Self::Value(Path::read(path)?, Some(default))),
            None => Ok(Self::Value(Path::read(text)?, None)),
        }
    }

    fn path(&self) -> Option<String> {
        match self {
            Self::Value(path, _) => Some(path.text()),
            Self::Length(_) | Self::Sum(_) => None,
        }
    }

    fn values(&self, object: &Value) -> Vec<Option<String>> {
        match self {
            Self::Value(path, default) => {
                let text = |value: Option<&Value>| value.map(as_text).or_else(|| default.map(str::to_owned));
                path.values(object).into_iter().map(text).collect()
            }
            Self::Length(path) => vec![Some(path.values(object).into_iter().map(length).sum::<usize>().to_string())],
            Self::Sum(paths) => {
                let values = paths.iter().flat_map(|path| path.values(object)).flatten();
                vec![Some(values.filter_map(Value::as_i64).sum::<i64>().to_string())]
            }
        }
    }
}

impl Right {
    fn read(text: &'static str) -> Result<Self, String> {
        if let Some(sibling) = text.strip_prefix('$') {
            return Ok(Self::Sibling(Path::read_member(sibling)));
        }
        if text.starts_with(['.', '#', '+']) {
            return Operand::read(text).map(Self::Place);
        }
        Ok(Self::Words(Words::read(text)))
    }
}
