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
        r"|[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?",
        r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
        r"|[-+]?\.(?i:inf)|\.(?i:nan)",
        r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)$",
    ))
    .expect("the expression is fixed and valid")
});

/// Texts that are safe without quotes in block and flow notation: no indicator first, no space, no `#`, no brackets.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[A-Za-z0-9_./$(][A-Za-z0-9_./:@+$()=~^-]*$").expect("the expression is fixed and valid")
});

/// Whether the text, written without quotes, may be taken for another type or for other syntax.
pub fn needs_quotes(text: &str) -> bool {
    OTHER_TYPE.is_match(text) || !PLAIN.is_match(text) || text.ends_with(':')
}

/// Writes a text in the notation of the value that it replaces; a plain value gets quotes where it needs them. `None`
/// for block notation, and for texts with control characters.
pub fn written(text: &str, style: ScalarStyle) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    match style {
        ScalarStyle::Plain if !needs_quotes(text) => Some(text.to_owned()),
        ScalarStyle::Plain | ScalarStyle::DoubleQuoted => {
            Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        ScalarStyle::SingleQuoted => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => None,
    }
}
