//! Paths into a document: `spec.values.image.tag`, `images[name=api].newTag`, `metadata.annotations["a.b/c"]`.

use crate::{
    edit::{Action, Edit, New},
    yaml::{
        Documents, Node,
        cursor::{Cursor, Spot},
    },
};

/// A path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A key; of a list, a number, or `-1` for one behind the last.
    Key(String),
    /// The member of a list at an index, from 0; one behind the last where `None`.
    Index(Option<usize>),
    /// The member of a list whose key has a value.
    Member { key: String, value: String },
    /// All members of a list.
    Every,
}

/// Why a path leads nowhere, or what it leads to cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It is no path.
    #[error("`{0}` is no path: write for example `spec.values.image.tag` or `images[name=api].newTag`")]
    NotAPath(String),
    /// No document has it.
    #[error("nothing stands at `{0}`")]
    Missing(String),
    /// Several documents have it.
    #[error("`{0}` stands in several documents of the file, so it does not say which is meant")]
    Ambiguous(String),
    /// A list or a mapping stands there, or a list is asked for a key.
    #[error("line {line}: `{path}` is {kind}, where {wanted} is needed")]
    OtherKind {
        /// The path, as far as it leads.
        path: String,
        /// Line of what stands there.
        line: u32,
        /// A word for it.
        kind: &'static str,
        /// A word for what is needed.
        wanted: &'static str,
    },
    /// It cannot be changed.
    #[error("line {line}: {reason}")]
    Refused {
        /// Line of the value.
        line: u32,
        /// Why.
        reason: &'static str,
    },
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// When a part is empty or a bracket is not closed.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let not_a_path = || PathError::NotAPath(text.to_owned());
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, after) = bracket(inner).ok_or_else(not_a_path)?;
                steps.push(step);
                rest = after;
                if !rest.is_empty() && !rest.starts_with(['.', '[']) {
                    return Err(not_a_path());
                }
                // Between a bracket and a key stands a dot; a dot at the end leads nowhere.
                if let Some(after) = rest.strip_prefix('.') {
                    rest = after;
                    if rest.is_empty() {
                        return Err(not_a_path());
                    }
                }
                continue;
            }
            let (key, after) = key(rest);
            if key.is_empty() {
                return Err(not_a_path());
            }
            steps.push(Step::of_key(key));
            rest = match after.strip_prefix('.') {
                Some("") => return Err(not_a_path()),
                Some(after) => after,
                None => after,
            };
        }
        if steps.is_empty() { Err(not_a_path()) } else { Ok(Self { steps, text: text.to_owned() }) }
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path without its last step.
    pub fn parent(&self) -> Option<Self> {
        let (_, steps) = self.steps.split_last()?;
        (!steps.is_empty()).then(|| Self { steps: steps.to_vec(), text: self.text.clone() })
    }

    /// The path to a key of the mapping that this one leads to.
    pub fn below(&self, key: &str) -> Self {
        let steps = self.steps.iter().cloned().chain([Step::Key(key.to_owned())]).collect();
        Self { steps, text: format!("{}.{key}", self.text) }
    }

    /// Whether a mapping stands at the path, and one alone.
    pub fn leads_to_mapping(&self, documents: &Documents) -> bool {
        self.only(documents).is_ok_and(|cursor| cursor.node.is_mapping())
    }

    /// The last key, which says what the value is for.
    pub fn last_key(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            _ => None,
        })
    }

    /// The text at the path.
    ///
    /// # Errors
    /// When none or several documents have the path, or it leads to no text.
    pub fn find(&self, documents: &Documents) -> Result<Spot, PathError> {
        let cursor = self.only(documents)?;
        let other = PathError::OtherKind {
            path: self.text.clone(),
            line: cursor.position.line,
            kind: cursor.node.kind(),
            wanted: "a text",
        };
        cursor.spot().ok_or(other)
    }

    /// The edit that writes a value at the path. With `create`, keys and members of lists that are missing are added.
    ///
    /// # Errors
    /// When the path leads nowhere, or to what cannot be changed.
    pub fn edit(&self, documents: &Documents, to: &New, create: bool) -> Result<Edit, PathError> {
        match self.only(documents) {
            Ok(cursor) => {
                writable(&cursor)?;
                let from = self.find(documents)?;
                Ok(Edit { at: from.span.start, action: Action::Set { from: from.text, to: to.clone() } })
            }
            Err(PathError::Missing(_)) if create => self.added(documents, to),
            Err(error) => Err(error),
        }
    }

    /// All values at the path in one document: `[*]` leads to each member.
    pub(crate) fn all<'a>(&self, root: &Cursor<'a>) -> Vec<Cursor<'a>> {
        let mut reached = vec![root.clone()];
        for step in &self.steps {
            reached = reached
                .iter()
                .flat_map(|cursor| match step {
                    Step::Every => cursor.items().collect(),
                    step => step.of(cursor).into_iter().collect::<Vec<_>>(),
                })
                .collect();
        }
        reached
    }

    fn only<'a>(&self, documents: &'a Documents) -> Result<Cursor<'a>, PathError> {
        let mut found = documents.roots.iter().flat_map(|root| self.all(&Cursor::root(root)));
        match (found.next(), found.next()) {
            (Some(cursor), None) => Ok(cursor),
            (Some(_), Some(_)) => Err(PathError::Ambiguous(self.text.clone())),
            (None, _) => Err(PathError::Missing(self.text.clone())),
        }
    }

    /// Adds what is missing to what is there.
    fn added(&self, documents: &Documents, to: &New) -> Result<Edit, PathError> {
        let missing = || PathError::Missing(self.text.clone());
        let [root] = documents.roots.as_slice() else { return Err(missing()) };
        let mut cursor = Cursor::root(root);
        let mut steps = self.steps.as_slice();
        while let Some((step, rest)) = steps.split_first() {
            let Some(next) = step.of(&cursor) else { break };
            (cursor, steps) = (next, rest);
        }
        let Some((step, rest)) = steps.split_first() else { return Err(missing()) };
        writable(&cursor)?;
        let value = nested(rest, to).ok_or_else(missing)?;
        let other = |wanted| PathError::OtherKind {
            path: if cursor.field.is_empty() { self.text.clone() } else { cursor.field.clone() },
            line: cursor.position.line,
            kind: cursor.node.kind(),
            wanted,
        };
        let (is_list, is_free) = (cursor.node.kind() == "a list", cursor.node.is_null());
        let action = match step {
            Step::Key(key) if cursor.node.is_mapping() || is_free => Action::Add { key: key.clone(), value },
            Step::Key(key) if key == "-1" && is_list => Action::Append { value },
            Step::Key(_) => return Err(other("a mapping")),
            Step::Index(Some(index)) if *index != cursor.node.items().len() => return Err(missing()),
            Step::Index(_) if is_list || is_free => Action::Append { value },
            Step::Member { key, value: name } if is_list || is_free => {
                let mut entries = vec![(key.clone(), New::Text(name.clone()))];
                let New::Mapping(more) = value else { return Err(missing()) };
                entries.extend(more);
                Action::Append { value: New::Mapping(entries) }
            }
            Step::Index(_) | Step::Member { .. } => return Err(other("a list")),
            Step::Every => return Err(missing()),
        };
        Ok(Edit { at: cursor.at, action })
    }
}

