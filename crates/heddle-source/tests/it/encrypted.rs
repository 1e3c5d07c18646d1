//! Files that are encrypted with SOPS, by the official `sops` with keys of age.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use heddle_egress::Egress;
use heddle_source::{
    Decryption, Fetcher, Hosts, Identities, Known, Overlay, Pinned, RenderTools, Rendered, Rules, Snapshot, Store,
    Until, WithBases, gather, memory_dir, render,
};
use serde_json::json;

use crate::{
    git_host::GitHost,
    rendering::{kustomize, tool},
};

const WORD: &str = "correct-horse-battery";

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  word: correct-horse-battery\n";

/// A key of age.
struct Key {
    identity: String,
    recipient: String,
}

impl Key {
    fn new() -> Self {
        Self::made_with(&[])
    }

    fn new_post_quantum() -> Self {
        Self::made_with(&["-pq"])
    }

    fn made_with(options: &[&str]) -> Self {
        let output = Command::new(tool("age-keygen")).args(options).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
        Self { identity: text.lines().last().unwrap().to_owned(), recipient }
    }

    /// Encrypts a file as `sops encrypt` does.
    fn encrypt(&self, name: &str, text: &str, options: &[&str]) -> String {
        let mut child = Command::new(tool("sops"))
            .args(["encrypt", "--age", &self.recipient, "--filename-override", name])
            .args(options)
            .env_clear()
            .env("HOME", "/nonexistent")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }
}

fn decryption(key: &Key, memory_dir: Option<&Path>) -> Decryption {
    Decryption::new(tool("sops").into(), Identities::parse(&key.identity).unwrap(), memory_dir.map(Path::to_owned))
}

async fn snapshot(files: &[(&str, &str)]) -> (Snapshot, tempfile::TempDir) {
    let host = GitHost::start().await;
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
    host.commit(&files);
    let dir = tempfile::tempdir().unwrap();
    (Store::open(dir.path()).fetch(&host.remote(), &"main".parse().unwrap()).await.unwrap(), dir)
}

fn build(snapshot: &Snapshot, decryption: Option<Decryption>) -> Rendered {
    build_with(snapshot, &Overlay::default(), decryption)
}

fn build_with(snapshot: &Snapshot, overlay: &Overlay, decryption: Option<Decryption>) -> Rendered {
    let tools = RenderTools::new(kustomize(), "/bin/false").decrypting(decryption);
    render(snapshot, "app", overlay, &tools, &Until::default())
}

/// A folder in memory of this machine.
fn memory() -> PathBuf {
    memory_dir(None).unwrap().unwrap()
}

fn value<'a>(rendered: &'a Rendered, kind: &str) -> &'a serde_json::Value {
    assert_eq!(rendered.errors, []);
    &rendered.objects.iter().find(|object| object.value["kind"] == kind).unwrap().value
}

#[tokio::test]
async fn a_manifest_is_opened_as_a_whole_or_in_the_fields_that_are_encrypted() {
    let key = Key::new();
    for options in [&[][..], &["--encrypted-regex", "^(data|stringData)$"]] {
        let encrypted = key.encrypt("login.yaml", SECRET, options);
        assert!(!encrypted.contains(WORD));
        let (snapshot, _dir) = snapshot(&[("app/login.yaml", &encrypted)]).await;
        let rendered = build(&snapshot, Some(decryption(&key, None)));
        assert_eq!(value(&rendered, "Secret")["stringData"]["word"], WORD);
        assert!(value(&rendered, "Secret").get("sops").is_none());
        let object = &rendered.objects[0];
        assert!(object.is_opened);
        assert_eq!((object.file.as_deref(), object.line), (Some("app/login.yaml"), Some(1)));
    }
}

