//! Images in a few files, and other ones in their stead.

use heddle_core::{image::ImageRef, name::EnvironmentName};
use heddle_manifest::{
    Files, Found, Target, edit, find,
    find::{EnvironmentOrigin, FindInput, FoundEnvironment, Occurrence},
};

use crate::conformance::Outcome;

/// Every image in the files of a folder's closure; the empty path is the root.
pub fn found_in(files: &Files, path: &str) -> Found {
    let name = EnvironmentName::implicit_for(path);
    let environments = [FoundEnvironment::new(name, path.to_owned(), EnvironmentOrigin::Folder)];
    find(&FindInput { files, environments: &environments })
}

/// One file alone.
pub fn one_file(name: &str, text: &str) -> Files {
    let mut files = Files::default();
    files.insert(name.to_owned(), text.to_owned());
    files
}

/// What a place must be told to hold another image; the name only where that is another.
pub fn target(occurrence: &Occurrence, new: &str) -> Target {
    let image: ImageRef = new.parse().unwrap();
    let name = new.split('@').next().unwrap();
    let name = image.tag.as_ref().map_or(name, |tag| name.strip_suffix(&format!(":{tag}")).unwrap());
    Target {
        name: (image.repository != occurrence.image.repository).then(|| name.to_owned()),
        tag: image.tag,
        digest: image.digest,
    }
}

/// The text of a file once its places hold other images; `None` for a place that stays.
///
/// # Errors
/// With the reason when one of them is refused.
pub fn with_images(
    files: &Files,
    path: &str,
    file: &str,
    new: impl Fn(&Occurrence) -> Option<String>,
) -> Result<String, String> {
    let mut edits = Vec::new();
    for occurrence in found_in(files, path).occurrences.iter().filter(|place| place.place.file == file) {
        if let Some(new) = new(occurrence) {
            edits.extend(occurrence.edits(&target(occurrence, &new)).map_err(|error| error.to_string())?);
        }
    }
    edit(files.get(file).unwrap(), &edits).map_err(|error| error.to_string())
}

/// Agreed when the text is the expected one, byte by byte.
pub fn judge_text(actual: &Result<String, String>, expected: &str) -> Outcome {
    match actual {
        Ok(text) if text == expected => Outcome::Agreed,
        Ok(text) => Outcome::Wrong(format!("wrote\n{text}\ninstead of\n{expected}")),
        Err(reason) => Outcome::Wrong(format!("refused: {reason}")),
    }
}
