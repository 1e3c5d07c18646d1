use super::*;

/// Decodes a page that comes in pieces of a few bytes.
fn decode(text: &str) -> Result<Vec<String>, String> {
    let pieces: Vec<Bytes> = text.as_bytes().chunks(1 << 16).map(Bytes::copy_from_slice).collect();
    let (send, incoming) = mpsc::channel(pieces.len().max(1));
    for piece in pieces {
        send.try_send(piece).unwrap();
    }
    drop(send);
    let gathered = Gathered::default().decode(incoming).map_err(|failure| failure.reason)?;
    Ok(gathered.tags.iter().map(|tag| tag.as_str().to_owned()).collect())
}

fn tags(count: usize) -> String {
    let tags: Vec<String> = (0..count).map(|number| format!("\"{number}\"")).collect();
    format!("{{\"tags\":[{}]}}", tags.join(","))
}

const NO_LIST: &str = "the registry's answer is no list of tags";

#[test]
fn what_is_no_tag_or_comes_twice_is_passed_over() {
    assert_eq!(decode(r#"{"name":"a","tags":["1","-x","1","2"],"child":[[],{}]}"#), Ok(vec!["1".into(), "2".into()]));
    assert_eq!(decode(r#"{"tags":null}"#), Ok(Vec::new()));
    assert_eq!(decode("{}"), Ok(Vec::new()));
}

#[test]
fn what_is_no_list_is_an_error() {
    for wrong in ["", "[]", "{\"tags\":[\"1\"", "{\"tags\":[1]}", "{\"tags\":7}", "{\"tags\":[]}x", "<html>"] {
        assert_eq!(decode(wrong), Err(NO_LIST.to_owned()), "{wrong}");
    }
}

#[test]
fn a_list_has_at_most_its_number_of_tags() {
    assert_eq!(decode(&tags(MAX_TAGS)).map(|tags| tags.len()), Ok(MAX_TAGS));
    let reason = decode(&tags(MAX_TAGS + 1)).unwrap_err();
    assert!(reason.starts_with("the list has more than 100000 tags"), "{reason}");
}

#[test]
fn a_text_has_a_longest_length_and_is_not_gathered_beyond() {
    let of_length = |length: usize| format!("{{\"tags\":[\"1\",\"{}\"]}}", "a".repeat(length));
    assert_eq!(decode(&of_length(MAX_LIST_TEXT_BYTES)), Ok(vec!["1".into()]));
    assert_eq!(decode(&of_length(MAX_LIST_TEXT_BYTES + 1)), Err(NO_LIST.to_owned()));
    // A quote that is written with a backslash does not end a text.
    let escaped = format!("{{\"tags\":[\"{}\"]}}", "\\\"".repeat(MAX_LIST_TEXT_BYTES));
    assert_eq!(decode(&escaped), Err(NO_LIST.to_owned()));
}
