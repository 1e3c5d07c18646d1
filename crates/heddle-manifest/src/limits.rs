//! What of foreign files is taken, for `docs/reference/limits.md`.

use heddle_core::limit::Limit;

use crate::{
    config::{MAX_CONFIG_BYTES, MAX_EQUAL_ENTRIES, MAX_EXPECTATIONS, MAX_FINDINGS},
    find::MAX_WALKED,
    intake::{MAX_BRANCH_BYTES, MAX_BRANCH_FILES, MAX_FILE_BYTES, MAX_KEPT},
    kustomize::MAX_EXPRESSION_BYTES,
    peers::MAX_RENOVATE_FILES,
    yaml::{MAX_DEPTH, MAX_FIELD_BYTES, MAX_NODES},
};

/// Every limit of this crate.
pub const LIMITS: &[Limit] = &[
    Limit::bytes("a manifest", MAX_FILE_BYTES, "finding `too-large`; its images are not seen"),
    Limit::bytes("all manifests of a branch", MAX_BRANCH_BYTES, "finding `too-large` for each file that is left out"),
    Limit::count(
        "manifests of a branch",
        MAX_BRANCH_FILES as u64,
        "finding `too-large` for each file that is left out",
    ),
    Limit::count(
        "values of a YAML text, those behind aliases counted at each alias",
        MAX_NODES as u64,
        "finding `broken-yaml`; the file is not read",
    ),
    Limit::count("depth of a YAML text", MAX_DEPTH as u64, "finding `broken-yaml`; the file is not read"),
    Limit::bytes("way to a value", MAX_FIELD_BYTES as u64, "the image is listed, and not updated"),
    Limit::count(
        "values that are kept of a branch, an image counted as eight",
        MAX_KEPT as u64,
        "finding `too-large`; the images of that file are not updated",
    ),
    Limit::count(
        "files, references and images that a search walks, each as often as it is led to",
        MAX_WALKED as u64,
        "finding `too-large`; what comes behind is not updated",
    ),
    Limit::bytes(
        "an expression in a patch's `target`, once compiled",
        MAX_EXPRESSION_BYTES as u64,
        "finding `broken-patch`; what the patch may change is not updated",
    ),
    Limit::count(
        "files of Renovate's configuration, presets of the same repository with it",
        MAX_RENOVATE_FILES as u64,
        "those behind them are not read by `heddle import`",
    ),
    Limit::bytes("`.heddle.yaml`", MAX_CONFIG_BYTES, "finding `too-large`; nothing is written"),
    Limit::count(
        "entries of `drift` in `.heddle.yaml`",
        MAX_EXPECTATIONS as u64,
        "finding `wrong-value`; those behind them are not asked for",
    ),
    Limit::count(
        "entries of `.heddle.yaml` that say the same and are changed at once",
        MAX_EQUAL_ENTRIES as u64,
        "refused; a person keeps one of them",
    ),
    Limit::count("findings of `.heddle.yaml`", MAX_FINDINGS as u64, "one more says how many are not told"),
];
