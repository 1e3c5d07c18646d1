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
