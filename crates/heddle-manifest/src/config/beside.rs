//! What is said of an image right beside it.

use heddle_core::change::Mode;

use super::{
    Beside, Ruling,
    fields::Report,
    images::{of_images, read_ruling},
};
use crate::{
    FoundPolicy,
    finding::Finding,
    yaml::{Documents, Position},
};

const KEYS: &[&str] = &["policy", "mode"];

/// Reads the comment behind a value, which is an image's or, where `is_chart`, a version of a chart. One that is broken governs
/// too, and updates nothing.
pub(crate) fn read_comment(
    found: &FoundPolicy,
    file: &str,
    line: u32,
    is_chart: bool,
) -> Option<(Beside, Vec<Finding>)> {
    let FoundPolicy::Comment { text } = found else { return None };
    let mut report = Report::default();
    let documents = Documents::read(text);
    let start = Position { line, column: 1 };
    if let Some(error) = &documents.error {
        let message =
            format!("the comment `# heddle:` cannot be read, so this image is not updated: {}", error.message);
        report.add(start, "broken-comment", message);
    }
    let root = documents.roots.first().filter(|_| documents.error.is_none());
    let fields = root.and_then(|root| report.fields(root, "the comment `# heddle:`", KEYS));
    let ruling = fields.map(|fields| read_ruling(fields, &mut report));
    let policy = ruling.as_ref().and_then(|(policy, _)| policy.as_ref()).filter(|_| is_chart);
    for key in policy.into_iter().flat_map(of_images) {
        let message = format!("`{key}` asks for what only images have, so this comment beside a chart updates nothing");
        report.add(start, "wrong-value", message);
    }
    let findings = report.into_findings();
    let is_sound = findings.iter().all(|finding| !finding.blocks);
    let at_value = |finding: Finding| Finding { file: file.to_owned(), position: start, ..finding };
    let (policy, mode) = ruling.unwrap_or((None, Mode::Observe));
    let ruling = Ruling { file: file.to_owned(), line, policy: policy.filter(|_| is_sound), mode, interval: None };
    Some((Beside::Comment(ruling), findings.into_iter().map(at_value).collect()))
}

#[cfg(test)]
mod tests;
