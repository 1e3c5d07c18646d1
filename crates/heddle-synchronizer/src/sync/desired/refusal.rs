//! Where in a file the field stands that the API server refuses.

use heddle_manifest::documents::line_of;

/// What stands before the field in messages of server-side apply and of validation.
const BEFORE_FIELD: [&str; 2] = ["): ", " is invalid: "];

/// The line of the first field that a message names, in the document that starts at `document_line`.
pub(super) fn line_in(text: &str, document_line: u32, message: &str) -> Option<u32> {
    line_of(text, document_line, field_of(message)?)
}

/// The first field that a message names, as it writes it.
fn field_of(message: &str) -> Option<&str> {
    let (_, after) = BEFORE_FIELD.iter().find_map(|before| message.split_once(before))?;
    // Several faults come as a list, or as lines below a heading.
    let after = after.strip_prefix("errors:").unwrap_or(after).trim_start().trim_start_matches('[');
    let (field, _) = after.split_once(": ")?;
    (!field.contains(char::is_whitespace)).then_some(field)
}

#[cfg(test)]
mod tests;
