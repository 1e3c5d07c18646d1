//! Limits on what comes from outside, as `docs/reference/limits.md` tells them.
//!
//! Each crate with limits exports `pub const LIMITS: &[Limit]` from a module `limits`, built from the very constants that
//! the code obeys, and has one test that holds its section of the page against it:
//!
//! ```text
//! // src/limits.rs
//! pub const LIMITS: &[Limit] = &[
//!     Limit::bytes("a push notice", NOTICE_LIMIT_BYTES, "413 `body-too-large`"),
//!     Limit::count("pushes in a notice", MOST_PUSHES, "413 `too-many-pushes`").or("HEDDLE_MOST_PUSHES"),
//! ];
//!
//! // tests/it/limits.rs; `HEDDLE_UPDATE=1 cargo test -p CRATE limits` writes the section
//! #[test]
//! fn the_page_tells_the_limits_of_this_crate() {
//!     let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/limits.md");
//!     let page = std::fs::read_to_string(file).unwrap();
//!     let told = heddle_core::limit::tell(&page, env!("CARGO_PKG_NAME"), heddle_api::limits::LIMITS);
//!     if std::env::var_os("HEDDLE_UPDATE").is_some() {
//!         std::fs::write(file, &told).unwrap();
//!     } else {
//!         assert!(page == told, "run `HEDDLE_UPDATE=1 cargo test -p {} limits`", env!("CARGO_PKG_NAME"));
//!     }
//! }
//! ```

use std::{fmt::Write, time::Duration};

/// A limit: on what, how much, and what a person sees when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    what: &'static str,
    most: Amount,
    seen: &'static str,
    setting: Option<&'static str>,
}

/// How much is taken at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Bytes(u64),
    Count(u64),
    Time(Duration),
    Rate(u64, Duration),
}

impl Limit {
    /// At most `bytes` of `what`.
    pub const fn bytes(what: &'static str, bytes: u64, seen: &'static str) -> Self {
        Self::new(what, Amount::Bytes(bytes), seen)
    }

    /// At most `count` of `what`, which names the things: "tags of one image", "depth of a tree".
    pub const fn count(what: &'static str, count: u64, seen: &'static str) -> Self {
        Self::new(what, Amount::Count(count), seen)
    }

    /// `what` ends after `time`.
    pub const fn time(what: &'static str, time: Duration, seen: &'static str) -> Self {
        Self::new(what, Amount::Time(time), seen)
    }

    /// At most `count` of `what` in each `time`.
    pub const fn rate(what: &'static str, count: u64, time: Duration, seen: &'static str) -> Self {
        Self::new(what, Amount::Rate(count, time), seen)
    }

    /// The setting with which whoever runs the program changes it.
    #[must_use]
    pub const fn or(self, setting: &'static str) -> Self {
        Self { setting: Some(setting), ..self }
    }

    const fn new(what: &'static str, most: Amount, seen: &'static str) -> Self {
        Self { what, most, seen, setting: None }
    }

    fn row(&self) -> String {
        let setting = self.setting.map(|name| format!(" (`{name}`)")).unwrap_or_default();
        format!("| {} | {}{setting} | {} |\n", self.what, self.most.in_words(), self.seen)
    }
}

impl Amount {
    fn in_words(self) -> String {
        match self {
            Self::Bytes(bytes) => bytes_in_words(bytes),
            Self::Count(count) => grouped(count),
            Self::Time(time) => time_in_words(time),
            Self::Rate(count, time) => format!("{} each {}", grouped(count), time_in_words(time)),
        }
    }
}

/// The page with the section of `name`, a crate, as its limits are now. Sections stand in the order of their names,
/// each between two comments; one that is not there yet is put in.
pub fn tell(page: &str, name: &str, limits: &[Limit]) -> String {
    let mut section =
        format!("{}\n\n## {name}\n\n| What | At most | When it is reached |\n|---|---|---|\n", begin(name));
    for limit in limits {
        section.push_str(&limit.row());
    }
    let _ = write!(section, "\n{END}\n");
    let mut parts = page.split(BEGIN);
    let mut told = parts.next().unwrap_or_default().trim_end().to_owned();
    let others = parts.filter_map(|part| {
        let (other, _) = part.split_once(' ')?;
        Some((other, format!("{BEGIN}{part}")))
    });
    let mut sections: Vec<(&str, String)> = others.filter(|(other, _)| *other != name).collect();
    sections.push((name, section));
    sections.sort();
    for (_, section) in sections {
        told.push_str("\n\n");
        told.push_str(section.trim_end());
    }
    told.push('\n');
    told
}

const BEGIN: &str = "<!-- limits of ";
const END: &str = "<!-- end -->";

fn begin(name: &str) -> String {
    format!("{BEGIN}{name} -->")
}

fn bytes_in_words(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, word)) => format!("{} {word}", grouped(bytes / unit)),
        None => format!("{} bytes", grouped(bytes)),
    }
}

fn time_in_words(time: Duration) -> String {
    let secs = time.as_secs();
    let units = [(24 * 3600, "d"), (3600, "h"), (60, "min"), (1, "s")];
    match units.into_iter().find(|(unit, _)| secs >= *unit && secs.is_multiple_of(*unit)) {
        Some((unit, word)) if time.subsec_nanos() == 0 => format!("{} {word}", secs / unit),
        _ => format!("{} ms", time.as_millis()),
    }
}

/// `100,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
