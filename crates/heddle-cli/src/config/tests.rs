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
    let programs = ["kustomize", "helm", "sops"].map(|name| folder.path().join(name));
    programs.iter().for_each(|program| std::fs::write(program, "").unwrap());
    let takes = |command: &&clap::Command| command.get_arguments().any(|argument| argument.get_id() == "kustomize");
    let arguments = Arguments::command();
    let commands: BTreeSet<&str> = arguments.get_subcommands().filter(takes).map(clap::Command::get_name).collect();
    assert_eq!(commands, BTreeSet::from(["diff", "render"]));
    let find = |name: &str| {
        let mut command = Arguments::try_parse_from(["heddle", name, "."]).unwrap().command;
        command.find_programs(&format!("/nowhere:{}", folder.path().display()));
        match command {
            Command::Diff(arguments) => arguments.cluster.programs,
            Command::Render(arguments) => arguments.programs,
            _ => panic!("{name} takes a program that this test does not know"),
        }
    };
    for name in commands {
        let found = find(name);
        assert_eq!([found.kustomize, found.helm, found.sops], programs, "{name}");
    }
}

#[test]
fn time_limits_have_a_unit() {
    let parse = diff::parse_time;
    assert_eq!(parse("90s"), Ok(std::time::Duration::from_secs(90)));
    assert_eq!(parse("15m"), Ok(std::time::Duration::from_secs(900)));
    assert_eq!(parse("2h"), Ok(std::time::Duration::from_secs(7200)));
    for wrong in ["", "15", "m", "-1m", "0s", "1.5h", "25h", "99999999999999999999h"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_folder_of_the_name_of_a_tool_is_still_a_folder() {
    let parse = |arguments: &[&str]| match Arguments::try_parse_from(arguments).map(|arguments| arguments.command) {
        Ok(Command::Diff(arguments)) => (arguments.tool.is_some(), arguments.cluster.path),
        other => panic!("{other:?}"),
    };
    assert_eq!(parse(&["heddle", "diff", "terraform", "infra"]), (true, None));
    assert_eq!(parse(&["heddle", "diff", "./terraform"]), (false, Some("./terraform".into())));
    assert!(Arguments::try_parse_from(["heddle", "diff"]).is_err());
}
