//! Refuses control characters in what is sent, before anything is made of it.
//!
//! Postgres stores no NUL, and nobody reads the others: they hide text in logs and terminals. [`crate::guard`] asks here
//! for every route, so that no handler has to.

use std::fmt;

use axum::extract::RawPathParams;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use url::form_urlencoded;

use crate::problem::{ApiError, ApiResult};

/// What is refused in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// NUL alone: the body repeats text of others, such as a file of a repository.
    Nul,
    /// Each control character but tab and line ends: a person or a program of theirs wrote it.
    Control,
}

impl Refused {
    const fn covers(self, character: char) -> bool {
        match self {
            Self::Nul => character == '\0',
            Self::Control => character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r'),
        }
    }

    /// Whether a look at each string is needed: in JSON a control character is written as an escape, or is DEL.
    fn may_be_in(self, json: &[u8]) -> bool {
        let escapes: &[&[u8]] = match self {
            Self::Nul => &[b"\\u0000"],
            Self::Control => &[b"\\u00", b"\\b", b"\\f", b"\x7f"],
        };
        escapes.iter().any(|escape| json.windows(escape.len()).any(|window| window == *escape))
    }
}

/// Refuses control characters in the parameters of an address.
///
/// # Errors
/// 422 with the parameter's name.
pub fn check_address(query: Option<&str>, path: &RawPathParams) -> ApiResult<()> {
    for (name, value) in path {
        check(name, value)?;
    }
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        check(&name, &value)?;
    }
    Ok(())
}

fn check(name: &str, value: &str) -> ApiResult<()> {
    match value.chars().chain(name.chars()).find(|character| character.is_control()) {
        Some(character) => Err(refuse(name, character)),
        None => Ok(()),
    }
}

/// Refuses control characters in the strings and names of a JSON body, and one that may hold some and cannot be looked
/// through: its reader may pass over what stopped the look, such as lists within lists in a field that it ignores.
///
/// # Errors
/// 422 with the field; 400 for what is no JSON or too deep.
pub fn check_json(json: &[u8], refused: Refused) -> ApiResult<()> {
    if !refused.may_be_in(json) {
        return Ok(());
    }
    let mut look = Look { refused, path: String::new(), found: None };
    let mut body = serde_json::Deserializer::from_slice(json);
    let looked = Value(&mut look).deserialize(&mut body).and_then(|()| body.end());
    match (look.found, looked) {
        (Some(character), _) => Err(refuse(&look.path, character)),
        (None, Err(error)) => Err(ApiError::bad_request("bad-json", format!("the body is no JSON: {error}"))),
        (None, Ok(())) => Ok(()),
    }
}

fn refuse(field: &str, character: char) -> ApiError {
    // The name is the sender's, too.
    let field: String = field.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(200).collect();
    let message = format!("`{field}` holds the control character U+{:04X}; take it out", u32::from(character));
    ApiError::invalid(&field, message)
}

/// Looks at one string after the other and keeps nothing. `path` leads to the one it stopped at.
struct Look {
    refused: Refused,
    path: String,
    found: Option<char>,
}

impl Look {
    fn at<E: de::Error>(&mut self, text: &str) -> Result<(), E> {
        self.found = text.chars().find(|character| self.refused.covers(*character));
        if self.found.is_some() { Err(E::custom("found")) } else { Ok(()) }
    }
}

struct Value<'a>(&'a mut Look);

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.0.at(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let outer = self.0.path.len();
        for index in 0_usize.. {
            self.0.path.push_str(&format!("[{index}]"));
            if items.next_element_seed(Value(self.0))?.is_none() {
                break;
            }
            self.0.path.truncate(outer);
        }
        self.0.path.truncate(outer);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let outer = self.0.path.len();
        while fields.next_key_seed(Name(self.0))?.is_some() {
            fields.next_value_seed(Value(self.0))?;
            self.0.path.truncate(outer);
        }
        Ok(())
    }
}

/// A field's name: it is looked at, and put at the end of the path.
struct Name<'a>(&'a mut Look);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<(), E> {
        if !self.0.path.is_empty() {
            self.0.path.push('.');
        }
        self.0.path.push_str(name);
        self.0.at(name)
    }
}

#[cfg(test)]
mod tests;
