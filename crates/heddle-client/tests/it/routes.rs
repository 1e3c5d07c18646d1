use std::{collections::BTreeSet, fs};

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// `GET /a/{b}?c=d` with the names of its parameters taken out.
fn shape(route: &str) -> String {
    let path = route.split('?').next().unwrap();
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The routes that the methods' documentation names.
fn called() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    let own = [("src/user.rs", "/api/v1"), ("src/agent.rs", ""), ("src/automator.rs", ""), ("src/reporter.rs", "")];
    let mut files: Vec<(String, &str)> = own.iter().map(|(file, prefix)| ((*file).to_owned(), *prefix)).collect();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/user")).unwrap() {
        files.push((format!("src/user/{}", entry.unwrap().file_name().to_str().unwrap()), "/api/v1"));
    }
    for (file, prefix) in files {
        let text = read(&file);
        let named = text.lines().filter_map(|line| line.trim().strip_prefix("/// `")?.split('`').next());
        routes.extend(named.filter_map(|named| {
            let (method, path) = named.split_once(' ')?;
            path.starts_with('/').then(|| shape(&format!("{method} {prefix}{path}")))
        }));
    }
    routes
}

#[test]
fn every_route_of_the_api_has_its_method_and_no_method_calls_another() {
    let document: Value = serde_json::from_str(&read("../../web/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let served: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| shape(&format!("{} {path}", method.to_uppercase())))
        })
        // Pages that a browser is led through, and what others call.
        .filter(|route| !route.contains("/api/v1/github/") && !route.contains("/webhooks/"))
        .filter(|route| route != "GET /api/openapi.json")
        .collect();
    let called = called();
    assert_eq!(served.difference(&called).collect::<Vec<_>>(), Vec::<&String>::new(), "routes without a method");
    assert_eq!(called.difference(&served).collect::<Vec<_>>(), Vec::<&String>::new(), "methods without a route");
}
