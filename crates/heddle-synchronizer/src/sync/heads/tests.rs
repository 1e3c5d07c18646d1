use super::*;

fn revision(number: u8) -> Revision {
    Revision::try_from(format!("{number:040x}")).unwrap()
}

#[test]
fn neither_what_a_look_came_to_nor_what_it_left_lately_is_news() {
    let mut heads = Heads::default();
    assert!(heads.is_news(&revision(1)));
    heads.note(&revision(1));
    heads.note(&revision(2));
    assert!(!heads.is_news(&revision(1)), "another Sync may not have left it yet");
    assert!(!heads.is_news(&revision(2)));
    assert!(heads.is_news(&revision(3)));
    heads.forget();
    assert!(heads.is_news(&revision(2)));
}

#[test]
fn a_bounded_number_is_remembered_and_what_was_noted_again_longest() {
    let mut heads = Heads::default();
    (1..=4).for_each(|number| heads.note(&revision(number)));
    heads.note(&revision(1));
    heads.note(&revision(5));
    assert!(!heads.is_news(&revision(1)));
    assert!(heads.is_news(&revision(2)));
}
