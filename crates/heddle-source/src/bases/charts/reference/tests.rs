use super::*;

fn chart(version: &str) -> RemoteChart {
    RemoteChart::parse("https://charts.acme.io/stable", "web", version, false).unwrap()
}

#[test]
fn the_greatest_version_that_fits_is_meant() {
    let versions = ["1.2.3", "1.10.0", "2.0.0-rc.1", "v1.4.0", "none", "1.2.3+b", "0.9.0"];
    let check = |wanted: &str, meant: Option<&str>| {
        assert_eq!(chart(wanted).choose(versions.into_iter()), meant, "{wanted}");
    };
    check("", Some("1.10.0"));
    check("1.2.3", Some("1.2.3"));
    check("1.2.3+b", Some("1.2.3+b"));
    check("1.4.0", Some("v1.4.0"));
    check("=1.4.0", Some("v1.4.0"));
    check("~1.2", Some("1.2.3+b"));
    check("^1", Some("1.10.0"));
    check(">=1.5 <1.9", None);
    check(">=2.0.0-0", Some("2.0.0-rc.1"));
    let newest = RemoteChart::parse("oci://ghcr.io/acme", "web", "", true).unwrap();
    assert_eq!(newest.choose(versions.into_iter()), Some("2.0.0-rc.1"));
}

#[test]
fn one_version_is_told_from_a_range_of_them() {
    for (version, is_exact) in
        [("1.2.3", true), ("v1.2.3", true), ("= 1.2.3", true), ("1.2", false), ("1.x", false), ("", false)]
    {
        assert_eq!(chart(version).is_exact(), is_exact, "{version}");
    }
}

#[test]
fn what_is_no_chart_elsewhere_is_refused_with_what_to_write() {
    let told = |repository: &str, name: &str, version: &str| {
        RemoteChart::parse(repository, name, version, false).err().unwrap_or_default()
    };
    assert!(told("http://charts.acme.io", "web", "1.0.0").contains("`https://HOST/PATH` or `oci://HOST/PATH`"));
    assert!(told("@acme", "web", "1.0.0").contains("is no address"));
    assert!(told("https://bot:secret@charts.acme.io", "web", "1.0.0").contains("belong in a Secret"));
    assert!(!told("https://bot:secret@charts.acme.io", "web", "1.0.0").contains("secret@"));
    for (repository, words) in [
        ("https://bot:secret@charts.acme.io:99999/x", "`https://charts.acme.io:99999/x` is no address"),
        ("bot:secret@charts.acme.io", "is not fetched from"),
        ("https://charts.acme.io?token=secret", "`https://charts.acme.io` is not fetched from"),
        ("https://charts.acme.io/#secret", "is not fetched from"),
        ("https://bot:sec/secret@charts.acme.io/x", "`https://charts.acme.io/x` is no address"),
        ("https://bot:a#secret@charts.acme.io/x", "`https://charts.acme.io/x` is no address"),
        ("https://charts.acme.io:x/a?token=secret", "`https://charts.acme.io:x/a` is no address"),
    ] {
        let told = told(repository, "web", "1.0.0");
        assert!(told.contains(words) && !told.contains("secret"), "{repository}: {told}");
    }
    assert!(told("https://charts.acme.io", "../web", "1.0.0").contains("is no name of a chart"));
    assert!(told("https://charts.acme.io", "web", "newest").contains("its version is none"));
    assert_eq!(told("http://127.0.0.1:8080/charts", "web", "1.0.0"), "");
}

#[test]
fn a_registry_is_named_without_a_scheme_and_let_in_by_the_charts_own_address() {
    let chart = RemoteChart::parse("oci://ghcr.io:444/acme/charts/", "web", "1.0.0", false).unwrap();
    assert_eq!(chart.image().as_deref(), Some("ghcr.io:444/acme/charts/web"));
    assert_eq!(chart.address().as_str(), "https://ghcr.io:444/acme/charts/web");
    let chart = self::chart("1.0.0");
    assert_eq!(chart.image(), None);
    assert_eq!(chart.below("index.yaml").unwrap().as_str(), "https://charts.acme.io/stable/index.yaml");
    assert_eq!(chart.to_string(), "web 1.0.0 of https://charts.acme.io/stable");
}

#[test]
fn two_charts_are_named_alike_where_they_are_the_same_and_nowhere_else() {
    let parse =
        |repository: &str, version: &str, devel: bool| RemoteChart::parse(repository, "web", version, devel).unwrap();
    let all = [
        parse("https://charts.acme.io/stable", "^1", false),
        parse("https://charts.acme.io/stable/", "^1", false),
        parse("https://charts.acme.io/stable", "^1", true),
        parse("https://charts.acme.io/stable", "", false),
        parse("https://charts.acme.io/stable", "", true),
        parse("https://charts.acme.io/stable", "1.0.0", false),
        parse("https://charts.acme.io/stable//", "1.0.0", true),
        parse("https://charts.acme.io", "1.0.0", true),
        parse("https://charts.acme.io/", "=1.0.0", true),
    ];
    for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
        assert_eq!(one == other, one.to_string() == other.to_string(), "{one}, {other}");
    }
    assert_eq!(all[2].to_string(), "web ^1 (devel) of https://charts.acme.io/stable");
    assert_eq!(all[8].below("index.yaml").unwrap().as_str(), "https://charts.acme.io/index.yaml");
}
