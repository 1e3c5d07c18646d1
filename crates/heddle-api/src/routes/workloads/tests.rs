use super::*;

#[track_caller]
fn check(joined: &str, is_taken: bool) {
    let told = parse_after(&URL_SAFE_NO_PAD.encode(joined));
    assert_eq!(told.is_ok(), is_taken, "{joined:?}");
}

#[test]
fn a_place_in_the_list_holds_five_parts_without_control_characters() {
    check("prod\nshop\napi\nDeployment\nflux-system/shop", true);
    check("prod\nshop\napi\nDeployment", false);
    check("prod\nshop\na\0pi\nDeployment\nflux-system/shop", false);
    check("prod\nshop\n\u{1b}[2J\nDeployment\nflux-system/shop", false);
}
