use super::*;

#[test]
fn common_and_short_passwords_are_refused() {
    for password in [
        "short",
        "passwordpassword",
        "Password1234!",
        "P@ssw0rd2026!!",
        "123456789012",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "qwertyuiop12",
        "letmein-123456",
        "abcabcabcabc",
        "correcthorsebatterystaple",
        "987654321098",
        "ada.lovelace99",
    ] {
        assert!(fault(password, "ada.lovelace@example.com").is_some(), "{password} was taken");
    }
    assert!(fault(&"xk".repeat(100), "ada@example.com").is_some());
}

#[test]
fn a_long_phrase_of_ones_own_is_taken() {
    for password in ["warp and weft at dawn", "tr4ctor-Spindle-9!", "übermütige Webstühle", "gQ7#vL2mZ8xT"] {
        assert_eq!(fault(password, "ada@example.com"), None, "{password}");
    }
}

#[tokio::test]
async fn a_hash_proves_its_own_password_and_no_other() {
    let hasher = Hasher::new(1);
    let hash = hasher.hash("warp and weft".to_owned().into()).await.unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    assert!(hasher.verify("warp and weft".to_owned().into(), Some(hash.clone())).await.unwrap());
    assert!(!hasher.verify("warp and woof".to_owned().into(), Some(hash)).await.unwrap());
    assert!(!hasher.verify("warp and weft".to_owned().into(), None).await.unwrap());
}
