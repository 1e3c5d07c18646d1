use super::*;

fn document(name: &str, mac: &str) -> String {
    let value = format!("ENC[AES256_GCM,data:{name},iv:a=,tag:b=,type:str]");
    format!("kind: Secret\nstringData: {{a: \"{value}\"}}\nsops: {{mac: {mac}, version: 3.9.0}}\n")
}

#[test]
fn documents_that_were_encrypted_together_are_opened_together_and_joined_ones_each_by_itself() {
    let (a, b, c) = (document("a", "one"), document("b", "one"), document("c", "two"));
    let text = format!("{a}---\n{b}---\nkind: ConfigMap\n---\n{c}");
    let counts = segments(&text, Format::Yaml).into_iter().map(|segment| match segment {
        Segment::Clear(_) => 0,
        Segment::Encrypted { text, .. } => cipher_texts(&text).count(),
    });
    assert_eq!(counts.collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn the_files_of_both_generators_are_opened() {
    let kustomization = json!({
        "secretGenerator": [{"envs": ["a.env"], "files": ["key=b.txt", "c.json"], "literals": ["a=b"]}],
        "configMapGenerator": [{"env": "d.env"}],
        "resources": ["e.yaml"],
    });
    assert_eq!(generator_sources(&kustomization), ["b.txt", "c.json", "a.env", "d.env"]);
}

#[test]
fn of_a_file_that_hides_its_name_all_that_was_encrypted_is_secret_and_nothing_else() {
    let cipher = |text: &str| format!("ENC[AES256_GCM,data:{text},iv:a,tag:b,type:str]");
    let encrypted = format!(
        "kind: {}\nmetadata:\n  name: {}\n  labels: {{app: web}}\n  annotations: {{note: '{}'}}\ndata: {{a: '{}'}}\n",
        cipher("kind"),
        cipher("name"),
        cipher("note"),
        cipher("word")
    );
    let opened =
        "kind: Secret\nmetadata:\n  name: x\n  labels: {app: web}\n  annotations: {note: hidden}\ndata: {a: word}\n";
    let secrets = as_secrets(encrypted.as_bytes(), opened.as_bytes(), false);
    let mut told: Vec<&str> =
        secrets.iter().flat_map(|one| one["stringData"].as_array()).flatten().filter_map(Value::as_str).collect();
    told.sort_unstable();
    assert_eq!(told, ["hidden", "word"]);
}
