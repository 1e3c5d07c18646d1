use std::{collections::BTreeMap, fs};

use clap::Parser;

use super::*;
use crate::limits::MAX_FILE_BYTES;

#[derive(Debug, Parser)]
#[command(args_override_self = true)]
struct Settings {
    #[arg(long, env = "DATABASE_URL")]
    database_url: Option<String>,
    #[arg(long, env = "HEDDLE_LOG", default_value = "info")]
    log: String,
    #[arg(long, env = "HEDDLE_ALLOW_REGISTRIES", value_delimiter = ',')]
    allow_registries: Vec<String>,
    #[arg(long, env = "HEDDLE_CA_FILE")]
    ca_file: Option<String>,
    #[arg(long, env = "PATH")]
    path: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Look,
}

/// The settings with files of this content, by the variable that names one, and other variables as they are.
fn read(files: &[(&str, &str)], others: &[(&str, &str)], arguments: &[&str]) -> Result<Settings, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let mut variables: BTreeMap<String, OsString> =
        others.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        variables.insert((*name).to_owned(), path.into());
    }
    let arguments = ["program"].iter().chain(arguments).map(|text| (*text).into());
    let whole = with_files::<Settings>(arguments, |name| variables.get(name).cloned())?;
    Ok(Settings::parse_from(whole))
}

#[test]
fn a_setting_stands_in_the_file_that_its_variable_names() {
    let settings = read(&[("DATABASE_URL_FILE", "postgres://me:pass@host/db\r\n")], &[], &["look"]).unwrap();
    assert_eq!(settings.database_url.as_deref(), Some("postgres://me:pass@host/db"));
    assert_eq!(settings.log, "info");
    assert!(settings.command.is_some());
    // A value that looks like a flag is a value.
    assert_eq!(read(&[("HEDDLE_LOG_FILE", "--path=x\n")], &[], &[]).unwrap().log, "--path=x");
}

#[test]
fn the_command_line_wins_over_a_file_and_an_empty_variable_names_none() {
    assert_eq!(read(&[("HEDDLE_LOG_FILE", "debug")], &[], &["--log", "warn"]).unwrap().log, "warn");
    let list = [("HEDDLE_ALLOW_REGISTRIES_FILE", "a.lan,b.lan")];
    assert_eq!(read(&list, &[], &[]).unwrap().allow_registries, ["a.lan", "b.lan"]);
    // It narrows what the file allows.
    for narrow in [&["--allow-registries", "c.lan"][..], &["--allow-registries=c.lan"]] {
        assert_eq!(read(&list, &[], narrow).unwrap().allow_registries, ["c.lan"]);
    }
    assert_eq!(read(&[], &[("HEDDLE_LOG_FILE", "")], &[]).unwrap().log, "info");
    assert_eq!(read(&[("HEDDLE_LOG_FILE", "debug")], &[("HEDDLE_LOG", "")], &[]).unwrap().log, "debug");
}

#[test]
fn files_of_files_and_variables_of_others_are_not_read() {
    let settings = read(&[("HEDDLE_CA_FILE_FILE", "x"), ("PATH_FILE", "x")], &[], &[]).unwrap();
    assert!(settings.ca_file.is_none() && settings.path.as_deref() != Some("x"));
}

#[test]
fn a_setting_that_is_said_twice_or_cannot_be_read_is_refused_and_not_repeated() {
    let twice = read(&[("DATABASE_URL_FILE", "secret")], &[("DATABASE_URL", "secret")], &[]).unwrap_err().to_string();
    assert_eq!(twice, "DATABASE_URL_FILE: DATABASE_URL is set too; keep one of them");
    let missing = read(&[], &[("HEDDLE_LOG_FILE", "/nowhere")], &[]).unwrap_err().to_string();
    assert!(missing.starts_with("HEDDLE_LOG_FILE: `/nowhere` cannot be read"), "{missing}");
    let large = read(&[("HEDDLE_LOG_FILE", &"x".repeat(MAX_FILE_BYTES + 1))], &[], &[]).unwrap_err().to_string();
    assert!(large.contains("is larger than 1024 KiB") && large.len() < 500, "{large}");
}

#[test]
fn a_text_is_the_variables_or_the_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from the file\n").unwrap();
    let path = OsString::from(file.path());
    let of_file = |name: &str| (name == "HEDDLE_TOKEN_FILE").then(|| path.clone());
    assert_eq!(find_text("HEDDLE_TOKEN", of_file).unwrap().as_deref(), Some("from the file"));
    let of_variable = |name: &str| (name == "HEDDLE_TOKEN").then(|| "said".into());
    assert_eq!(find_text("HEDDLE_TOKEN", of_variable).unwrap().as_deref(), Some("said"));
    assert_eq!(find_text("HEDDLE_TOKEN", |_| None).unwrap(), None);
}
