use super::*;

fn cipher(name: &str, kind: &str) -> String {
    format!("ENC[AES256_GCM,data:{name},iv:a=,tag:b=,type:{kind}]")
}

fn opened() -> (String, Opened) {
    let encrypted = format!(
        "kind: Secret\nstringData:\n  word: {}\n  plain: x\nreplicas: {}\nlist: [\"{}\"]\nsops: {{mac: \"{}\", version: 3.9.0}}\n",
        cipher("w", "str"),
        cipher("n", "int"),
        cipher("l", "str"),
        cipher("m", "str"),
    );
    let plain = "kind: Secret\nstringData:\n  word: hunter2\n  plain: x\nreplicas: 3\nlist: [one]\n";
    let mut opened = Opened::default();
    assert!(opened.learn(&encrypted, plain.as_bytes()));
    (encrypted, opened)
}

#[test]
fn values_go_where_their_cipher_text_went_with_their_own_type() {
    let (_, opened) = opened();
    let mut object = json!({
        "kind": "Secret", "metadata": {"name": "pre-a"}, "stringData": {"other": cipher("w", "str")},
        "spec": {"replicas": cipher("n", "int"), "url": format!("db://u:{}@h", cipher("w", "str"))},
        "sops": {"mac": cipher("m", "str")},
    });
    assert_eq!(opened.put_into(&mut object), Put::Values);
    let wanted = json!({
        "kind": "Secret", "metadata": {"name": "pre-a"}, "stringData": {"other": "hunter2"},
        "spec": {"replicas": 3, "url": "db://u:hunter2@h"},
    });
    assert_eq!(object, wanted);
}

#[test]
fn a_text_that_does_not_belong_to_its_file_teaches_nothing() {
    let (encrypted, _) = opened();
    for other in ["kind: Secret\n", "kind: Secret\nstringData: x\nreplicas: 3\nlist: [one]\n", "["] {
        assert!(!Opened::default().learn(&encrypted, other.as_bytes()), "{other}");
    }
}

#[test]
fn what_is_a_field_of_ones_own_and_only_called_sops_stays() {
    let (_, opened) = opened();
    for mut object in
        [json!({"kind": "ConfigMap", "data": {"sops": "words"}}), json!({"kind": "Tool", "sops": {"a": 1}})]
    {
        let before = object.clone();
        assert_eq!(opened.put_into(&mut object), Put::Nothing);
        assert_eq!(object, before);
    }
}

#[test]
fn an_object_of_which_a_value_stays_closed_keeps_what_says_so() {
    let (_, mut opened) = opened();
    let unknown = cipher("unknown", "str");
    let closed = json!({"kind": "Secret", "stringData": {"a": unknown}, "sops": {"mac": cipher("m", "str")}});
    let mut object = closed.clone();
    assert_eq!(opened.put_into(&mut object), Put::Nothing);
    assert_eq!(object, closed);

    opened.give_up(&unknown);
    assert_eq!(opened.put_into(&mut object), Put::Closed);
    assert_eq!(object, closed);
}

#[test]
fn what_an_operator_opens_in_the_cluster_is_left_to_it() {
    let (_, opened) = opened();
    let mut object = json!({"kind": "SopsSecret", "spec": {"word": cipher("w", "str")}, "sops": {"mac": "x"}});
    let before = object.clone();
    assert_eq!(opened.put_into(&mut object), Put::Nothing);
    assert_eq!(object, before);
}

#[test]
fn what_an_object_is_called_may_be_told_and_what_it_holds_may_not() {
    let encrypted = format!(
        "kind: {}\nmetadata: {{name: \"{}\"}}\ndata: {{word: \"{}\"}}\n",
        cipher("k", "str"),
        cipher("n", "str"),
        cipher("w", "str")
    );
    let mut opened = Opened::default();
    assert!(opened.learn(&encrypted, b"kind: Secret\nmetadata: {name: login}\ndata: {word: hunter2}\n"));
    assert_eq!(opened.as_secret()["stringData"], json!(["hunter2"]));
}

/// Source: `sops.go` of `github.com/getsops/sops`: the MAC is over values in clear too, of all documents of a file.
#[test]
fn a_document_in_clear_of_a_file_that_was_not_opened_counts_as_little_as_the_rest() {
    let mac = cipher("m", "str");
    let document = json!({"kind": "Deployment", "spec": {"replicas": 3}, "sops": {"mac": mac, "version": "3.9.0"}});
    let mut closed = Opened::default();
    closed.give_up(&document.to_string());
    assert_eq!(closed.put_into(&mut document.clone()), Put::Closed);

    let mut opened = Opened::default();
    assert!(opened.learn(&document.to_string(), b"kind: Deployment\nspec: {replicas: 3}\n"));
    let mut ours = document.clone();
    assert_eq!(opened.put_into(&mut ours), Put::Nothing);
    assert_eq!(ours, json!({"kind": "Deployment", "spec": {"replicas": 3}}));

    let mut other = document;
    other["sops"]["mac"] = cipher("other", "str").into();
    let before = other.clone();
    assert_eq!(opened.put_into(&mut other), Put::Nothing);
    assert_eq!(other, before, "what has another MAC was not opened");
}

#[test]
fn what_is_known_wins_over_a_copy_that_was_not_opened() {
    let (encrypted, mut opened) = opened();
    opened.give_up(&encrypted);
    let mut object =
        json!({"stringData": {"word": cipher("w", "str")}, "sops": {"mac": cipher("m", "str"), "version": "3.9.0"}});
    assert_eq!(opened.put_into(&mut object), Put::Values);
    assert_eq!(object, json!({"stringData": {"word": "hunter2"}}));
}
