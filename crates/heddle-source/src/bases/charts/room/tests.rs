use std::io::Write;

use super::*;

fn files(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().map(|own| fs::read_dir(own.unwrap().path()).unwrap().count() - 1).sum()
}

#[test]
fn a_room_is_there_as_long_as_somebody_has_it_and_all_have_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let rooms = Rooms { most_bytes: 10, ..Rooms::open(dir.path().to_owned()) };
    let filled = |bytes: u64| rooms.take().and_then(|(mut room, _)| room.fill(bytes).map(|()| room));
    let first = filled(6).unwrap();
    let _second = filled(4).unwrap();
    assert!(filled(1).unwrap_err().to_string().contains("the charts in use by all Syncs take more than"));
    assert_eq!(files(dir.path()), 2);
    drop(first);
    assert_eq!(files(dir.path()), 1);
    drop(filled(6).unwrap());
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_another_one_uses_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (room, mut file) = Rooms::open(dir.path().to_owned()).take().unwrap();
    file.write_all(b"a").unwrap();
    let left = dir.path().join("of-killed");
    fs::create_dir(&left).unwrap();
    fs::write(left.join(LOCK), "").unwrap();
    fs::write(left.join("x"), "content").unwrap();

    let (_other, _) = Rooms::open(dir.path().to_owned()).take().unwrap();
    assert!(!left.exists());
    assert_eq!(fs::read(room.path()).unwrap(), b"a");
}
