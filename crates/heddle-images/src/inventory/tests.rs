use super::*;

fn told(packages: Vec<Package>) -> Vec<String> {
    let license = |package: &Package| package.license.clone().unwrap_or_else(|| "-".to_owned());
    packages
        .iter()
        .map(|package| format!("{} {} {} {}", package.name, package.version, license(package), package.url))
        .collect()
}

#[test]
fn crates_come_once_and_with_licenses_that_are_expressions() {
    let tree = "heddle-cli v0.1.0 (/src/crates/heddle-cli)|Apache-2.0
serde v1.0.228|MIT OR Apache-2.0
ring v0.17.8|
fnv v1.0.7|Apache-2.0 / MIT
serde_derive v1.0.228 (proc-macro)|MIT OR Apache-2.0
serde v1.0.228|MIT OR Apache-2.0 (*)

";
    let expected = [
        "fnv 1.0.7 Apache-2.0 OR MIT pkg:cargo/fnv@1.0.7",
        "heddle-cli 0.1.0 Apache-2.0 pkg:cargo/heddle-cli@0.1.0",
        "ring 0.17.8 - pkg:cargo/ring@0.17.8",
        "serde 1.0.228 MIT OR Apache-2.0 pkg:cargo/serde@1.0.228",
        "serde_derive 1.0.228 MIT OR Apache-2.0 pkg:cargo/serde_derive@1.0.228",
    ];
    assert_eq!(told(read_tree(tree)), expected);
}

#[test]
fn packages_that_only_build_the_dashboard_are_not_in_it() {
    let lock = br#"{"packages": {
        "": {"name": "web", "version": "0.1.0"},
        "node_modules/@tanstack/react-query": {"version": "5.1.0", "license": "MIT"},
        "node_modules/a/node_modules/b": {"version": "2.0.0"},
        "node_modules/vite": {"version": "7.0.0", "dev": true}
    }}"#;
    let expected =
        ["@tanstack/react-query 5.1.0 MIT pkg:npm/%40tanstack/react-query@5.1.0", "b 2.0.0 - pkg:npm/b@2.0.0"];
    assert_eq!(told(npm(lock).unwrap()), expected);
}

#[test]
fn modules_of_go_are_read_in_blocks_and_alone() {
    let module = b"module heddle.dev/tools\n\ngo 1.26.8\n\ntool x/y\n\nrequire (\n\tx/y v5.8.1 // indirect\n)\n\nrequire z/w v0.1.0\n";
    assert_eq!(told(go(module)), ["x/y v5.8.1 - pkg:golang/x/y@v5.8.1", "z/w v0.1.0 - pkg:golang/z/w@v0.1.0"]);
}
