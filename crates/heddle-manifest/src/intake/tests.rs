use super::*;

#[test]
fn what_is_too_much_alone_or_together_is_not_read() {
    let mut intake = Intake::default();
    assert_eq!(intake.admit(MAX_FILE_BYTES + 1), Err(TooMuch::File));
    for _ in 0..MAX_BRANCH_BYTES / MAX_FILE_BYTES {
        assert_eq!(intake.admit(MAX_FILE_BYTES), Ok(()));
    }
    assert_eq!(intake.admit(1), Err(TooMuch::Bytes));
    let mut intake = Intake::default();
    assert!((0..MAX_BRANCH_FILES).all(|_| intake.admit(0).is_ok()));
    assert_eq!(intake.admit(0), Err(TooMuch::Files));
}
