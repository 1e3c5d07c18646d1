use super::*;

fn read(text: &str) -> Rendered {
    let mut rendered = Rendered::default();
    read_into(&mut rendered, "a.yaml", text);
    rendered
}

fn read_into(rendered: &mut Rendered, file: &str, text: &str) {
    plain::read(
        plain::Source::File(&TreePath::parse(file).unwrap()),
        text.as_bytes(),
        &decrypt::Opened::default(),
        rendered,
    );
}

/// What is wrong with a text: line and words.
#[track_caller]
fn check(text: &str, faults: &[(u32, &str)]) {
    let rendered = read(text);
    let told: Vec<(u32, &str)> =
        rendered.errors.iter().map(|error| (error.line.unwrap(), error.message.as_str())).collect();
    assert_eq!(told.len(), faults.len(), "{text}: {told:?}");
    for ((line, message), (wanted_line, words)) in told.iter().zip(faults) {
        assert!(line == wanted_line && message.contains(words), "{text}: {told:?}");
    }
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
    for other in ["replicas: 3\n", "404: Not Found\n", "apiVersi", "# only words\n", "", "[1, 2]\n", "kind: ''\n"] {
        let values = read(other);
        assert_eq!((values.errors.len(), values.unread.len(), values.objects.len()), (0, 1, 0), "{other}");
        assert_eq!(values.unread[0].why, WhyUnread::NoManifest);
    }
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
fn metadata_of_the_wrong_type_is_an_error_and_never_a_default() {
    let object = |metadata: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n{metadata}");
    check(
        &object("  name: a\n  namespace: 2024\n"),
        &[(5, "`metadata.namespace` must be a text, and it is a number: put it in quotes")],
    );
    check(&object("  name: a\n  namespace: on\n"), &[(5, "is a boolean: put it in quotes")]);
    check(
        &object("  name: a\n  namespace: {a: b}\n"),
        &[(5, "`metadata.namespace` must be a text, and it is a mapping")],
    );
    check(&object("  name: 1234\n"), &[(4, "`metadata.name` must be a text, and it is a number: put it in quotes")]);
    check(&object("  name: n\n"), &[(4, "`metadata.name` must be a text, and it is a boolean: put it in quotes")]);
    check(&object("  generateName: 1e3\n"), &[(4, "`metadata.generateName` must be a text")]);
    check(&object("  name: a\n  finalizers: x\n"), &[(5, "`metadata.finalizers` must be a list, and it is a text")]);
    check(&object("  name: a\n  finalizers:\n  - 1\n"), &[(6, "`metadata.finalizers[0]` must be a text")]);
    check(&object("  name: a\n  ownerReferences: {}\n"), &[(5, "`metadata.ownerReferences` must be a list")]);
    check(
        &object("  name: a\n  ownerReferences:\n  - uid: 1\n    controller: 'yes'\n"),
        &[(6, "`metadata.ownerReferences[0].uid` must be a text"), (7, "[0].controller` must be a boolean")],
    );
    check("apiVersion: v1\nkind: ConfigMap\nmetadata: [a]\n", &[(3, "`metadata` must be a mapping")]);
    check(
        "apiVersion: 1\nkind: 2\nmetadata: {name: a}\n",
        &[(1, "`apiVersion` must be a text"), (2, "`kind` must be")],
    );
    check(&object("  namespace: [x]\n  labels: 1\n"), &[(4, "`metadata.namespace`"), (5, "`metadata.labels`")]);
    check(&object("  name: a\n  namespace:\n  labels:\n"), &[]);
}

#[test]
fn an_item_has_its_kind_from_a_typed_list_and_from_no_other() {
    let typed = read("apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: e}\n  data: {k: v}\n");
    assert_eq!((typed.objects[0].value["kind"].as_str(), typed.objects[0].line), (Some("ConfigMap"), Some(4)));
    assert_eq!(typed.objects[0].value["apiVersion"], "v1");
    let list = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: d}\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: e}\n";
    check(list, &[(4, "no `apiVersion`"), (4, "no `kind`")]);
    assert_eq!(places(&read(list)), [("e".to_owned(), 5)]);
    check("apiVersion: v1\nkind: ConfigMapList\nitems:\n- kind: X\n  metadata: {name: e}\n", &[(4, "no `apiVersion`")]);
    check("apiVersion: v1\nkind: List\nitems:\n- \n- 7\n", &[(4, "must be an object"), (5, "must be an object")]);
    check("apiVersion: v1\nkind: List\nitems:\n", &[(3, "`items` of a `List`")]);
}

#[test]
fn what_stands_among_manifests_or_is_one_in_another_form_is_an_error() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    check(&format!("{config}---\nmetadata: {{name: b}}\n"), &[(5, "neither an `apiVersion` nor a `kind`")]);
    check("- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n", &[(1, "a list of objects")]);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    check(pointer, &[(1, "Git LFS")]);
    check(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: \"ENC[x]\"}\nsops:\n  mac: x\n",
        &[(5, "SOPS")],
    );
}

