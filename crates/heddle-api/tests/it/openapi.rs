use std::path::Path;

/// The web client is made from the committed file.
#[test]
fn the_committed_openapi_document_is_the_one_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let current = heddle_api::openapi::current();
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        std::fs::write(&file, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == current,
        "web/openapi.json is not what the code says; run `HEDDLE_UPDATE=1 cargo test -p heddle-api openapi`"
    );
}
