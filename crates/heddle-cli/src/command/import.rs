//! `heddle import`: what updates images today, as rules of `.heddle.yaml`.

use heddle_manifest::{
    Finding,
    config::CONFIG_FILE,
    peers::{Imported, RENOVATE_FILES, Renovate, import},
};
use serde_json::json;

use crate::{
    command::image::{UNREAD, findings},
    config::ImportArguments,
    exit::{Exit, Failure},
    files::Manifests,
    screen::Screen,
};

/// The findings of files in which rules may stand unseen.
const HIDING: [&str; 5] = ["broken-yaml", "broken-patch", "broken-kustomization", "too-large", "unread-marker"];

/// Prints the rules, and what differs beside them.
pub(crate) fn run(arguments: &ImportArguments, screen: &Screen) -> Result<Exit, Failure> {
    let manifests = Manifests::read(&arguments.path)?;
    let found = manifests.find();
    let load = |path: &str| manifests.read_beside(path);
    let renovate = RENOVATE_FILES.iter().find_map(|file| Some(Renovate::read(file, &load(file)?, &load)));
    let imported = import(&manifests.files, &found, renovate.as_ref());
    // What hides rules is told; what is wrong with images beside them, `image list` says.
    // It says too what is wrong with the rules that stand there already.
    let hides = |finding: &Finding| HIDING.contains(&finding.code) && finding.file != CONFIG_FILE;
    let hidden: Vec<_> = found.findings.iter().filter(|finding| hides(finding)).collect();
    let is_unread = hidden.iter().any(|finding| UNREAD.contains(&finding.code));
    let exit = if is_unread { Exit::Wrong } else { Exit::Done };
    if arguments.syncs && !screen.is_json() {
        screen.text(&imported.syncs)?;
        return Ok(exit);
    }
    if screen.is_json() {
        let Imported { config, rules, differs, syncs } = &imported;
        let findings = findings(&found);
        screen.json(
            &json!({"config": config, "rules": rules, "differs": differs, "syncs": syncs, "findings": findings}),
        )?;
        return Ok(exit);
    }
    for finding in &hidden {
        screen.note(&format!("{}:{}: {}", finding.file, finding.position.line, finding.message));
    }
    screen.text(&imported.config)?;
    for difference in &imported.differs {
        screen.note(&format!("{}:{}: {}", difference.file, difference.line, difference.message));
    }
    // Where something was said of it, it is no rule, and not nothing.
    if imported.rules == 0 && renovate.is_none() && imported.differs.is_empty() && hidden.is_empty() {
        screen
            .note("nothing here says how images are updated: no Flux marker or annotation, no Image Updater, no Keel, no Renovate");
    }
    let count = imported.syncs.matches("kind: Sync\n").count();
    if count > 0 {
        screen.note(&format!(
            "{count} Syncs stand for what Flux or Argo CD follow today: `heddle import --syncs` prints them"
        ));
    }
    Ok(exit)
}