#[tokio::test]
async fn what_an_operator_opens_comes_out_of_kustomize_as_it_is_written() {
    let key = Key::new();
    let secret = "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nmetadata:\n  name: login\nspec:\n  word: correct-horse-battery\n";
    let encrypted = key.encrypt("login.yaml", secret, &["--encrypted-regex", "^spec$"]);
    let own = key.encrypt("own.yaml", SECRET, &["--encrypted-regex", "^stringData$"]);
    let files = [
        ("app/kustomization.yaml", "namePrefix: own-\nresources: [login.yaml, own.yaml]\n"),
        ("app/login.yaml", &encrypted),
        ("app/own.yaml", &own),
    ];
    let (snapshot, _dir) = snapshot(&files).await;
    let rendered = build(&snapshot, Some(decryption(&key, None)));
    let mut written: serde_json::Value = heddle_manifest::documents::parse_document(&encrypted).unwrap();
    written["metadata"]["name"] = "own-login".into();
    assert_eq!(*value(&rendered, "SopsSecret"), written);
    assert_eq!(value(&rendered, "Secret")["stringData"]["word"], WORD);
}

#[tokio::test]
async fn what_a_remote_base_or_a_remote_file_repeats_of_it_is_not_opened() {
    let key = Key::new();
    let encrypted = key.encrypt("login.yaml", SECRET, &["--encrypted-regex", "^(data|stringData)$"]);
    let start = encrypted.find("ENC[AES256_GCM,data:").unwrap();
    let cipher = &encrypted[start..=start + encrypted[start..].find(']').unwrap()];
    let repeats = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shown}}\ndata: {{word: '{cipher}'}}\n");
    let whole = encrypted.replace("kind: Secret", "kind: ConfigMap");
    for repeated in [&*repeats, &whole] {
        let other = GitHost::start().await;
        other.make_public();
        let commit = other
            .commit(&[("base/kustomization.yaml", Some("resources: [c.yaml]\n")), ("base/c.yaml", Some(repeated))]);
        let file = other.serve_file("/acme/c.yaml", repeated);
        let authority = format!("localhost:{}", other.url.port().unwrap());
        for (named, told_at) in [(format!("{}//base?ref={commit}", other.url), "base/c.yaml"), (file, "c.yaml")] {
            let kustomization = format!("resources:\n- login.yaml\n- {named}\n");
            let (snapshot, _dir) =
                snapshot(&[("app/kustomization.yaml", &kustomization), ("app/login.yaml", &encrypted)]).await;
            let egress = Egress::new(std::slice::from_ref(&authority), Some(&other.ca_pem)).unwrap();
            let kept = tempfile::tempdir().unwrap();
            let fetcher = Fetcher::open(kept.path(), egress, Some(other.ca_pem.clone()));
            let hosts = Hosts::parse(std::slice::from_ref(&authority)).unwrap();
            let rules = Rules { hosts, pinned: Pinned::Resolve, ..Rules::default() };
            let of = (Arc::new(snapshot.clone()), "app", &Overlay::default());
            let (bases, _) = gather(&fetcher, &rules, &Known::default(), of).await;
            let tools = RenderTools::new(kustomize(), "/bin/false").decrypting(Some(decryption(&key, None)));
            let tree = WithBases::new(&snapshot, &bases);
            let rendered = render(&tree, "app", &Overlay::default(), &tools, &Until::default());
            let [error] = &rendered.errors[..] else { panic!("{:?}", rendered.errors) };
            assert!(error.message.contains("SOPS, and was not opened"), "{error:?}");
            assert!(error.file.as_deref().unwrap().ends_with(told_at), "{error:?}");
            let words: Vec<_> = rendered.objects.iter().map(|object| &object.value["stringData"]["word"]).collect();
            assert_eq!(words, [WORD], "what is the repository's own is opened");
            let objects = format!("{:?}", rendered.objects);
            assert!(!objects.contains("ENC["), "{objects}");
        }
    }
}

