use super::*;

#[test]
fn a_name_that_leads_elsewhere_is_refused_in_every_spelling() {
    let unsafe_names: [&[u8]; 16] = [
        b"",
        b".",
        b"..",
        b"/etc",
        b"a/b",
        b"a\\b",
        b"..\\..",
        b"a\0b",
        b".git",
        b".GIT",
        b".Git",
        b"git~1",
        b"GIT~1",
        b".git ",
        b".git::$INDEX_ALLOCATION",
        ".g\u{200c}it".as_bytes(),
    ];
    for name in unsafe_names {
        let refused = Name::parse(name).unwrap_err();
        assert!(matches!(refused, PathError::Unsafe { .. }), "{refused}");
    }
    for name in ["a", "...", ".gitignore", ".github", "git", "ä", "con", "a b", "a:b", "-rf"] {
        assert!(Name::parse(name.as_bytes()).is_ok(), "{name}");
    }
    for name in [b"Icon\r".as_slice(), b"\xff\xfe"] {
        assert!(matches!(Name::parse(name), Err(PathError::NoText { .. })));
    }
}

#[test]
fn a_path_is_parsed_name_by_name() {
    let parse = |text: &str| TreePath::parse(text).map(String::from);
    assert_eq!(parse("").as_deref(), Ok(""));
    assert_eq!(parse("./clusters//prod/").as_deref(), Ok("clusters/prod"));
    assert_eq!(parse("/clusters").as_deref(), Ok("clusters"));
    for text in ["..", "a/../b", "a/.git/config", "a\\b", "a\nb"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse(&["a"; MAX_TREE_DEPTH].join("/")).is_ok());
    assert!(matches!(parse(&["a"; MAX_TREE_DEPTH + 1].join("/")), Err(PathError::TooDeep { .. })));
}

#[test]
fn paths_resolve_within_the_tree_and_not_beyond() {
    let resolve =
        |directory: &str, relative: &str| TreePath::parse(directory).unwrap().resolve(relative).map(String::from);
    assert_eq!(resolve("clusters/prod", "../../base").as_deref(), Ok("base"));
    assert_eq!(resolve("a", "./b/../c.yaml").as_deref(), Ok("a/c.yaml"));
    assert_eq!(resolve("a", "..").as_deref(), Ok(""));
    assert!(matches!(resolve("a", "../../etc"), Err(PathError::Outside { .. })));
    assert!(matches!(resolve("a", "b/../../../a"), Err(PathError::Outside { .. })), "although it comes back");
    assert!(matches!(resolve("a", "/a/b"), Err(PathError::Absolute { .. })));
    assert!(matches!(resolve("a", ".git/config"), Err(PathError::Unsafe { .. })));
}

#[test]
fn a_path_is_in_its_directories_and_in_no_other() {
    let is_in =
        |path: &str, directory: &str| TreePath::parse(path).unwrap().is_in(&TreePath::parse(directory).unwrap());
    assert!(is_in("a/b", "a") && is_in("a", "a") && is_in("a", ""));
    assert!(!is_in("ab", "a") && !is_in("a", "a/b"));
}
