//! Sentences of verdicts. Of 100,000 tags most are passed over for one and the same reason, so they share its text.

use std::{fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sentence that a person understands. A copy of it costs nothing.
#[derive(Clone)]
pub struct Sentence(Words);

#[derive(Clone)]
enum Words {
    Fixed(&'static str),
    Shared(Arc<str>),
}

impl Deref for Sentence {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Words::Fixed(text) => text,
            Words::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Sentence {
    fn from(text: &'static str) -> Self {
        Self(Words::Fixed(text))
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self(Words::Shared(text.into()))
    }
}

impl PartialEq for Sentence {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Sentence {}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Sentence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
