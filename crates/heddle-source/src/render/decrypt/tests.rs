use super::*;

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Sources: `sops.go`, `age/keysource.go`, `cmd/sops/common/common.go` of `github.com/getsops/sops`.
#[test]
fn a_complaint_is_told_by_what_it_means_and_never_in_its_own_words() {
    let for_age = format!("sops:\n  age:\n  - recipient: {RECIPIENT}\n");
    for (complaint, content, told) in [
        ("MAC mismatch. File has AB hunter2, computed CD", for_age.as_str(), "its MAC does not fit"),
        ("Error decrypting tree: Could not decrypt value: hunter2", &for_age, "its MAC does not fit"),
        (
            "Failed to get the data key\n  - | failed. Errors while\n    | loading age identities: hunter2",
            &for_age,
            "no identity of age",
        ),
        ("Failed to get the data key required to decrypt the SOPS file. hunter2", &for_age, RECIPIENT),
        ("Failed to get the data key hunter2", "sops:\n  pgp:\n  - fp: AB\n", "for no key of age"),
        ("yaml: line 3: hunter2", &for_age, "`sops decrypt` tells you why"),
    ] {
        let words = explain(complaint, content.as_bytes());
        assert!(words.contains(told) && !words.contains("hunter2"), "{words}");
    }
}

#[test]
fn what_was_opened_is_kept_within_its_bound() {
    let decryption = Decryption::new("sops".into(), Identities::parse("AGE-SECRET-KEY-1ABC").unwrap(), None);
    let kept = |digest, opened: &[u8]| {
        decryption.keep([digest; 32], opened);
        let kept = decryption.kept();
        (kept.files.len(), kept.bytes)
    };
    assert_eq!(kept(1, &vec![0; MAX_OPENED_BYTES]), (1, MAX_OPENED_BYTES));
    assert_eq!(kept(2, b"b"), (1, 1));
    assert_eq!(kept(3, &vec![0; MAX_OPENED_BYTES + 1]), (0, 0));
}

#[test]
fn a_folder_that_does_not_lie_in_memory_is_refused_by_name() {
    let refused = memory_dir(Some("/proc".into())).unwrap_err().to_string();
    assert_eq!(refused, "`/proc` does not lie in memory");
    assert!(memory_dir(Some("/nowhere".into())).is_err());
}
