use serde_json::json;

use super::*;

const VALUE: &str = "ENC[AES256_GCM,data:p673w==,iv:YY=,tag:UQ=,type:str]";

fn broken(text: &str) -> String {
    let (first, rest) = text.split_at(70);
    format!("{first}\n{rest}\n")
}

#[test]
fn an_object_with_the_metadata_of_sops_is_encrypted_whatever_its_kind() {
    for kind in ["Secret", "ConfigMap", VALUE] {
        for metadata in [json!({"mac": VALUE}), json!({"lastmodified": "2026-11-30T00:00:00Z"})] {
            let object = json!({"kind": kind, "sops": metadata});
            assert_eq!(encrypted(&object), Some(Encrypted::Object), "{object}");
        }
    }
}

#[test]
fn an_encrypted_value_is_known_wherever_it_came_to_stand() {
    let file = format!("a={VALUE}\nsops_mac={VALUE}\n");
    for object in [
        json!({"kind": "Deployment", "spec": {"containers": [{"env": [{"value": VALUE}]}]}}),
        json!({"kind": "ConfigMap", "data": {"words.env": file}}),
        json!({"kind": "Secret", "data": {"word": BASE64_STANDARD.encode(VALUE)}}),
        json!({"kind": "ConfigMap", "binaryData": {"words": BASE64_STANDARD.encode(&file)}}),
        // As Kustomize breaks it.
        json!({"kind": "Secret", "data": {"words": broken(&BASE64_STANDARD.encode(&file))}}),
    ] {
        assert_eq!(encrypted(&object), Some(Encrypted::Value), "{object}");
    }
}

#[test]
fn what_only_speaks_of_it_or_is_opened_in_the_cluster_is_no_cipher_text() {
    for object in [
        json!({"kind": "SopsSecret", "spec": {"data": VALUE}, "sops": {"mac": VALUE}}),
        json!({"kind": "SealedSecret", "spec": {"encryptedData": {"word": "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq"}}}),
        json!({"kind": "ConfigMap", "data": {"README": "a value is ENC[AES256_GCM,data:…] in a file of SOPS"}}),
        json!({"kind": "ConfigMap", "sops": "words", "data": {"sops": "words"}}),
        json!({"kind": "Secret", "data": {"word": "not Base64"}}),
    ] {
        assert_eq!(encrypted(&object), None, "{object}");
    }
}

#[test]
fn encrypted_values_are_found_one_behind_another_in_one_pass() {
    let value = |data: &str| format!("ENC[AES256_GCM,data:{data},iv:b,tag:c,type:str]");
    let text = format!("x{} ENC[AES256_GCM,data:none] {}", value("a"), value(&value("b")));
    let found: Vec<&str> = cipher_texts(&text).collect();
    assert_eq!(found, [&*value("a"), &format!("ENC[AES256_GCM,data:{}", value("b"))]);
    let open = "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str";
    assert_eq!(cipher_texts(&format!("{open} {open}")).count(), 1, "what does not end is one to its end");

    // It would not come to an end if each looked through all behind it.
    let many = CIPHER_TEXT.repeat(400_000);
    assert_eq!(cipher_texts(&many).count(), 0);
}
