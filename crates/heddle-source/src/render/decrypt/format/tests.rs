use super::*;

const VALUE: &str = "ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]";

fn check(name: &str, text: &str, format: Option<Format>) {
    assert_eq!(Format::of(name, text.replace("VALUE", VALUE).as_bytes()), format, "{text}");
}

#[test]
fn each_store_is_known_by_its_metadata() {
    check("a.yaml", "kind: Secret\ndata: {a: \"VALUE\"}\nsops: {mac: \"VALUE\"}\n", Some(Format::Yaml));
    check("a.yaml", "a: 1\n---\nb: VALUE\nsops: {lastmodified: x, mac: \"VALUE\"}\n", Some(Format::Yaml));
    check("a.json", r#"{"a": "VALUE", "sops": {"mac": "VALUE"}}"#, Some(Format::Json));
    check("a.json", r#"{"data": "VALUE", "sops": {"mac": "VALUE"}}"#, Some(Format::Json));
    check("tls.key", r#"{"data": "VALUE", "sops": {"mac": "VALUE"}}"#, Some(Format::Binary));
    check(".env", "A=VALUE\nsops_mac=VALUE\n", Some(Format::Dotenv));
    check("a.ini", "[a]\nb = VALUE\n[sops]\nmac = VALUE\n", Some(Format::Ini));
    check("a.yaml", "note: sops and ENC[ are words\n", None);
    check("a.yaml", "kind: SopsSecret\nspec: {a: \"VALUE\"}\nsops: {mac: \"VALUE\"}\n", None);
    check("a.yaml", "sops: [\"VALUE\"]\n", None);
}

#[test]
fn recipients_are_told_once_each_and_long_ones_in_short() {
    let short = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let long = format!("age1pq1{}", "q".repeat(1900));
    let text = format!("sops:\n  age:\n  - recipient: {short}\n  - recipient: {long}\n  - recipient: {short}\n");
    assert_eq!(age_recipients(text.as_bytes()), [format!("{}…", &long[..40]), short.to_owned()]);
}
