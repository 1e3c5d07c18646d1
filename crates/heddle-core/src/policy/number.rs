//! Decimal numbers of any width, as tags and the parts of tags spell them.

use std::{borrow::Cow, cmp::Ordering};

/// A decimal number, exact however long it is: `20261123235959123456789` is greater than the same with a last `8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    negative: bool,
    /// The value is `0.digits` times ten to this power.
    magnitude: i64,
    /// Without zeros at either end; empty for zero.
    digits: String,
}

impl Number {
    /// Reads `12`, `-3.5`, `+7`, `.5`, `1e3`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let all = if fraction.is_empty() { Cow::Borrowed(whole) } else { Cow::Owned(format!("{whole}{fraction}")) };
        let significant = all.trim_start_matches('0');
        let leading_zeros = i64::try_from(all.len() - significant.len()).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, magnitude: 0, digits });
        }
        let magnitude = i64::try_from(whole.len()).ok()? - leading_zeros + exponent;
        Some(Self { negative, magnitude, digits })
    }

    /// The magnitude and the first digits in one, for positive numbers: two that differ are in the order of the numbers.
    pub(super) fn prefix(&self) -> u64 {
        const DIGITS: usize = 14;
        if self.digits.is_empty() || self.negative {
            return u64::from(self.digits.is_empty());
        }
        let magnitude = self.magnitude.clamp(-0x3fff, 0x3fff) + 0x4000;
        if magnitude == 1 || magnitude == 0x7fff {
            // Where magnitudes are cut off, digits say nothing.
            return magnitude.cast_unsigned() << 48;
        }
        let digits = self.digits.bytes().chain(std::iter::repeat(b'0')).take(DIGITS);
        (magnitude.cast_unsigned() << 48) | digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let signum = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        // Digits without zeros at their ends compare as text once the magnitudes are equal.
        let size = || self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits));
        signum(self).cmp(&signum(other)).then_with(|| match signum(self) {
            0 => Ordering::Equal,
            1 => size(),
            _ => size().reverse(),
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// At most nine digits, so that no sum of magnitudes overflows.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fits = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
