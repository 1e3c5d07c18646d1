//! Why a policy cannot be followed.

use chrono::TimeDelta;

use super::{Pattern, PatternError, age::parse_age, limit::MAX_PATTERNS, platform::Platform};

/// Why a policy cannot be followed: the field at fault and a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The field of the policy, as it is written.
    pub field: &'static str,
    /// What is wrong, and the remedy.
    pub message: String,
}

/// Faults as they are found. All come at once.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<PolicyFault>);

impl Faults {
    pub(super) fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(PolicyFault { field, message: message.into() });
    }

    /// The value, or its error as a fault.
    pub(super) fn kept<T, E: std::fmt::Display>(&mut self, field: &'static str, outcome: Result<T, E>) -> Option<T> {
        outcome.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// The policy when there is no fault.
    pub(super) fn or<T>(self, policy: Option<T>) -> Result<T, Vec<PolicyFault>> {
        policy.filter(|_| self.0.is_empty()).ok_or(self.0)
    }

    pub(super) fn patterns(
        &mut self,
        field: &'static str,
        texts: &[String],
        read: impl Fn(&str) -> Result<Pattern, PatternError>,
    ) -> Vec<Pattern> {
        if texts.len() > MAX_PATTERNS {
            let message = format!("it holds {} patterns, and {MAX_PATTERNS} are the most: join some", texts.len());
            self.add(field, message);
            return Vec::new();
        }
        texts.iter().filter_map(|text| self.kept(field, read(text))).collect()
    }

    pub(super) fn platforms(&mut self, field: &'static str, texts: &[String]) -> Vec<Platform> {
        let read = |text: &String| {
            let wrong = || format!("`{text}` is no platform: write for example `linux/amd64` or `linux/arm/v7`");
            self.kept(field, Platform::parse(text).ok_or_else(wrong))
        };
        texts.iter().filter_map(read).collect()
    }

    pub(super) fn age(&mut self, field: &'static str, text: &str) -> Option<TimeDelta> {
        let wrong = || format!("`{text}` is no length of time: write for example `2d`, `36h` or `1w`");
        self.kept(field, parse_age(text).ok_or_else(wrong))
    }

    pub(super) fn tag(&mut self, field: &'static str, text: &str) -> Option<String> {
        self.kept(field, text.parse::<crate::image::Tag>()).map(String::from)
    }
}
