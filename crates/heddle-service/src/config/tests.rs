use super::*;

#[track_caller]
fn check_url(text: &str, refusal: Option<&str>) {
    let refused = read_url("HEDDLE_API_URL", text).err().map(|error| error.to_string());
    let expected = refusal
        .map(|fault| format!("HEDDLE_API_URL: {fault}; write a whole address, such as https://heddle.example.com"));
    assert_eq!(refused, expected);
}

#[test]
fn an_address_has_a_scheme_a_host_a_port_and_a_path_alone() {
    check_url("https://heddle.example.com:8443/base", None);
    check_url("http://[::1]:8080", None);
    check_url("heddle", Some("`heddle` is no address"));
    check_url("ftp://heddle", Some("`ftp://heddle` is no http or https address"));
    check_url("https://heddle/?a=b", Some("`https://heddle/?a=b` has more than a scheme, a host, a port and a path"));
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    check_url("https://me:secret@heddle/", Some("`https://heddle/` was written with a name or password"));
}

#[test]
fn an_empty_file_of_authorities_counts_as_none_and_a_missing_one_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, "\n").unwrap();
    assert_eq!(read_authorities("HEDDLE_CA_FILE", Some(&file)), Ok(None));
    assert_eq!(read_authorities("HEDDLE_CA_FILE", None), Ok(None));
    let error = read_authorities("HEDDLE_CA_FILE", Some(&dir.path().join("none"))).unwrap_err();
    assert!(error.to_string().ends_with("name a file that this program may read"), "{error}");
}

#[test]
fn a_folder_is_made_and_one_that_cannot_be_written_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(make_dir("HEDDLE_STATE_DIR", dir.path().join("a/b")).unwrap().is_dir());
    assert_eq!(make_dir("HEDDLE_STATE_DIR", "/proc/x".into()).unwrap_err().variable, "HEDDLE_STATE_DIR");
}
