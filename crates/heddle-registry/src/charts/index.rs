//! The index of a repository of charts.
//!
//! Source: https://helm.sh/docs/topics/chart_repository/, "The index file". It is read as a stream, and of each version only
//! what is needed is kept: an index may have tens of megabytes.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use chrono::{DateTime, Utc};

use crate::limits::{MAX_INDEX_NODES, MAX_INDEX_TEXT_BYTES, MAX_INDEX_VERSIONS, MAX_KEPT_INDEX_BYTES};

/// What a repository has.
#[derive(Debug, Default)]
pub struct Index {
    charts: BTreeMap<String, Vec<Entry>>,
    size: Size,
}

/// What an index takes.
#[derive(Debug, Default)]
struct Size {
    /// Its charts and their versions.
    count: usize,
    /// What is kept of it, about.
    bytes: u64,
}

/// A version of a chart.
#[derive(Debug)]
pub struct Entry {
    version: Short,
    /// The SHA-256 of its package, where it is said.
    digest: Option<Short>,
    /// Where its package lies: an address, or the way from the repository on.
    urls: First,
    /// When it was made, as the repository says.
    created: Created,
}

/// A text of which an index may have many.
#[derive(Debug)]
struct Short(String);

/// A time, where something is one.
#[derive(Debug)]
struct Created(Option<DateTime<Utc>>);

/// The first text of a list that is not empty. Nobody asks for the others.
#[derive(Debug)]
struct First(Option<Short>);

impl Index {
    /// Reads it.
    ///
    /// # Errors
    /// When it is none, or has too much.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned())?;
        let mut index = Self::default();
        let told = |error: &dyn fmt::Display| format!("is no index of charts: {error}");
        if text.trim_start().starts_with('{') {
            let mut json = serde_json::Deserializer::from_str(text);
            Whole(&mut index).deserialize(&mut json).map_err(|error| told(&error))?;
        } else {
            // Only so is it read as it comes: every other way of duplicate or merged keys has mappings in memory, event by
            // event, before they are read, at eighty times their text. What is left of that, keys that are lists or mappings
            // and what is anchored, is bounded by the number of nodes.
            let options = serde_saphyr::options! {
                budget: serde_saphyr::budget! {
                    max_nodes: MAX_INDEX_NODES,
                    max_events: 2 * MAX_INDEX_NODES,
                    max_recorded_anchor_events: MAX_INDEX_NODES / 10,
                },
                duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::PassThrough,
                merge_keys: serde_saphyr::options::MergeKeyPolicy::AsOrdinary,
                with_snippet: false,
            };
            let read = |yaml: serde_saphyr::Deserializer<'_, '_>| Whole(&mut index).deserialize(yaml);
            serde_saphyr::with_deserializer_from_str_with_options(text, options, read).map_err(|error| told(&error))?;
        }
        Ok(index)
    }

    /// The versions of a chart.
    pub fn of(&self, chart: &str) -> &[Entry] {
        self.charts.get(chart).map_or(&[], Vec::as_slice)
    }

    /// How many bytes it takes in memory, about.
    pub fn bytes(&self) -> u64 {
        self.size.bytes
    }
}

impl Size {
    /// Counts a chart or a version with the texts that are kept of it.
    fn add<E: Error>(&mut self, texts: usize) -> Result<(), E> {
        self.count += 1;
        self.bytes += (size_of::<(String, Entry)>() + texts) as u64;
        if self.count > MAX_INDEX_VERSIONS {
            return Err(E::custom(format!("it has more than {MAX_INDEX_VERSIONS} charts and versions")));
        }
        if self.bytes > MAX_KEPT_INDEX_BYTES {
            return Err(E::custom(format!("its versions take more than {} MiB", MAX_KEPT_INDEX_BYTES >> 20)));
        }
        Ok(())
    }
}

impl Entry {
    /// Its version.
    pub fn version(&self) -> &str {
        &self.version.0
    }

    /// How many bytes its texts have.
    fn texts(&self) -> usize {
        let texts = [Some(&self.version), self.digest.as_ref(), self.urls.0.as_ref()];
        texts.into_iter().flatten().map(|text| text.0.len()).sum()
    }

    /// The SHA-256 of its package in hexadecimal digits.
    pub fn sha256(&self) -> Option<String> {
        let digest = self.digest.as_ref()?.0.trim();
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        (digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
    }

    /// When it was made, as the repository says.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created.0
    }

    /// Where its package lies.
    pub fn way(&self) -> Option<&str> {
        self.urls.0.as_ref().map(|way| way.0.as_str())
    }
}

/// The mapping of an index.
struct Whole<'i>(&'i mut Index);

/// Its `entries`.
struct Charts<'i>(&'i mut Index);

/// The versions of one chart.
struct Versions<'i>(&'i mut Size);

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
        while let Some(Short(name)) = map.next_key()? {
            self.0.size.add(name.len())?;
            let versions = map.next_value_seed(Versions(&mut self.0.size))?;
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
        while let Some(version) = list.next_element::<Entry>()? {
            self.0.add(version.texts())?;
            versions.push(version);
        }
        Ok(versions)
    }
}

/// By hand, field by field: a derived one is read as a struct, of which the whole mapping may be kept first.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version of a chart")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let (mut version, mut digest, mut urls, mut created) = (None, None, First(None), Created(None));
                while let Some(field) = map.next_key::<String>()? {
                    match field.as_str() {
                        "version" => version = Some(map.next_value()?),
                        "digest" => digest = map.next_value()?,
                        "urls" => urls = map.next_value()?,
                        "created" => created = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let version = version.ok_or_else(|| A::Error::missing_field("version"))?;
                Ok(Entry { version, digest, urls, created })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Short;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Short, E> {
                if text.len() > MAX_INDEX_TEXT_BYTES {
                    return Err(E::custom(format!("it has a text of more than {MAX_INDEX_TEXT_BYTES} bytes")));
                }
                Ok(Short(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Created {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Time;

        impl<'de> Visitor<'de> for Time {
            type Value = Created;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Created, E> {
                Ok(Created(text.trim().parse().ok()))
            }

            fn visit_unit<E: Error>(self) -> Result<Created, E> {
                Ok(Created(None))
            }
        }

        deserializer.deserialize_any(Time)
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of addresses")
            }

            fn visit_unit<E: Error>(self) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First, A::Error> {
                let mut first = None;
                while first.is_none() {
                    let Some(Short(text)) = list.next_element()? else { return Ok(First(None)) };
                    first = Some(Short(text)).filter(|text| !text.0.is_empty());
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_any(List)
    }
}

#[cfg(test)]
mod tests;
