use super::*;

fn revision(number: u8) -> Revision {
    Revision::try_from(format!("{number:040x}")).unwrap()
}

fn at(number: u8) -> Heads {
    let mut heads = Heads::default();
    assert!(!heads.looked(Some(&revision(number))));
    heads
}

#[test]
fn the_head_that_the_last_look_came_to_needs_no_other_look() {
    let mut heads = at(1);
    assert!(!heads.hear(Some(revision(1)), false));
    assert!(heads.hear(Some(revision(2)), false));
    assert!(heads.hear(None, false), "what is not known is worth a look");
}

#[test]
fn a_hint_beside_a_look_is_judged_by_what_the_look_comes_to() {
    let mut heads = at(1);
    assert!(!heads.hear(Some(revision(2)), true));
    assert!(!heads.looked(Some(&revision(2))), "the look came to it by itself");
    assert!(!heads.hear(Some(revision(3)), true));
    assert!(heads.looked(Some(&revision(2))), "the look began too early");
    assert!(heads.hear(None, true));
}

#[test]
fn a_branch_that_goes_back_while_a_look_is_under_way_is_looked_at_again() {
    let mut heads = at(1);
    // The look is for 2, which was taken back before it ended.
    assert!(!heads.hear(Some(revision(1)), true));
    assert!(heads.looked(Some(&revision(2))));
}

#[test]
fn of_two_heads_told_beside_a_look_neither_is_taken_for_the_later_one() {
    let mut heads = at(1);
    assert!(!heads.hear(Some(revision(3)), true));
    assert!(heads.hear(Some(revision(2)), true));
}

#[test]
fn a_look_that_failed_answers_no_hint() {
    let mut heads = at(1);
    assert!(!heads.hear(Some(revision(1)), true));
    assert!(heads.looked(None));
    assert!(Heads::default().hear(Some(revision(1)), false));
}