#[test]
fn what_variables_bring_is_checked_too() {
    let mut rendered = read("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: ${n}\n");
    let mut variables = Variables::new(heddle_manifest::substitute::Unset::Refused);
    variables.set("n", "2024").unwrap();
    rendered.substitute(&variables);
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1));
    assert!(rendered.errors[0].message.contains("`metadata.namespace` must be a text"), "{:?}", rendered.errors);
}

/// A folder of this machine, rendered with a program in the place of kustomize that writes no manifest.
fn render_files(files: &[(&str, &str)], path: &str) -> Rendered {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let place = dir.path().join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, place).unwrap(),
            None => std::fs::write(place, text).unwrap(),
        }
    }
    let folder = crate::Folder::open(dir.path()).unwrap();
    render(&folder, path, &Overlay::default(), &RenderTools::new("/bin/true", "/bin/false"), &Until::default())
}

/// What gives no objects, in words; what looks like manifests with a mark.
fn unread(rendered: &Rendered) -> Vec<String> {
    let mark = |is_likely: bool| if is_likely { "! " } else { "" };
    let mut told: Vec<String> =
        rendered.unread.iter().map(|unread| format!("{}{unread}", mark(unread.is_likely))).collect();
    told.sort();
    told
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

#[test]
fn what_looks_like_manifests_and_is_not_read_is_told() {
    let files = [
        ("prod/a.yaml", CONFIG),
        ("prod/link.yaml", "-> ../shared/b.yaml"),
        ("prod/shared", "-> ../shared"),
        ("prod/LICENSE", "-> ../LICENSE"),
        ("prod/.hidden/h.yaml", CONFIG),
        ("prod/.github/ci.yaml", "name: ci\n"),
        ("prod/b.YAML", CONFIG),
        ("prod/c.yaml.bak", "# kept\n---\nkind: X\n"),
        ("prod/README.yaml.md", "# How\n\napiVersions are listed\n"),
        ("prod/vendored/.git", "gitdir: elsewhere"),
        ("prod/vendored/d.yaml", CONFIG),
        ("prod/values.yaml", "a: 1\n"),
        ("shared/b.yaml", CONFIG),
        ("LICENSE", "words"),
    ];
    let rendered = render_files(&files, "prod");
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (1, 0), "{:?}", rendered.errors);
    assert_eq!(
        unread(&rendered),
        [
            "! prod/.hidden/h.yaml (hidden)",
            "! prod/b.YAML (its name ends in none of .yaml, .yml and .json)",
            "! prod/c.yaml.bak (its name ends in none of .yaml, .yml and .json)",
            "! prod/link.yaml (a symbolic link, which is not followed)",
            "! prod/shared (a symbolic link, which is not followed)",
            "! prod/vendored (a submodule, which is not fetched)",
            "prod/LICENSE (a symbolic link, which is not followed)",
            "prod/values.yaml (it holds no manifest)",
        ]
    );
}

#[test]
fn a_kustomization_that_gives_nothing_and_a_file_of_it_without_objects_are_told() {
    let files = [
        ("apps/a/kustomization.yaml", "resources: [empty.yaml, ../../base]\n"),
        ("apps/a/empty.yaml", "# was here\n---\n"),
        ("base/kustomization.yaml", "resources: [b.yaml]\n"),
        ("base/b.yaml", CONFIG),
    ];
    let rendered = render_files(&files, "apps");
    assert_eq!(rendered.errors, []);
    assert_eq!(
        unread(&rendered),
        ["apps/a (its kustomization gives no objects)", "apps/a/empty.yaml (it holds no manifest)"]
    );
}

#[test]
fn a_path_that_cannot_be_read_is_an_error_by_its_name_however_it_is_spelt() {
    let files = [("apps/a.yaml", CONFIG), ("linked", "-> apps"), ("sub/.git", "x"), ("sub/b.yaml", CONFIG)];
    for (path, words) in [
        ("nowhere", "the path `nowhere` does not exist"),
        ("./nowhere//", "the path `nowhere` does not exist"),
        ("apps/a.yaml/b", "the path `apps/a.yaml/b` does not exist"),
        ("Apps", "the path `Apps` does not exist"),
        ("linked", "`linked` is a symbolic link"),
        ("linked/a.yaml", "`linked` is a symbolic link"),
        ("sub", "`sub` is a submodule"),
    ] {
        let rendered = render_files(&files, path);
        assert_eq!((rendered.objects.len(), rendered.errors.len()), (0, 1), "{path}: {:?}", rendered.errors);
        assert!(rendered.errors[0].message.contains(words), "{path}: {:?}", rendered.errors);
    }
}

