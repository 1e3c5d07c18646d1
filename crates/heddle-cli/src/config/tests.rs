use std::collections::BTreeSet;

use clap::CommandFactory;

use super::*;

#[test]
fn the_arguments_hold_together() {
    Arguments::command().debug_assert();
}

#[test]
fn logins_are_kept_where_xdg_says() {
    let check = |xdg: Option<&str>, home: Option<&str>, expected: Option<&str>| {
        assert_eq!(find_config_dir(xdg.map(Into::into), home.map(Into::into)), expected.map(PathBuf::from));
    };
    check(Some("/x"), Some("/home/ada"), Some("/x/heddle"));
    check(Some("relative"), Some("/home/ada"), Some("/home/ada/.config/heddle"));
    check(None, Some("/home/ada"), Some("/home/ada/.config/heddle"));
    check(None, None, None);
}

#[test]
fn help_shows_no_token() {
    assert!(!Arguments::command().render_long_help().to_string().contains("--token "));
}

#[test]
fn each_command_that_takes_a_program_looks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("kustomize");
    std::fs::write(&program, "").unwrap();
    let takes = |command: &&clap::Command| command.get_arguments().any(|argument| argument.get_id() == "kustomize");
    let arguments = Arguments::command();
    let commands: BTreeSet<&str> = arguments.get_subcommands().filter(takes).map(clap::Command::get_name).collect();
    assert_eq!(commands, BTreeSet::from(["diff", "render"]));
    for name in commands {
        let mut command = Arguments::try_parse_from(["heddle", name, "."]).unwrap().command;
        let programs = command.programs().unwrap();
        programs.find(&format!("/nowhere:{}", folder.path().display()));
        assert_eq!(programs.kustomize, program, "{name}");
    }
}
