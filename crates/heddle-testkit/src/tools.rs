//! The programs that are no Debian packages: the Kubernetes control plane, kwok, kubectl, kustomize, helm and sops.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

/// The tool's path, as `tests/tools/build.sh` finds or builds it. Asked once a process, for all tools.
pub fn path(name: &str) -> Result<PathBuf> {
    static ALL: OnceLock<std::result::Result<HashMap<String, PathBuf>, String>> = OnceLock::new();
    match ALL.get_or_init(|| find().map_err(|error| format!("{error:#}"))) {
        Ok(all) => all.get(name).cloned().with_context(|| format!("tests/tools/build.sh knows no `{name}`")),
        Err(error) => bail!("{error}"),
    }
}

fn find() -> Result<HashMap<String, PathBuf>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/build.sh");
    let output = Command::new(&script).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("could not run {}", script.display()))?;
    if !output.status.success() {
        bail!("{} failed ({}); what it needs stands above", script.display(), output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let pair = |line: &str| line.split_once(' ').map(|(name, path)| (name.to_owned(), PathBuf::from(path)));
    Ok(text.lines().filter_map(pair).collect())
}
