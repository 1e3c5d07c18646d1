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
