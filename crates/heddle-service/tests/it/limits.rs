//! What comes from outside is limited, and the page says so.

#[test]
fn the_page_tells_the_limits_of_this_crate() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/limits.md");
    let page = std::fs::read_to_string(file).unwrap();
    let told = heddle_core::limit::tell(&page, env!("CARGO_PKG_NAME"), heddle_service::limits::LIMITS);
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        std::fs::write(file, &told).unwrap();
    } else {
        assert!(page == told, "run `HEDDLE_UPDATE=1 cargo test -p {} limits`", env!("CARGO_PKG_NAME"));
    }
}
