use super::*;

fn table() -> Table {
    let mut table = Table::new(&["NAME", "STATE", "WHY"]);
    table.row(vec![Cell::new("api"), Cell::toned("healthy", Tone::Good), Cell::new("")]);
    table.row(vec![Cell::new("frontend"), Cell::toned("bad", Tone::Bad), Cell::new("cannot pull the image")]);
    table
}

#[test]
fn columns_are_aligned_and_no_line_ends_in_spaces() {
    assert_eq!(
        table().lines(None, false),
        ["NAME      STATE    WHY", "api       healthy", "frontend  bad      cannot pull the image"]
    );
}

#[test]
fn the_width_is_respected() {
    assert_eq!(
        table().lines(Some(30), false),
        ["NAME      STATE    WHY", "api       healthy", "frontend  bad      cannot pul…"]
    );
    for width in 0..45 {
        assert!(table().lines(Some(width), false).iter().all(|line| line.width() <= width), "{width}");
    }
}

#[test]
fn colour_changes_no_column() {
    let lines = table().lines(None, true);
    assert_eq!(lines[1], "api       \u{1b}[32mhealthy\u{1b}[0m");
    assert_eq!(lines[2], "frontend  \u{1b}[31mbad\u{1b}[0m      cannot pull the image");
}
