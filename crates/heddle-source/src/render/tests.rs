use super::*;

fn read(text: &str) -> Rendered {
    let mut rendered = Rendered::default();
    plain::read_file("a.yaml", text.as_bytes(), &mut rendered);
    rendered
}

fn places(rendered: &Rendered) -> Vec<(String, u32)> {
    let name = |object: &RenderedObject| object.value["metadata"]["name"].as_str().unwrap().to_owned();
    rendered.objects.iter().map(|object| (name(object), object.line.unwrap())).collect()
}

#[test]
fn each_document_keeps_its_line_and_a_broken_one_stops_no_other() {
    let text = "# a comment\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\nkind: [broken\n---\n\
        apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n--- # marker\n# only words\n";
    let rendered = read(text);
    assert_eq!(places(&rendered), [("a".to_owned(), 2), ("b".to_owned(), 9)]);
    assert_eq!(rendered.errors.len(), 1);
    assert!((7..=8).contains(&rendered.errors[0].line.unwrap()), "{:?}", rendered.errors);
}

#[test]
fn half_a_manifest_is_an_error_and_none_is_a_note() {
    assert!(read("apiVersion: v1\nmetadata: {name: a}\n").errors[0].message.contains("no `kind`"));
    assert!(read("kind: ConfigMap\nmetadata: {name: a}\n").errors[0].message.contains("no `apiVersion`"));
    assert!(read("apiVersion: v1\nkind: ConfigMap\n").errors[0].message.contains("metadata.name"));
    let values = read("replicas: 3\n");
    assert_eq!((values.errors.len(), values.notes.len(), values.objects.len()), (0, 1, 0));
}

#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    let text = "apiVersion: v1\nkind: X\nmetadata: {name: a}\n\
        v: {mode: 0644, on: yes, whole: 1.0, half: 0.5, text: \"1.0\", twice: 1, twice: 2}\n";
    let value = &read(text).objects[0].value["v"];
    assert_eq!(value["mode"], 420);
    assert_eq!(value["whole"].to_string(), "1");
    assert_eq!(value["half"], 0.5);
    assert_eq!(value["text"], "1.0");
    assert_eq!(value["twice"], 2);
}

#[test]
fn lists_are_taken_apart() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: X, metadata: {name: a}}\n\
        - {apiVersion: v1, kind: X, metadata: {name: b}}\n";
    assert_eq!(places(&read(text)).len(), 2);
}

#[test]
fn what_must_be_a_mapping_of_texts_and_is_none_is_told_with_its_line() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  labels:\n    app: x\n    app.k8s.io/v: 1.5\nstringData: hunter2\n---\n\
        apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n  data:\n    n: [1]\n";
    let rendered = read(text);
    assert_eq!(rendered.objects, []);
    let told: Vec<(u32, &str)> =
        rendered.errors.iter().map(|error| (error.line.unwrap(), error.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (7, "`metadata.labels` must hold texts, and `app.k8s.io/v` is a number: put it in quotes"),
            (8, "`stringData` must be a mapping of texts, and it is a text"),
            (17, "`data` must hold texts, and `n` is a list"),
        ]
    );
}

#[test]
fn a_secret_that_becomes_no_object_is_withheld() {
    let secret = |value: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {value}\n");
    assert_eq!(read(&secret("hunter2")).withheld[0]["stringData"], "hunter2");
    let mut rendered = read(&secret("{k: \"hunter2-${missing}\"}"));
    assert_eq!(rendered.withheld, Vec::<Value>::new());
    rendered.substitute(&Variables::new(heddle_manifest::substitute::Unset::Refused));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1));
    assert_eq!(rendered.withheld[0]["stringData"]["k"], "hunter2-${missing}");
    assert!(!rendered.errors[0].message.contains("hunter2"), "{:?}", rendered.errors);
}

#[test]
fn beyond_the_most_values_nothing_more_is_read() {
    // Each document is five values: itself, three texts and a mapping.
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n";
    let mut rendered = Rendered { values: MAX_RENDER_VALUES - 10, ..Rendered::default() };
    plain::read_file("a.yaml", config.repeat(2).as_bytes(), &mut rendered);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 0), "{:?}", rendered.errors);
    plain::read_file("b.yaml", config.repeat(2).as_bytes(), &mut rendered);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 1));
    assert!(rendered.errors[0].message.contains("split the path"), "{:?}", rendered.errors);
    plain::read_file("c.yaml", config.as_bytes(), &mut rendered);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 1), "it is said once");
}

#[test]
fn plain_files_and_the_output_of_renderers_share_one_budget_of_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    std::fs::write(dir.path().join("a.yaml"), plain).unwrap();
    std::fs::create_dir(dir.path().join("b")).unwrap();
    std::fs::write(dir.path().join("b/kustomization.yaml"), "namePrefix: b-\n").unwrap();
    let folder = crate::Folder::open(dir.path()).unwrap();
    // In the place of kustomize: it writes its arguments, `build` and a path, which hold no manifest.
    let tools = RenderTools::new("/bin/echo");
    let check = |bytes_left: u64| {
        let mut rendered = Rendered { bytes: MAX_RENDER_BYTES - bytes_left, ..Rendered::default() };
        let ended = render_into(&mut rendered, &folder, folder.path(), &tools);
        assert_eq!(rendered.errors, []);
        (rendered.objects.len(), ended.err().map(|error| error.to_string()))
    };
    let too_many = ReadError::TooManyBytes { limit_mib: 64 }.to_string();
    let plain_bytes = plain.len() as u64;
    assert_eq!(check(plain_bytes - 1), (0, Some(too_many.clone())));
    assert_eq!(check(plain_bytes + 1), (1, Some(too_many)));
    assert_eq!(check(plain_bytes + 4096), (1, None));
}
