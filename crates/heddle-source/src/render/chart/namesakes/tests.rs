use super::*;

fn chart(name: &str, version: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: {version}\n")
}

/// What is said in a chart with these dependencies, in whose `charts/` `db` lies twice.
fn said(dependencies: &[(&str, &str)], locked: &[&str]) -> Said {
    let named = |(name, version): &(&str, &str)| format!("- {{name: {name}, version: \"{version}\"}}\n");
    let dependencies: String = dependencies.iter().map(named).collect();
    let locked: String = locked.iter().map(|version| format!("- {{name: db, version: {version}}}\n")).collect();
    let files = [
        ("Chart.yaml", chart("web", "0.1.0") + "dependencies:\n" + &dependencies),
        ("Chart.lock", format!("dependencies:\n{locked}")),
        ("charts/db/Chart.yaml", chart("db", "1.0.0")),
        ("charts/db-1/Chart.yaml", chart("db", "1.2.0")),
        ("charts/db-1/charts/db/Chart.yaml", chart("db", "0.0.1")),
        ("charts/cache/Chart.yaml", chart("cache", "3.0.0")),
    ];
    files.into_iter().map(|(place, text)| (TreePath::parse(place).unwrap(), text.into_bytes())).collect()
}

fn settled(dependencies: &[(&str, &str)], locked: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut said = said(dependencies, locked);
    let dropped = settle(&mut said);
    let about = read(&said, &TreePath::parse("Chart.yaml").unwrap());
    let versions = about["dependencies"].as_array().unwrap().iter();
    (
        versions.map(|dependency| word(dependency, "version").to_owned()).collect(),
        dropped.into_iter().map(String::from).collect(),
    )
}

#[test]
fn each_dependency_names_the_version_that_is_locked_for_it() {
    let (versions, dropped) = settled(&[("db", "^1"), ("db", "1.2.0"), ("cache", "^3")], &["1.0.0", "1.2.0"]);
    assert_eq!(versions, ["1.0.0", "1.2.0", "^3"], "what has no namesake stays as it is");
    assert_eq!(dropped, [""; 0]);
    let (versions, dropped) = settled(&[("db", "1.0.0"), ("db", "^1")], &["1.0.0", "1.2.0"]);
    assert_eq!((versions, dropped), (vec!["1.0.0".to_owned(), "1.2.0".to_owned()], Vec::new()), "in whatever order");
}

#[test]
fn without_a_lock_it_is_the_greatest_that_fits_and_nothing_else_of_the_name_is_rendered() {
    assert_eq!(settled(&[("db", "^1")], &[]), (vec!["1.2.0".to_owned()], vec!["charts/db".to_owned()]));
    assert_eq!(settled(&[("db", "~1.0")], &["1.2.0"]).0, ["1.0.0"], "a lock of another version says nothing");
    assert_eq!(
        settled(&[("db", "2.x")], &[]),
        (vec!["2.x".to_owned()], Vec::new()),
        "what fits none is Helm's to tell"
    );
}

#[test]
fn what_lies_in_a_chart_that_is_taken_out_goes_with_it() {
    let mut said = said(&[("db", "^1")], &[]);
    for (place, version) in [("charts/db/charts/x", "1.0.0"), ("charts/db/charts/y", "1.1.0")] {
        let place = TreePath::parse(place).unwrap().resolve("Chart.yaml").unwrap();
        said.insert(place, chart("x", version).into_bytes());
    }
    let about = chart("db", "1.0.0") + "dependencies: [{name: x, version: ^1}]\n";
    said.insert(TreePath::parse("charts/db/Chart.yaml").unwrap(), about.into_bytes());
    let dropped: Vec<String> = settle(&mut said).into_iter().map(String::from).collect();
    assert_eq!(dropped, ["charts/db"]);
}
