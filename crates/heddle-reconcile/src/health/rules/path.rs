//! Places in an object, and the comparison of what stands there.

use serde_json::Value;

use crate::wildcard;

/// `.status.parents[].conditions`, `.metadata.labels['a.b/c']`, `.status.conditions[-1].type`.
#[derive(Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
enum Step {
    Key(&'static str),
    /// Every member of a list, or every value of a map.
    Each,
    /// One member of a list; below zero from its end.
    At(i64),
}

impl Path {
    pub(super) fn read(text: &'static str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('.').ok_or_else(|| format!("`{text}` does not begin with a dot"))?;
        while !rest.is_empty() {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                steps.push(Step::Key(&rest[..end]));
            }
            rest = &rest[end..];
            if let Some(inner) = rest.strip_prefix('[') {
                let end = closing(inner).ok_or_else(|| format!("`{text}` has a bracket without an end"))?;
                steps.push(read_bracket(&inner[..end])?);
                rest = &inner[end + 1..];
            }
            rest = rest.strip_prefix('.').unwrap_or(rest);
        }
        Ok(Self(steps))
    }

    /// A place below a condition, which is written without the dot in front.
    pub(super) fn read_member(text: &'static str) -> Self {
        Self(text.split('.').map(Step::Key).collect())
    }

    /// What stands there: one value, or as many as the lists on the way have members.
    pub(super) fn values<'a>(&self, root: &'a Value) -> Vec<Option<&'a Value>> {
        let mut values = vec![Some(root)];
        for step in &self.0 {
            values = values.into_iter().flat_map(|value| step.take(value)).collect();
        }
        values.into_iter().map(|value| value.filter(|value| !value.is_null())).collect()
    }

    pub(super) fn text(&self) -> String {
        let step = |step: &Step| match step {
            Step::Key(key) => format!(".{key}"),
            Step::Each => "[]".to_owned(),
            Step::At(index) => format!("[{index}]"),
        };
        self.0.iter().map(step).collect::<String>().trim_start_matches('.').to_owned()
    }
}

fn closing(inner: &str) -> Option<usize> {
    match inner.strip_prefix('\'') {
        Some(quoted) => quoted.find("']").map(|end| end + 2),
        None => inner.find(']'),
    }
}

fn read_bracket(inner: &'static str) -> Result<Step, String> {
    if inner.is_empty() {
        return Ok(Step::Each);
    }
    if let Some(key) = inner.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')) {
        return Ok(Step::Key(key));
    }
    inner.parse().map(Step::At).map_err(|_| format!("`[{inner}]` is no place in a list"))
}

impl Step {
    fn take<'a>(&self, value: Option<&'a Value>) -> Vec<Option<&'a Value>> {
        match (self, value) {
            (Self::Key(key), value) => vec![value.and_then(|value| value.get(key))],
            (Self::Each, Some(Value::Array(items))) => items.iter().map(Some).collect(),
            (Self::Each, Some(Value::Object(items))) => items.values().map(Some).collect(),
            (Self::Each, _) => Vec::new(),
            (Self::At(index), value) => {
                let items = value.and_then(Value::as_array);
                vec![items.and_then(|items| {
                    let index = if *index < 0 { *index + i64::try_from(items.len()).ok()? } else { *index };
                    items.get(usize::try_from(index).ok()?)
                })]
            }
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Equal,
    /// Also where one side is absent.
    NotEqual,
    /// Both are there and differ.
    Differ,
    /// Not `Differ`.
    Agree,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

const SIGNS: [(&str, Sign); 8] = [
    ("<>", Sign::Differ),
    ("!=", Sign::NotEqual),
    ("<=", Sign::LessOrEqual),
    (">=", Sign::MoreOrEqual),
    ("<", Sign::Less),
    (">", Sign::More),
    ("~", Sign::Agree),
    ("=", Sign::Equal),
];

impl Sign {
    /// Cuts `left<right` at its first sign outside of quotes.
    pub(super) fn cut(text: &'static str) -> Option<(&'static str, Self, &'static str)> {
        let mut quoted = false;
        for (index, char) in text.char_indices() {
            quoted ^= char == '\'';
            let sign = SIGNS.iter().find(|(word, _)| !quoted && text[index..].starts_with(word));
            if let Some((word, sign)) = sign {
                return Some((&text[..index], *sign, &text[index + word.len()..]));
            }
        }
        None
    }

    /// Compares two values as texts or, for an order, as numbers; texts that are no numbers are ordered as such.
    pub(super) fn holds(self, left: Option<&str>, right: Option<&str>) -> bool {
        let both = || Some((left?, right?));
        let ordered = |fits: fn(std::cmp::Ordering) -> bool| {
            let (left, right) = (left.unwrap_or("0"), right.unwrap_or("0"));
            let order = match (left.parse::<f64>(), right.parse::<f64>()) {
                (Ok(left), Ok(right)) => left.partial_cmp(&right),
                (Err(_), Err(_)) => Some(left.cmp(right)),
                _ => None,
            };
            order.is_some_and(fits)
        };
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Differ => both().is_some_and(|(left, right)| left != right),
            Self::Agree => both().is_none_or(|(left, right)| left == right),
            Self::Less => ordered(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => ordered(std::cmp::Ordering::is_le),
            Self::More => ordered(std::cmp::Ordering::is_gt),
            Self::MoreOrEqual => ordered(std::cmp::Ordering::is_ge),
        }
    }
}

/// A value as it is compared.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How many members a list or map has, or letters a text.
pub(super) fn length(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(items)) => items.len(),
        Some(Value::Object(items)) => items.len(),
        Some(Value::String(text)) => text.len(),
        _ => 0,
    }
}

/// Words that may be equal to a text: `Failed`, `'two words'`, `*Failed`, alternatives with `|`.
#[derive(Debug)]
pub(super) struct Words(Vec<&'static str>);

impl Words {
    pub(super) fn read(text: &'static str) -> Self {
        Self(split(text, '|').into_iter().map(unquoted).collect())
    }

    /// The only word, where values are to be ordered.
    pub(super) fn first(&self) -> Option<&'static str> {
        self.0.first().copied()
    }

    pub(super) fn fit(&self, text: &str) -> bool {
        self.0.iter().any(|word| fits(word, text))
    }
}

fn unquoted(text: &'static str) -> &'static str {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text)
}

/// A text against a word with `*`, which stands for one letter or more at the end, for any number elsewhere.
fn fits(word: &str, text: &str) -> bool {
    if !word.ends_with('*') {
        return wildcard::fits(word, text);
    }
    let last = text.chars().next_back();
    last.is_some_and(|last| wildcard::fits(word, &text[..text.len() - last.len_utf8()]))
}

/// Splits at a letter outside of quotes and brackets.
pub(super) fn split(text: &'static str, at: char) -> Vec<&'static str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0, false);
    for (index, char) in text.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ if char == at && !quoted && depth == 0 => {
                parts.push(&text[start..index]);
                start = index + char.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The words of a line.
pub(super) fn words(text: &'static str) -> Vec<&'static str> {
    split(text, ' ').into_iter().filter(|word| !word.is_empty()).collect()
}