#[tokio::test]
async fn documents_of_one_file_and_files_that_were_joined_are_opened_beside_what_is_in_clear() {
    let key = Key::new();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let other = SECRET.replace("name: login", "name: other").replace(WORD, "battery-staple");
    let two = key.encrypt("login.yaml", &format!("{SECRET}---\n{other}"), &[]);
    let third =
        key.encrypt("b.yaml", &SECRET.replace("name: login", "name: third"), &["--encrypted-regex", "^stringData$"]);
    let (snapshot, _dir) = snapshot(&[("app/all.yaml", &format!("{two}---\n{config}---\n{third}"))]).await;
    let decryption = decryption(&key, Some(&memory()));
    for overlay in [Overlay::default(), Overlay::of(json!({"namePrefix": "own-"}))] {
        let rendered = build_with(&snapshot, &overlay, Some(decryption.clone()));
        assert_eq!(rendered.errors, []);
        let words: Vec<_> = rendered.objects.iter().map(|object| object.value["stringData"]["word"].as_str()).collect();
        assert_eq!(words.len(), 4);
        for word in [Some(WORD), Some("battery-staple"), None] {
            assert!(words.contains(&word), "{words:?}");
        }
    }
}

#[tokio::test]
async fn in_a_kustomization_a_value_goes_where_a_patch_and_a_prefix_put_it_and_none_is_on_a_disk() {
    let key = Key::new();
    let encrypted = key.encrypt("login.yaml", SECRET, &["--encrypted-regex", "^(data|stringData)$"]);
    let kustomization = "namePrefix: own-\nresources: [login.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '- {op: copy, from: /stringData/word, path: /stringData/other}'\n";
    let (snapshot, _dir) = snapshot(&[("app/kustomization.yaml", kustomization), ("app/login.yaml", &encrypted)]).await;
    let rendered = build(&snapshot, Some(decryption(&key, None)));
    assert_eq!(rendered.objects[0].file.as_deref(), Some("app/login.yaml"));
    let secret = value(&rendered, "Secret");
    assert_eq!((&secret["stringData"]["word"], &secret["stringData"]["other"]), (&WORD.into(), &WORD.into()));
    assert_eq!(secret["metadata"]["name"], "own-login");
    assert!(secret.get("sops").is_none());
}

/// What a generator makes of the encrypted files is what it makes of their text, the hash in the name included.
#[tokio::test]
async fn a_generator_reads_files_of_every_store_in_memory_alone() {
    let key = Key::new();
    let plain = [
        ("app/words.env", "word=correct-horse-battery\nother=b\n"),
        ("app/a.ini", "[login]\nword = correct-horse-battery\n"),
        ("app/a.json", "{\n\t\"word\": \"correct-horse-battery\"\n}"),
        ("app/tls.key", "-----BEGIN correct-horse-battery-----\n"),
    ];
    let kustomization = "secretGenerator:\n- name: words\n  envs: [words.env]\n  files: [a.ini, a.json, tls.key]\n";
    let encrypted: Vec<(&str, String)> = plain
        .iter()
        .map(|(path, text)| {
            let name = path.trim_start_matches("app/");
            let options: &[&str] = if name == "tls.key" { &["--input-type", "binary"] } else { &[] };
            (*path, key.encrypt(name, text, options))
        })
        .collect();
    let mut files: Vec<(&str, &str)> = encrypted.iter().map(|(path, text)| (*path, text.as_str())).collect();
    files.push(("app/kustomization.yaml", kustomization));
    let (encrypted, _dir) = snapshot(&files).await;
    let mut files = plain.to_vec();
    files.push(("app/kustomization.yaml", kustomization));
    let (wanted, _other) = snapshot(&files).await;
    let opened = build(&encrypted, Some(decryption(&key, Some(&memory()))));
    let wanted = build(&wanted, None);
    let (opened, wanted) = (value(&opened, "Secret"), value(&wanted, "Secret"));
    assert_eq!(opened["data"]["word"], wanted["data"]["word"]);
    assert_eq!(opened["data"]["tls.key"], wanted["data"]["tls.key"]);
    for file in ["a.ini", "a.json"] {
        assert!(opened["data"][file].is_string(), "{opened}");
    }

    let without = build(&encrypted, Some(decryption(&key, None)));
    assert_eq!(without.objects, []);
    assert!(without.errors[0].message.contains("HEDDLE_MEMORY_DIR"), "{:?}", without.errors);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_fails_alone_with_its_key_and_the_remedy() {
    let (key, other) = (Key::new(), Key::new());
    let encrypted = key.encrypt("login.yaml", SECRET, &[]);
    let changed =
        key.encrypt("b.yaml", SECRET, &["--encrypted-regex", "^stringData$"]).replace("name: login", "name: changed");
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let (snapshot, _dir) =
        snapshot(&[("app/a.yaml", config), ("app/b.yaml", &changed), ("app/login.yaml", &encrypted)]).await;
    let rendered = build(&snapshot, Some(decryption(&key, None)));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (2, 1), "{:?}", rendered.errors);
    assert_eq!(rendered.unread, [], "it holds a manifest, though a closed one");
    assert_eq!(rendered.errors[0].file.as_deref(), Some("app/b.yaml"));
    assert!(rendered.errors[0].message.contains("its MAC does not fit"), "{:?}", rendered.errors);

    let rendered = build(&snapshot, Some(decryption(&other, None)));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (1, 2), "{:?}", rendered.errors);
    let fault = rendered.errors.iter().find(|error| error.file.as_deref() == Some("app/login.yaml")).unwrap();
    assert!(
        fault.message.contains(&key.recipient) && fault.message.contains("sops rotate --in-place --add-age"),
        "{fault:?}"
    );
    assert!(!format!("{:?}{:?}", rendered.errors, rendered.notes).contains(WORD));
}

