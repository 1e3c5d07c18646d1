//! Decimal numbers of any width, as tags and the parts of tags spell them.

use std::{borrow::Cow, cmp::Ordering};

/// A decimal number, exact however long it is: `20261123235959123456789` is greater than the same with a last `8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number<'a> {
    negative: bool,
    /// The value is `0.digits` times ten to this power.
    magnitude: i64,
    /// Without zeros at either end; empty for zero.
    digits: Cow<'a, str>,
}

impl<'a> Number<'a> {
    /// Reads `12`, `-3.5`, `+7`, `.5`, `1e3`; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
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
        let (leading_zeros, digits) = match fraction {
            "" => {
                let (zeros, digits) = without_zeros(whole);
                (zeros, Cow::Borrowed(digits))
            }
            fraction => {
                let all = format!("{whole}{fraction}");
                let (zeros, digits) = without_zeros(&all);
                (zeros, Cow::Owned(digits.to_owned()))
            }
        };
        let leading_zeros = i64::try_from(leading_zeros).ok()?;
        if digits.is_empty() {
            return Some(Self { negative: false, magnitude: 0, digits });
        }
        let magnitude = i64::try_from(whole.len()).ok()? - leading_zeros + exponent;
        Some(Self { negative, magnitude, digits })
    }

    /// The same, with text of its own.
    pub(super) fn into_owned(self) -> Number<'static> {
        Number { negative: self.negative, magnitude: self.magnitude, digits: Cow::Owned(self.digits.into_owned()) }
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

impl Ord for Number<'_> {
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

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How many zeros lead, and the digits without zeros at either end.
fn without_zeros(digits: &str) -> (usize, &str) {
    let significant = digits.trim_start_matches('0');
    (digits.len() - significant.len(), significant.trim_end_matches('0'))
}

/// At most nine digits, so that no sum of magnitudes overflows.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let fits = (1..=9).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
