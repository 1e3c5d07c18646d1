//! The index of a repository of charts.
//!
//! Source: https://helm.sh/docs/topics/chart_repository/, "The index file". It is read as a stream, and of each version only
//! what is needed is kept: an index may have tens of megabytes.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::limits::{MAX_INDEX_BYTES, MAX_INDEX_VERSIONS};

/// What a repository has.
#[derive(Debug, Default)]
pub(super) struct Index {
    charts: BTreeMap<String, Vec<Entry>>,
    count: usize,
}

/// A version of a chart.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) version: String,
    /// The SHA-256 of its package, where it is said.
    digest: Option<String>,
    /// Where its package lies: an address, or the way from the repository on.
    #[serde(default)]
    urls: Option<Vec<String>>,
}

impl Index {
    /// Reads it.
    ///
    /// # Errors
    /// When it is none, or has too many versions.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned())?;
        let mut index = Self::default();
        let told = |error: &dyn fmt::Display| format!("is no index of charts: {error}");
        if text.trim_start().starts_with('{') {
            let mut json = serde_json::Deserializer::from_str(text);
            Whole(&mut index).deserialize(&mut json).map_err(|error| told(&error))?;
        } else {
            // Every node takes two bytes at least, so the length is the bound.
            let options = serde_saphyr::options! {
                budget: serde_saphyr::budget! { max_nodes: MAX_BYTES, max_events: 2 * MAX_BYTES },
                duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
                with_snippet: false,
            };
            let read = |yaml: serde_saphyr::Deserializer<'_, '_>| Whole(&mut index).deserialize(yaml);
            serde_saphyr::with_deserializer_from_str_with_options(text, options, read).map_err(|error| told(&error))?;
        }
        Ok(index)
    }

    /// The versions of a chart.
    pub(super) fn of(&self, chart: &str) -> &[Entry] {
        self.charts.get(chart).map_or(&[], Vec::as_slice)
    }

    /// How many versions it has.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Entry {
    /// The SHA-256 of its package in hexadecimal digits.
    pub(super) fn sha256(&self) -> Option<String> {
        let digest = self.digest.as_deref()?.trim();
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        (digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
    }

    /// Where its package lies.
    pub(super) fn way(&self) -> Option<&str> {
        self.urls.as_ref()?.iter().map(String::as_str).find(|way| !way.is_empty())
    }
}

const MAX_BYTES: usize = MAX_INDEX_BYTES as usize;

/// The mapping of an index.
struct Whole<'i>(&'i mut Index);

/// Its `entries`.
struct Charts<'i>(&'i mut Index);

/// The versions of one chart.
struct Versions<'i>(&'i mut usize);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_entries = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "entries" {
                has_entries = true;
                map.next_value_seed(Charts(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if has_entries { Ok(()) } else { Err(A::Error::missing_field("entries")) }
    }
}

impl<'de> DeserializeSeed<'de> for Charts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Charts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of charts")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let versions = map.next_value_seed(Versions(&mut self.0.count))?;
            self.0.charts.insert(name, versions);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = Vec<Entry>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Entry>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of versions")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<Entry>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Entry>, A::Error> {
        let mut versions = Vec::new();
        while let Some(version) = list.next_element()? {
            *self.0 += 1;
            if *self.0 > MAX_INDEX_VERSIONS {
                return Err(A::Error::custom(format!("it has more than {MAX_INDEX_VERSIONS} versions")));
            }
            versions.push(version);
        }
        Ok(versions)
    }
}

#[cfg(test)]
mod tests;
