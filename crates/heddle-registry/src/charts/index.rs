//! The index of a repository of charts.
//!
//! Source: https://helm.sh/docs/topics/chart_repository/, "The index file". It is read as a stream, and of each version only
//! what is needed is kept: an index may have tens of megabytes.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use chrono::{DateTime, Utc};

use crate::limits::{MAX_INDEX_NODES, MAX_INDEX_TEXT_BYTES, MAX_INDEX_VERSIONS, MAX_KEPT_INDEX_BYTES};

/// What a repository has. What is wrong in one of its versions keeps no other from being read.
#[derive(Debug, Default)]
pub struct Index {
    charts: BTreeMap<String, Chart>,
    size: Size,
}

/// A chart of it.
#[derive(Debug, Default)]
struct Chart {
    versions: Vec<Entry>,
    /// How many entries are none that can be read.
    unread: usize,
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
    version: String,
    /// The SHA-256 of its package, where it is said.
    digest: Option<String>,
    /// Where its package lies: an address, or the way from the repository on.
    url: Option<String>,
    /// When it was made, as the repository says.
    created_at: Option<DateTime<Utc>>,
}

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
                non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
                merge_keys: serde_saphyr::options::MergeKeyPolicy::AsOrdinary,
                with_snippet: false,
            };
            let read = |yaml: serde_saphyr::Deserializer<'_, '_>| Whole(&mut index).deserialize(yaml);
            serde_saphyr::with_deserializer_from_str_with_options(text, options, read).map_err(|error| told(&error))?;
        }
        Ok(index)
    }

    /// The versions of a chart that can be read.
    pub fn of(&self, chart: &str) -> &[Entry] {
        self.charts.get(chart).map_or(&[], |chart| &chart.versions)
    }

    /// How many further entries of a chart are no version that can be read: without a version, or with one that is too long.
    pub fn unread(&self, chart: &str) -> usize {
        self.charts.get(chart).map_or(0, |chart| chart.unread)
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
        &self.version
    }

    /// How many bytes its texts have.
    fn texts(&self) -> usize {
        let texts = [Some(&self.version), self.digest.as_ref(), self.url.as_ref()];
        texts.into_iter().flatten().map(String::len).sum()
    }

    /// The SHA-256 of its package in hexadecimal digits.
    pub fn sha256(&self) -> Option<String> {
        let digest = self.digest.as_ref()?.trim();
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        (digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
    }

    /// When it was made, as the repository says.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_at
    }

    /// Where its package lies.
    pub fn way(&self) -> Option<&str> {
        self.url.as_deref()
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
        while let Some(name) = map.next_key::<String>()? {
            if name.len() > MAX_INDEX_TEXT_BYTES {
                // No chart is asked for by such a name.
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.0.size.add(name.len())?;
            let chart = map.next_value_seed(Versions(&mut self.0.size))?;
            self.0.charts.insert(name, chart);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Versions<'_> {
    type Value = Chart;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Chart, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Versions<'_> {
    type Value = Chart;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of versions")
    }

    fn visit_unit<E: Error>(self) -> Result<Chart, E> {
        Ok(Chart::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Chart, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(Chart { unread: 1, ..Chart::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Chart, A::Error> {
        let mut chart = Chart::default();
        while let Some(Loose(entry)) = list.next_element::<Loose<Entry>>()? {
            self.0.add(entry.as_ref().map_or(0, Entry::texts))?;
            match entry {
                Some(entry) => chart.versions.push(entry),
                None => chart.unread += 1,
            }
        }
        Ok(chart)
    }
}

/// Something that counts as nothing where it is of another kind.
struct Loose<T>(Option<T>);

/// What a loose value is read from, by hand: a derived struct may be kept in memory whole first.
trait Read: Sized {
    /// From a text.
    fn of_text(_: &str) -> Option<Self> {
        None
    }

    /// From a list.
    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_seq(list).map(|_| None)
    }

    /// From a mapping.
    fn of_mapping<'de, A: MapAccess<'de>>(mapping: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(mapping).map(|_| None)
    }
}

impl Read for Entry {
    fn of_mapping<'de, A: MapAccess<'de>>(mut mapping: A) -> Result<Option<Self>, A::Error> {
        // These two are texts even where they look like numbers: `1.10`, sixty-four zeros.
        let (mut version, mut digest) = (None::<String>, None::<String>);
        let (mut url, mut created) = (Loose(None), Loose(None));
        while let Some(field) = mapping.next_key::<String>()? {
            match field.as_str() {
                "version" => version = mapping.next_value()?,
                "digest" => digest = mapping.next_value()?,
                "urls" => url = mapping.next_value()?,
                "created" => created = mapping.next_value()?,
                _ => drop(mapping.next_value::<IgnoredAny>()?),
            }
        }
        let Loose(first) = url;
        let is_short = |text: &String| text.len() <= MAX_INDEX_TEXT_BYTES;
        // Without its digest it would be taken for one that has none.
        let version = version.filter(|version| is_short(version) && digest.iter().all(is_short));
        Ok(version.map(|version| Self {
            version,
            digest,
            url: first.and_then(|First(url)| url),
            created_at: created.0,
        }))
    }
}

impl Read for String {
    fn of_text(text: &str) -> Option<Self> {
        (text.len() <= MAX_INDEX_TEXT_BYTES).then(|| text.to_owned())
    }
}

impl Read for DateTime<Utc> {
    fn of_text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

/// The first text of a list that is not empty. Nobody asks for the others.
struct First(Option<String>);

impl Read for First {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut first = None;
        while first.is_none() {
            let Some(Loose(text)) = list.next_element::<Loose<String>>()? else { return Ok(None) };
            first = text.filter(|text| !text.is_empty());
        }
        IgnoredAny.visit_seq(list)?;
        Ok(Some(Self(first)))
    }
}

impl<'de, T: Read> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);

        impl<'de, T: Read> Visitor<'de> for Any<T> {
            type Value = Loose<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_unit<E: Error>(self) -> Result<Loose<T>, E> {
                Ok(Loose(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Loose<T>, E> {
                Ok(Loose(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Loose<T>, E> {
                Ok(Loose(None))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Loose<T>, E> {
                Ok(Loose(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Loose<T>, E> {
                Ok(Loose(None))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Loose<T>, E> {
                Ok(Loose(T::of_text(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Loose<T>, A::Error> {
                T::of_list(list).map(Loose)
            }

            fn visit_map<A: MapAccess<'de>>(self, mapping: A) -> Result<Loose<T>, A::Error> {
                T::of_mapping(mapping).map(Loose)
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}

#[cfg(test)]
mod tests;