/// In a kustomization as well, where the object that needs the file is left out, and no other.
#[tokio::test]
async fn in_a_kustomization_a_file_that_cannot_be_opened_fails_alone_too() {
    let (key, other) = (Key::new(), Key::new());
    let ours = key.encrypt("a.yaml", SECRET, &["--encrypted-regex", "^stringData$"]);
    let theirs =
        other.encrypt("b.yaml", &SECRET.replace("name: login", "name: b"), &["--encrypted-regex", "^stringData$"]);
    let kustomization = "resources: [a.yaml, b.yaml]\n";
    let files = [("app/kustomization.yaml", kustomization), ("app/a.yaml", &*ours), ("app/b.yaml", &theirs)];
    let (snapshot, _dir) = snapshot(&files).await;
    let rendered = build(&snapshot, Some(decryption(&key, None)));
    assert_eq!((rendered.objects.len(), rendered.errors.len()), (1, 1), "{:?}", rendered.errors);
    assert_eq!(rendered.objects[0].value["metadata"]["name"], "login");
    assert_eq!(rendered.errors[0].file.as_deref(), Some("app/b.yaml"));
    assert!(rendered.errors[0].message.contains(&other.recipient), "{:?}", rendered.errors);
}

/// Post-quantum keys are keys of age like any other.
#[tokio::test]
async fn a_post_quantum_key_opens_and_is_named_in_short_where_it_is_missing() {
    let (key, other) = (Key::new_post_quantum(), Key::new());
    let encrypted = key.encrypt("login.yaml", SECRET, &[]);
    let (snapshot, _dir) = snapshot(&[("app/login.yaml", &encrypted)]).await;
    assert_eq!(value(&build(&snapshot, Some(decryption(&key, None))), "Secret")["stringData"]["word"], WORD);
    let rendered = build(&snapshot, Some(decryption(&other, None)));
    assert!(rendered.errors[0].message.contains(&format!("{}…", &key.recipient[..40])), "{:?}", rendered.errors);
}

#[tokio::test]
async fn without_the_program_each_encrypted_file_says_so() {
    let key = Key::new();
    let encrypted = key.encrypt("login.yaml", SECRET, &[]);
    let (snapshot, _dir) = snapshot(&[("app/login.yaml", &encrypted)]).await;
    let decryption = Decryption::new("/nowhere/sops".into(), Identities::parse(&key.identity).unwrap(), None);
    let rendered = build(&snapshot, Some(decryption));
    assert_eq!(rendered.objects, []);
    assert!(
        rendered.errors[0].message.contains("there is no program `/nowhere/sops` that opens it"),
        "{:?}",
        rendered.errors
    );
}

