use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("yes".to_owned()),
        Just("0644".to_owned()),
        Just("1e3".to_owned()),
        Just("1_000".to_owned()),
        Just("~".to_owned()),
        Just("2001-01-01".to_owned()),
        Just("<<".to_owned()),
        Just("12:30:45".to_owned()),
        Just(".inf".to_owned()),
        "[ -~\\n\\té\u{85}\u{feff}]{0,20}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000_000_000_000i64..1_000_000_000_000_000).prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(words.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(value in values()) {
        let text = write_document(&value);
        prop_assert_eq!(parse_document(&text), Ok(value), "{}", text);
    }
}

#[test]
fn a_field_has_its_line_or_that_of_what_is_around_it() {
    let text = "a: 1\n---\n# c\nkind: X\nspec:\n  list:\n  - name: a\n    image: b\n--- {kind: Y}\n";
    let line = |field: &str| line_of(text, 4, field);
    assert_eq!(line("spec.list[0].image"), Some(8));
    assert_eq!(line("spec.list[0].nothing.here"), Some(7));
    assert_eq!(line("nothing"), None);
    assert_eq!(line_of(text, 9, "kind"), Some(9));
}

#[test]
fn a_field_of_an_item_has_its_line_in_the_list_too() {
    let text =
        "# c\nkind: List\nitems:\n- kind: X\n  spec: {}\n- kind: List\n  items:\n  - kind: Y\n    spec:\n      a: 1\n";
    assert_eq!(line_of(text, 4, "spec.a"), Some(5));
    assert_eq!(line_of(text, 8, "spec.a"), Some(10));
    assert_eq!(line_of(text, 2, "items[1].items[0].spec"), Some(9));
    assert_eq!(line_of(text, 9, "spec.a"), None);
}

#[test]
fn a_fault_counts_lines_once() {
    let error = read_documents("a: 1\n---\nb: [\n").nth(1).unwrap().value.unwrap_err();
    assert!(error.line >= 3 && !error.message.contains("line"), "{error:?}");
}

#[test]
fn a_byte_is_in_the_document_that_starts_before_it() {
    let text = "a: 1\n---\nb: 2\n---\nc: 3\n";
    let starts = DocumentStarts::of(text);
    let number = |word: &str| starts.number_at(text.find(word).unwrap());
    assert_eq!((number("a"), number("1"), number("b"), number("c")), (Some(1), Some(1), Some(2), Some(3)));
    assert_eq!(DocumentStarts::of("a: 1\n").number_at(0), None);
}
