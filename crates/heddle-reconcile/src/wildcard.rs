//! Patterns in which `*` stands for any text, as in what a Sync ignores and in the words of health rules.

/// Whether a text fits a pattern; `*` stands for any text, also for none.
///
/// What stands between the stars is looked for from the left, once, so the time grows with the length of both and a
/// hostile pattern cannot make it explode.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let inner = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail));
    inner.is_some_and(|inner| holds_in_turn(inner, middle))
}

/// Whether the parts of a pattern stand in a text one after the other.
fn holds_in_turn(mut text: &str, parts: &str) -> bool {
    parts.split('*').all(|part| match text.split_once(part) {
        Some((_, after)) => {
            text = after;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests;
