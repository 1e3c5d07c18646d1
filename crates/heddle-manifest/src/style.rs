//! How a text must be written so that every YAML reader takes it for the same text.

use std::sync::LazyLock;

use granit_parser::ScalarStyle;
use regex::Regex;

/// What YAML 1.1 or 1.2 readers take for something else than a text: null, booleans, numbers (also octal, binary,
/// base 60 and with `_`), dates.
static OTHER_TYPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:|~|(?i:null|true|false|yes|no|on|off|y|n)",
        r"|[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)",
        r"|[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?",
        r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
        r"|[-+]?\.(?i:inf)|\.(?i:nan)",
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?)$",
    ))
    .expect("the expression is fixed and valid")
});

/// Texts that are safe without quotes in block and flow notation: no indicator first, no `#`, no brackets, single spaces
/// between words.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[A-Za-z0-9_./$(][A-Za-z0-9_./:@+$()=~^-]*(?: [A-Za-z0-9_./@+$()=~^-]+)*$")
        .expect("the expression is fixed and valid")
});

/// Whether a reader may take the text, written without quotes, for another type than a text.
pub(crate) fn is_other_type(text: &str) -> bool {
    OTHER_TYPE.is_match(text)
}

/// What is left of a text that readers take for a number with a fraction when they write it again: `1.1` of `1.10`.
pub(crate) fn as_fraction(text: &str) -> Option<String> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once('.')?;
    (is_digits(whole) && is_digits(fraction))
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .map(|number| number.to_string())
}

/// Whether the text, written without quotes, may be taken for another type or for other syntax.
pub fn needs_quotes(text: &str) -> bool {
    OTHER_TYPE.is_match(text) || !PLAIN.is_match(text) || text.ends_with(':') || text.contains(": ")
}

/// The notation of a text that replaces one in `style`: the same, but for a plain text that needs quotes.
pub fn notation(text: &str, style: ScalarStyle) -> ScalarStyle {
    if style == ScalarStyle::Plain && needs_quotes(text) { ScalarStyle::DoubleQuoted } else { style }
}

/// Writes a text in a notation; of a block it is the one line. `None` for texts with control characters.
pub fn written(text: &str, style: ScalarStyle) -> Option<String> {
    // A line separator ends a line to YAML 1.1.
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')) {
        return None;
    }
    Some(match style {
        ScalarStyle::DoubleQuoted => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        ScalarStyle::SingleQuoted => format!("'{}'", text.replace('\'', "''")),
        _ => text.to_owned(),
    })
}
