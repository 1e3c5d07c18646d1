//! Intervals as people write them.

use std::time::Duration;

/// The longest that is kept: what is longer is never looked at by anybody.
const LONGEST_SECS: u64 = 90 * 24 * 3600;

/// `1h30m`; never less than a second, never more than 90 days.
pub fn read_interval(text: &str) -> Option<Duration> {
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
    (digits.is_empty() && !text.is_empty()).then(|| Duration::from_secs(total.clamp(1, LONGEST_SECS)))
}

#[cfg(test)]
mod tests;
