//! `heddle import`: what updates images today, as rules of `.heddle.yaml`.

use heddle_manifest::peers::{Imported, RENOVATE_FILES, beside_renovate, import};
use serde_json::json;

use crate::{
    command::image::{findings, tell_findings},
    config::ImportArguments,
    exit::{Exit, Failure},
    files::Manifests,
    screen::Screen,
};

/// Prints the rules, and what differs beside them.
pub(crate) fn run(arguments: &ImportArguments, screen: &Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let found = manifests.find();
    let mut imported = import(&manifests.files, &found);
    let renovate = RENOVATE_FILES.iter().find(|file| manifests.has_beside(file));
    imported.differs.extend(renovate.map(|file| beside_renovate(file)));
    if screen.is_json() {
        let Imported { config, rules, differs } = &imported;
        screen.json(&json!({"config": config, "rules": rules, "differs": differs, "findings": findings(&found)}))?;
        return Ok(Exit::Done);
    }
    tell_findings(&found, screen);
    screen.text(&imported.config)?;
    for difference in &imported.differs {
        screen.note(&format!("{}:{}: {}", difference.file, difference.line, difference.message));
    }
    if imported.rules == 0 && renovate.is_none() {
        screen
            .note("nothing here says how images are updated: no Flux marker or annotation, no Image Updater, no Keel");
    }
    Ok(Exit::Done)
}
