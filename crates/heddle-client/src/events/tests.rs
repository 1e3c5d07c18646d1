use heddle_wire::view::Topic;

use super::*;

fn check(chunks: &[&str], expected: &[Topic]) {
    let mut parser = Parser::default();
    let events: Vec<_> = chunks.iter().flat_map(|chunk| parser.push(chunk.as_bytes())).collect();
    assert_eq!(events.iter().map(|event| event.topic).collect::<Vec<_>>(), expected);
}

#[test]
fn events_are_found_wherever_the_bytes_are_cut() {
    check(&["event: changed\ndata: {\"topic\":\"changes\",\"id\":null}\n\n"], &[Topic::Changes]);
    check(&["event: chan", "ged\r\ndata: {\"topic\":", "\"clusters\"}\r\n", "\r\n"], &[Topic::Clusters]);
}

#[test]
fn comments_and_foreign_events_are_passed_over() {
    check(&[": ping\n\nevent: other\ndata: {}\n\nevent:changed\ndata:{\"topic\":\"status\"}\n\n"], &[Topic::Status]);
    check(&["event: changed\ndata: {\"topic\":\"from-next-year\"}\n\n"], &[]);
}
