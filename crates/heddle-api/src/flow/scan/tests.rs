use super::*;

#[test]
fn of_more_checks_than_are_kept_what_was_verified_stays() {
    let check =
        |number: usize, outcome| SignatureCheck { signer: SignerId::of_path(&format!("{number:04}.pub")), outcome };
    let mut told: Vec<_> = (0..MAX_CHECKS).map(|number| check(number, Signed::No)).collect();
    told.push(check(MAX_CHECKS, Signed::Yes));
    told.push(SignatureCheck { signer: SignerId::of_path(&"a".repeat(SignerId::MAX_BYTES)), outcome: Signed::Yes });
    let kept = checks(told.clone());
    assert_eq!((kept.len(), &kept[0]), (MAX_CHECKS, &told[MAX_CHECKS]));
}