#[test]
fn a_chart_is_one_unit_with_the_charts_in_it_and_needs_a_namespace() {
    let files = [
        ("apps/c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        ("apps/c/templates/p.yaml", "{{- if .Values.x }}\nkind: Pod\n{{- end }}\n"),
        ("apps/c/charts/d/Chart.yaml", "apiVersion: v2\nname: d\n"),
        ("apps/c/charts/d/templates/p.yaml", "{{ x }}\n"),
        ("apps/a.yaml", CONFIG),
    ];
    for path in ["apps", "apps/c"] {
        let rendered = render_files(&files, path);
        assert_eq!(rendered.errors.len(), 1, "{:?}", rendered.errors);
        assert_eq!(rendered.errors[0].file.as_deref(), Some("apps/c/Chart.yaml"));
        assert!(rendered.errors[0].message.contains("Helm chart"), "{:?}", rendered.errors);
    }
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
    read_into(&mut rendered, "a.yaml", &config.repeat(2));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 0), "{:?}", rendered.errors);
    read_into(&mut rendered, "b.yaml", &config.repeat(2));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 1));
    assert!(rendered.errors[0].message.contains("split the path"), "{:?}", rendered.errors);
    read_into(&mut rendered, "c.yaml", config);
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
    let tools = RenderTools::new("/bin/echo", "/bin/false");
    let check = |bytes_left: u64| {
        let mut rendered = Rendered { bytes: MAX_RENDER_BYTES - bytes_left, ..Rendered::default() };
        let (overlay, until) = (Overlay::default(), Until::default());
        let run = Run { overlay: &overlay, tools: Some(&tools), until: &until };
        let ended = render_into(&mut rendered, &folder, folder.path(), run);
        assert_eq!(rendered.errors, []);
        (rendered.objects.len(), ended.err().map(|error| error.to_string()))
    };
    let too_many = ReadError::TooManyBytes { limit_mib: 64 }.to_string();
    let plain_bytes = plain.len() as u64;
    assert_eq!(check(plain_bytes - 1), (0, Some(too_many.clone())));
    assert_eq!(check(plain_bytes + 1), (1, Some(too_many)));
    assert_eq!(check(plain_bytes + 4096), (1, None));
}

#[test]
fn what_is_kept_of_kustomizations_is_counted_and_ends_with_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let labels: Vec<String> = (0..100).map(|number| format!("l{number}: {}", "x".repeat(100))).collect();
    let kustomization = format!("commonLabels: {{{}}}\n", labels.join(", "));
    std::fs::write(dir.path().join("kustomization.yaml"), kustomization).unwrap();
    let folder = crate::Folder::open(dir.path()).unwrap();
    let overlay = Overlay::of(json!({"namePrefix": "p-"}));
    let tools = RenderTools::new("/bin/true", "/bin/false");
    let check = |mut rendered: Rendered, stop: &Stop| {
        let until = Until::within(Duration::from_secs(60), stop);
        let run = Run { overlay: &overlay, tools: Some(&tools), until: &until };
        let mut files = Files::new(&folder);
        files.load(folder.path()).unwrap();
        let root = (folder.path(), None);
        let reach = reach::Reach::find(&mut files, root, &mut chart::Inflations::default(), run, &mut rendered);
        let errors: Vec<String> = rendered.errors.iter().map(|error| error.message.clone()).collect();
        (reach.map(|reach| reach.edited.len()).map_err(|error| error.to_string()), errors)
    };
    let with = |bytes_left, values_left| Rendered {
        bytes: MAX_RENDER_BYTES - bytes_left,
        values: MAX_RENDER_VALUES - values_left,
        ..Rendered::default()
    };
    assert_eq!(check(with(20_000, 200), &Stop::default()), (Ok(1), vec![]));
    let too_many = ReadError::TooManyBytes { limit_mib: 64 }.to_string();
    assert_eq!(check(with(10_000, 200), &Stop::default()), (Err(too_many), vec![]));
    let (_, errors) = check(with(20_000, 50), &Stop::default());
    assert!(errors.len() == 1 && errors[0].contains("more than 1000000 values"), "{errors:?}");
    let stop = Stop::default();
    drop(stop.on_drop());
    let (kept, errors) = check(with(20_000, 200), &stop);
    assert!(kept == Ok(0) && errors.len() == 1 && errors[0].contains("takes longer"), "{errors:?}");
}

#[test]
fn a_path_that_takes_too_long_is_cut_short_and_says_so_once() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("kustomization.yaml"), "namePrefix: x-\n").unwrap();
    }
    let folder = crate::Folder::open(dir.path()).unwrap();
    let until = Until::within(Duration::from_secs(60), &Stop::default());
    assert!(
        !render(&folder, "", &Overlay::default(), &RenderTools::new("/bin/true", "/bin/false"), &until).is_cut_short
    );
    let stop = Stop::default();
    drop(stop.on_drop());
    let rendered = render(
        &folder,
        "",
        &Overlay::default(),
        &RenderTools::new("/bin/true", "/bin/false"),
        &Until::within(Duration::from_secs(60), &stop),
    );
    assert!(rendered.is_cut_short && rendered.errors.len() == 1, "{:?}", rendered.errors);
    assert!(rendered.errors[0].message.contains("longer than 60 s"), "{:?}", rendered.errors);
}
