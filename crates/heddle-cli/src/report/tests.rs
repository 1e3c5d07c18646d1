use super::*;

fn check(place: &str, root: Option<&str>, only: Option<&str>, name: Option<&str>) {
    let source = source_of(Path::new(place), root.map(Path::new), only).ok().map(String::from);
    assert_eq!(source.as_deref(), name, "{place} in {root:?}");
}

#[test]
fn what_is_looked_at_is_named_by_its_path_in_the_repository() {
    check("/no/such/repository/infra/prod", Some("/no/such/repository"), None, Some("infra/prod"));
    check("/no/such/repository", Some("/no/such/repository"), None, Some("."));
    check("infra/no-such-folder/", None, None, Some("infra/no-such-folder"));
    check("/no/such/site.yml", Some("/no/such"), Some("db"), Some("site.yml (only db)"));
    check("/no/such/folder", None, None, None);
}

#[test]
fn a_failure_is_told_with_what_mends_it() {
    let failure = Failure::wrong(anyhow!("`tofu plan` failed in infra")).remedy("run `tofu -chdir=infra init`");
    assert_eq!(in_words(&failure), "`tofu plan` failed in infra; run `tofu -chdir=infra init`");
}
