use super::*;

#[test]
fn a_refused_report_is_halved_until_one_thing_is_left() {
    let mut portion = Portion::default();
    let refusal = Refusal::Content("no".to_owned());
    for (items, most) in [(10, 5), (5, 2), (2, 1)] {
        assert_eq!(portion.refused(items, &refusal), Step::Smaller);
        assert_eq!(portion.most(), most);
    }
    assert_eq!(portion.refused(1, &refusal), Step::Reject);
    assert_eq!(portion.most(), usize::MAX);
}

#[test]
fn a_failing_api_is_asked_for_a_sign_of_life_before_one_thing_is_blamed() {
    let mut portion = Portion::default();
    let failing = Refusal::Failing("500".to_owned());
    assert_eq!((portion.refused(1, &failing), portion.most()), (Step::Smaller, 0));
    assert_eq!((portion.refused(0, &failing), portion.most()), (Step::Smaller, 0), "it fails at nothing too");
    portion.taken(0);
    assert_eq!(portion.most(), 1);
    assert_eq!(portion.refused(1, &failing), Step::Reject);
}
