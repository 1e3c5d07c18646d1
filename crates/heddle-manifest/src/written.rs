//! Images as texts have them.

/// Splits `host:5000/name:tag@digest` into the name and the rest.
pub(crate) fn split_build(text: &str) -> (&str, &str) {
    let digest = text.find('@').unwrap_or(text.len());
    let name_end = text[..digest].rfind('/').map_or(0, |slash| slash + 1);
    let at = text[name_end..digest].find(':').map_or(digest, |colon| name_end + colon);
    text.split_at(at)
}