impl Step {
    /// Kargo's `:0` is the key `0` of a mapping.
    fn of_key(key: String) -> Self {
        match key.strip_prefix(':') {
            Some(number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
                Self::Key(number.to_owned())
            }
            _ => Self::Key(key),
        }
    }

    fn of<'a>(&self, cursor: &Cursor<'a>) -> Option<Cursor<'a>> {
        match self {
            Self::Key(key) if !cursor.node.items().is_empty() => cursor.items().nth(key.parse().ok()?),
            Self::Key(key) => cursor.key(key),
            Self::Index(index) => cursor.items().nth((*index)?),
            Self::Member { key, value } => {
                let mut members = cursor.items();
                members.find(|item| item.node.get(key).and_then(Node::text) == Some(value))
            }
            Self::Every => None,
        }
    }
}

/// A value with the keys and lists around it that a path still names.
fn nested(steps: &[Step], to: &New) -> Option<New> {
    let Some((step, rest)) = steps.split_first() else { return Some(to.clone()) };
    let inner = nested(rest, to)?;
    Some(match step {
        Step::Key(key) => New::Mapping(vec![(key.clone(), inner)]),
        Step::Index(None | Some(0)) => New::Sequence(vec![inner]),
        Step::Member { key, value } => {
            let New::Mapping(more) = inner else { return None };
            let entries = std::iter::once((key.clone(), New::Text(value.clone()))).chain(more);
            New::Sequence(vec![New::Mapping(entries.collect())])
        }
        Step::Index(Some(_)) | Step::Every => return None,
    })
}

fn writable(cursor: &Cursor<'_>) -> Result<(), PathError> {
    match cursor.obstacle {
        Some(reason) => Err(PathError::Refused { line: cursor.position.line, reason }),
        None => Ok(()),
    }
}

/// Reads a key up to the next dot or bracket; a backslash takes the next character as it is.
fn key(text: &str) -> (String, &str) {
    let mut key = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '.' | '[' => return (key, &text[at..]),
            '\\' => key.extend(characters.next().map(|(_, next)| next)),
            other => key.push(other),
        }
    }
    (key, "")
}

/// Reads what stands in brackets, and what follows.
fn bracket(text: &str) -> Option<(Step, &str)> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let mut key = String::new();
            let mut characters = inner.char_indices();
            while let Some((at, character)) = characters.next() {
                match character {
                    '\\' => key.push(characters.next()?.1),
                    end if end == quote => return Some((Step::Key(key), inner[at + 1..].strip_prefix(']')?)),
                    other => key.push(other),
                }
            }
            return None;
        }
    }
    let (inner, after) = text.split_once(']')?;
    let step = match inner.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Step::Member { key: key.to_owned(), value: value.trim_matches(['"', '\'']).to_owned() }
        }
        Some(_) => return None,
        None if inner == "*" => Step::Every,
        None if inner == "+" => Step::Index(None),
        None => Step::Index(Some(inner.parse().ok()?)),
    };
    Some((step, after))
}

#[cfg(test)]
mod tests;
