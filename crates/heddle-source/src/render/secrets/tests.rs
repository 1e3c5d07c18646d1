use super::*;

fn taken(texts: &[&str]) -> Secrets {
    let mut secrets = Secrets::default();
    texts.iter().for_each(|text| secrets.take_file(text.as_bytes()));
    secrets
}

/// Whether the value stands in one of the objects where redactors look.
fn knows(secrets: &Secrets, value: &str) -> bool {
    let is_it = |object: &Value| object["stringData"].as_object().unwrap().values().any(|known| known == value);
    secrets.objects.iter().any(is_it)
}

#[test]
fn secrets_and_what_becomes_one_are_in_reach() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: hunter2}\n",
        "apiVersion: v1\nkind: SecretList\nitems: [{kind: Secret, data: {k: hunter2}}]\n",
        "apiVersion: v1\nkind: List\nitems: [{kind: Secret, stringData: {k: hunter2}}]\n",
        "secretGenerator: [{name: a, literals: [k=hunter2]}]\n",
        "secretGenerator: [{name: a, literals: [hunter2]}]\n",
        "patchesStrategicMerge: ['{kind: Secret, stringData: {k: hunter2}}']\n",
        "patches: [{patch: '{kind: Secret, stringData: {k: hunter2}}'}]\n",
        "generators: [\"apiVersion: builtin\\nkind: SecretGenerator\\nliterals: [k=hunter2]\\n\"]\n",
        "{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"stringData\": {\"k\": \"hunter2\"}}",
    ] {
        let secrets = taken(&[text]);
        assert!(secrets.in_reach && knows(&secrets, "hunter2"), "{text}");
    }
    assert!(taken(&["kind: Secret\nstringData: [unclosed\n"]).in_reach);
}

#[test]
fn where_there_is_no_secret_words_may_be_told() {
    let texts = [
        "kind: Deployment\nspec: {env: [{valueFrom: {secretKeyRef: {name: a}}}], imagePullSecrets: [{name: b}]}\n",
        "configMapGenerator: [{name: a, literals: [k=v]}]\n",
        "patches: [{path: a.yaml}]\n",
    ];
    assert!(!taken(&texts).in_reach);
}

#[test]
fn values_of_patches_and_of_sources_are_known() {
    let mut secrets = taken(&["- {op: replace, path: /stringData/k, value: hunter2}\n- {op: remove, path: /x}\n"]);
    assert!(knows(&secrets, "hunter2"));
    secrets.take_source(b"A=hunter3\nB=hunter4\n");
    assert!(knows(&secrets, "hunter3") && knows(&secrets, "hunter4"));
    let kustomization =
        json!({"secretGenerator": [{"files": ["k=a.txt", "b.txt"], "envs": ["c.env"], "env": "d.env"}]});
    assert_eq!(sources(&kustomization), ["a.txt", "b.txt", "c.env", "d.env"]);
}

#[test]
fn a_complaint_is_told_by_its_class_and_the_file_that_it_names() {
    assert_eq!(
        class("invalid literal source hunter2, expected key=value"),
        "a generator has a literal that is not `key=value`"
    );
    assert_eq!(class("something about hunter2"), "it cannot be built");
    let files = ["a", "a/b.yaml", "c.yaml"].map(|path| TreePath::parse(path).unwrap());
    assert_eq!(named("cannot read a/b.yaml: hunter2", &files), Some(&files[1]));
    assert_eq!(named("hunter2", &files), None);
}
