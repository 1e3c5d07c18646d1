use super::*;

#[test]
fn intervals_are_read_as_people_write_them() {
    let read = |text| read_interval(text).map(|interval| interval.as_secs());
    assert_eq!(read("90s"), Some(90));
    assert_eq!(read("1h30m"), Some(5400));
    assert_eq!(read("0s"), Some(1));
    assert_eq!([read(""), read("10"), read("1d"), read("m")], [None; 4]);
}
