use governor::clock::FakeRelativeClock;

use super::*;

#[test]
fn a_burst_goes_at_once_and_then_one_report_each_time_that_the_api_takes_one() {
    let clock = FakeRelativeClock::default();
    let pace = Pace::by(clock.clone());
    let at_once = std::iter::from_fn(|| pace.take().is_none().then_some(())).take(1000).count();
    assert_eq!(at_once, AT_ONCE as usize);
    assert_eq!(pace.take(), Some(REPORT_EACH));
    clock.advance(REPORT_EACH);
    assert_eq!(pace.take(), None);
    assert_eq!(pace.take(), Some(REPORT_EACH));
}