#[tokio::test]
async fn cipher_text_is_never_an_object_whatever_its_kind_and_however_it_got_there() {
    let key = Key::new();
    let whole = key.encrypt("login.yaml", SECRET, &[]);
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {word: correct-horse-battery}\n";
    let config = key.encrypt("a.yaml", config, &["--encrypted-regex", "^data$"]);
    let words = key.encrypt("words.env", "word=correct-horse-battery\n", &[]);
    let generator = |kind: &str, field: &str| format!("{kind}:\n- name: words\n  {field}: [words.env]\n");
    let alone = [("app/login.yaml", whole.as_str()), ("app/a.yaml", config.as_str())];
    let (plain, _dir) = snapshot(&alone).await;
    let rendered = build(&plain, None);
    assert_eq!(rendered.objects, []);
    assert!(rendered.errors.iter().all(|error| error.message.contains("spec.decrypt")), "{:?}", rendered.errors);
    assert_eq!(rendered.errors.iter().filter(|error| error.message.contains("SOPS")).count(), 2);
    for (kind, field) in [("secretGenerator", "envs"), ("secretGenerator", "files"), ("configMapGenerator", "files")] {
        let kustomization = generator(kind, field);
        let (snapshot, _dir) = snapshot(&[("app/kustomization.yaml", &kustomization), ("app/words.env", &words)]).await;
        let rendered = build(&snapshot, None);
        assert_eq!(rendered.objects, [], "{kustomization}");
        assert!(rendered.errors[0].message.contains("SOPS"), "{kustomization}: {:?}", rendered.errors);
    }
}

#[tokio::test]
async fn what_stands_in_clear_beside_a_secret_is_not_applied_where_the_mac_does_not_fit() {
    let key = Key::new();
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\nother: one\n";
    let together = key.encrypt("all.yaml", &format!("{SECRET}---\n{config}"), &["--encrypted-regex", "^stringData$"]);
    let kustomization = "resources: [all.yaml]\n";
    for with_kustomization in [false, true] {
        for (text, count) in [(together.clone(), 2), (together.replace("other: one", "other: two"), 0)] {
            let mut files = vec![("app/all.yaml", text.as_str())];
            files.extend(Some(("app/kustomization.yaml", kustomization)).filter(|_| with_kustomization));
            let (snapshot, _dir) = snapshot(&files).await;
            let rendered = build(&snapshot, Some(decryption(&key, None)));
            assert_eq!(
                (rendered.objects.len(), rendered.errors.len()),
                (count, usize::from(count == 0)),
                "{rendered:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stale_copy_that_nobody_names_is_no_fault_and_what_a_replacement_moved_is_marked() {
    let key = Key::new();
    let secret = key.encrypt("s.yaml", SECRET, &["--encrypted-regex", "^stringData$"]);
    let stale = secret.replace("name: login", "name: other");
    let words = key.encrypt("words.env", "word=correct-horse-battery\n", &[]);
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata: {word: x, other: y}\n";
    let kustomization = "resources: [s.yaml, d.yaml]\nconfigMapGenerator: [{name: words, envs: [words.env]}]\nreplacements:\n- source: \
        {kind: ConfigMap, name: words, fieldPath: data.word}\n  targets: [{select: {name: d}, fieldPaths: [data.word]}]\n";
    let files = [
        ("app/kustomization.yaml", kustomization),
        ("app/s.yaml", &*secret),
        ("app/s.yaml.orig", &stale),
        ("app/words.env", &words),
        ("app/d.yaml", config),
    ];
    let (snapshot, _dir) = snapshot(&files).await;
    let rendered = build(&snapshot, Some(decryption(&key, Some(&memory()))));
    assert_eq!(rendered.errors, []);
    let moved = rendered.objects.iter().find(|object| object.value["metadata"]["name"] == "d").unwrap();
    assert_eq!(moved.value["data"]["word"], WORD);
    assert!(moved.is_opened, "so that no diff tells it");
}
