//! The spec of a Sync, read.

use std::time::Duration;

use heddle_core::git::{BranchName, RepoUrl};
use heddle_kube::sync::SyncSpec;
use url::Url;

/// What a Sync follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    pub address: Url,
    pub repository: RepoUrl,
    pub branch: BranchName,
    /// Without slashes at its ends.
    pub path: String,
    pub interval: Duration,
}

impl Spec {
    /// Reads what the API server let through; a fault comes as a sentence.
    pub fn read(spec: &SyncSpec) -> Result<Self, String> {
        let address =
            Url::parse(&spec.repository).map_err(|error| format!("`spec.repository` is no address: {error}"))?;
        let repository = RepoUrl::try_from(spec.repository.clone()).map_err(|error| error.to_string())?;
        let branch = spec.branch.parse().map_err(|error| format!("`spec.branch`: {error}"))?;
        let interval = read_interval(&spec.interval)
            .ok_or_else(|| format!("`spec.interval` is `{}`: write it like `90s`, `1m` or `1h30m`", spec.interval))?;
        Ok(Self { address, repository, branch, path: spec.path.trim_matches('/').to_owned(), interval })
    }
}

/// `1h30m`; never less than a second.
fn read_interval(text: &str) -> Option<Duration> {
    let (mut total, mut digits) = (0_u64, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        total = digits.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(total)?;
        digits.clear();
    }
    (digits.is_empty() && !text.is_empty()).then(|| Duration::from_secs(total.clamp(1, 7 * 24 * 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_people_write_them() {
        let read = |text| read_interval(text).map(|interval| interval.as_secs());
        assert_eq!(read("90s"), Some(90));
        assert_eq!(read("1h30m"), Some(5400));
        assert_eq!(read("0s"), Some(1));
        assert_eq!([read(""), read("10"), read("1d"), read("m")], [None; 4]);
    }
}
